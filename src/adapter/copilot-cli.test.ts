// What Copilot CLI's hooks mean, in both of its dialects. No session of it was recorded: payloads are those of its documentation.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";
import * as z from "zod";

import type { AgentEvent } from "../event/event.ts";
import { foldToEnd, lines, total } from "../../test/support/folded.ts";
import { copilotCli } from "./copilot-cli.ts";

const EPOCH_MS = 1_795_000_000_000;

/** An event as it is told of in camelCase, received `delayMs` later. */
function camel(seconds: number, event: string, fields: Record<string, unknown> = {}, delayMs = 5): AgentEvent[] {
  const payload = { sessionId: "s", timestamp: EPOCH_MS + seconds * 1000, cwd: "/home/user/project", ...fields };
  return decode(payload, seconds, delayMs, event);
}

function pascal(seconds: number, event: string, fields: Record<string, unknown> = {}, delayMs = 9): AgentEvent[] {
  const timestamp = new Date(EPOCH_MS + seconds * 1000).toISOString();
  const common = { hook_event_name: event, session_id: "s", timestamp, cwd: "/home/user/project" };
  return decode({ ...common, ...fields }, seconds, delayMs);
}

function decode(payload: unknown, seconds: number, delayMs: number, event?: string): AgentEvent[] {
  const timeNs = BigInt(Math.round(EPOCH_MS + seconds * 1000 + delayMs)) * 1_000_000n;
  const bytes = Buffer.from(JSON.stringify(payload));
  const envelope = { id: "e", agent: "copilot-cli", timeNs, env: {}, payload: bytes };
  const decoded = copilotCli.decode(event === undefined ? envelope : { ...envelope, event });
  return decoded.status === "decoded" ? decoded.events : [];
}

const ARGS = { command: "ls" };
const CAMEL = [
  camel(0, "sessionStart", { source: "new" }),
  camel(1, "userPromptSubmitted", { prompt: "Do it" }),
  camel(2, "preToolUse", { toolName: "bash", toolArgs: JSON.stringify(ARGS) }),
  camel(3, "postToolUse", { toolName: "bash", toolArgs: ARGS, toolResult: { resultType: "success" } }),
  camel(4, "agentStop", { transcriptPath: "/x/events.jsonl", stopReason: "end_turn" }),
  camel(5, "sessionEnd", { reason: "complete" }),
];
const PASCAL = [
  pascal(0, "SessionStart", { source: "new" }),
  pascal(1, "UserPromptSubmit", { prompt: "Do it" }),
  pascal(2, "PreToolUse", { tool_name: "Bash", tool_input: ARGS }),
  pascal(3, "PostToolUse", { tool_name: "Bash", tool_input: ARGS, tool_result: { result_type: "success" } }),
  pascal(4, "Stop", { transcript_path: "/x/events.jsonl", stop_reason: "end_turn" }),
  pascal(5, "SessionEnd", { reason: "complete" }),
];
const TREE = ["execute_tool Bash 2..3 success", "invoke_agent copilot-cli 1..4 success", "session copilot-cli 0..5"];

describe("by documentation, not recorded", () => {
  test.each([
    ["camelCase", CAMEL],
    ["PascalCase", PASCAL],
    ["both, of the same events", CAMEL.flatMap((one, i) => [one, PASCAL[i] ?? []])],
    ["both, one after the other", [...CAMEL.slice(0, 5), ...PASCAL.slice(0, 5), ...CAMEL.slice(5), ...PASCAL.slice(5)]],
  ])("a turn in %s", (_, groups) => {
    const all = foldToEnd(groups.flat());
    expect(lines(all, "hookspan.run.outcome", "hookspan.tool.outcome")).toEqual(TREE);
    expect(total(all, "gen_ai.invoke_agent.tool_calls")).toBe(1);
    expect(total(all, "hookspan.session.count")).toBe(1);
    expect(total(all, "hookspan.token.usage")).toBe(0);
  });

  test("two calls of the same tool at once are two", () => {
    const call = { toolName: "bash", toolArgs: ARGS };
    const both = [2, 2.2].flatMap((seconds) => camel(seconds, "preToolUse", call));
    const ends = [3, 3.5].flatMap((seconds) => camel(seconds, "postToolUse", call));
    const all = foldToEnd([...(CAMEL[1] ?? []), ...both, ...ends, ...(CAMEL[4] ?? [])]);
    expect(lines(all).filter((line) => line.startsWith("execute_tool"))).toEqual([
      "execute_tool Bash 2..3",
      "execute_tool Bash 2.2..3.5",
    ]);
  });

  test("a call that failed", () => {
    const call = { toolName: "view", toolArgs: { path: "/x" } };
    const ended = camel(3, "postToolUseFailure", { ...call, error: "no such file" });
    const all = foldToEnd([...(CAMEL[1] ?? []), ...camel(2, "preToolUse", call), ...ended, ...(CAMEL[4] ?? [])]);
    expect(lines(all, "hookspan.tool.outcome", "error.type")[0]).toBe("execute_tool Read 2..3 error tool_error");
  });

  test.each<[string, AgentEvent[], string]>([
    ["an error of the model", camel(4, "errorOccurred", { errorContext: "model_call", recoverable: false }), "error"],
    [
      "one that it recovers from",
      camel(3, "errorOccurred", { errorContext: "model_call", recoverable: true }),
      "success",
    ],
    ["an abort", camel(5, "sessionEnd", { reason: "abort" }), "interrupted"],
  ])("%s", (_, events, outcome) => {
    const stop = outcome === "success" ? (CAMEL[4] ?? []) : [];
    const all = foldToEnd([...(CAMEL[0] ?? []), ...(CAMEL[1] ?? []), ...events, ...stop]);
    expect(total(all, "hookspan.run.count", { "hookspan.run.outcome": outcome })).toBe(1);
    expect(total(all, "hookspan.run.count")).toBe(1);
  });

  test("a compaction is a moment; a subagent is known by its end", () => {
    const ended = camel(3.5, "subagentStop", { agentId: "a", agentType: "explore", agentName: "explore" });
    const inside = [
      ...camel(2, "preCompact", { trigger: "auto" }),
      ...camel(3, "subagentStart", { agentName: "explore" }),
    ];
    const all = foldToEnd([...(CAMEL[1] ?? []), ...inside, ...ended, ...(CAMEL[4] ?? [])]);
    expect(lines(all)).toEqual(expect.arrayContaining(["compact copilot-cli 2..2", "invoke_agent explore 3.5..3.5"]));
  });
});

test("the settings in hooks/ register events that are understood, and nothing else", () => {
  const file = join(import.meta.dirname, "..", "..", "hooks", "copilot-cli.hooks.json");
  const entries = z.array(z.looseObject({ bash: z.string() })).length(1);
  const { hooks } = z.object({ hooks: z.record(z.string(), entries) }).parse(JSON.parse(readFileSync(file, "utf8")));
  expect(Object.keys(hooks)).toHaveLength(11);
  for (const [event, [entry]] of Object.entries(hooks)) {
    expect(entry?.bash).toBe(`/path/to/hookspan/hooks/hookspan.sh copilot-cli ${event}`);
    expect(camel(0, event).filter((one) => one.kind === "noted" && !one.known)).toEqual([]);
    expect(camel(0, event)).not.toEqual([]);
  }
});
