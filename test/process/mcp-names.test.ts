// MCP servers under the names that the configuration gives them, through the real hook and the real bridge.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { QUIET } from "../support/hook-tree.ts";
import { install } from "../support/installed.ts";
import { plain } from "../support/otlp-json.ts";

const CALLS = ["mcp__plugin_tools_github__search", "mcp__demo__add", "Bash"];

test("a server has the name of the configuration, another its own, and a tool of no server none", async () => {
  const installed = await install();
  const file = join(String(installed.env["HOME"]), "config.json");
  writeFileSync(file, JSON.stringify({ mcpNames: { plugin_tools_github: "GitHub" } }));
  const hook = async (name: string, more: object = {}): Promise<void> => {
    const payload = { session_id: "s", prompt_id: "p", hook_event_name: name, ...more };
    expect(await installed.hook(payload, { HOOKSPAN_AUTOSTART: "0" })).toEqual(QUIET);
  };
  await hook("UserPromptSubmit", { prompt: "Go." });
  for (const tool of CALLS) {
    const call = { tool_name: tool, tool_use_id: tool, tool_input: {} };
    await hook("PreToolUse", call);
    await hook("PostToolUse", { ...call, tool_response: {} });
  }
  expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0 });
  const tools = installed.spans().flatMap(({ name, attributes }) => {
    const told = plain(attributes);
    return name.startsWith("execute_tool") ? [[name, told["hookspan.mcp.server"], told["gen_ai.tool.type"]]] : [];
  });
  expect(tools).toEqual([
    ["execute_tool search", "GitHub", "extension"],
    ["execute_tool add", "demo", "extension"],
    ["execute_tool Bash", undefined, "function"],
  ]);
});
