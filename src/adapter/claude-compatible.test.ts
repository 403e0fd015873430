import { expect, test } from "vitest";

import { claudeCompatible } from "./claude-compatible.ts";
import { adapterFor } from "./registry.ts";

const NAMES = ["factory-droid", "kiro", "vscode", "devin", "auggie"];

test("each is found by its name", () => {
  expect(claudeCompatible.map(({ agent }) => agent)).toEqual(NAMES);
  expect(NAMES.map((name) => adapterFor(name)?.agent)).toEqual(NAMES);
});

test.each(NAMES)("%s: Claude Code's payload, under its own name, without a transcript", (agent) => {
  const decoded = decode(agent, {
    session_id: "s",
    hook_event_name: "PreToolUse",
    transcript_path: "/home/user/.claude/projects/p/s.jsonl",
    cwd: "/p",
    tool_name: "Bash",
    tool_use_id: "c",
    tool_input: {},
  });
  expect(decoded).toMatchObject({
    status: "decoded",
    events: [
      { agent, kind: "session.described", cwd: "/p", hook: { pid: 7, pidSource: "parent" } },
      { agent, kind: "tool.started", callId: "c", tool: "Bash" },
    ],
  });
});

test("camelCase fields, and Kiro's names of events", () => {
  const vscode = { sessionId: "s", hookEventName: "UserPromptSubmit", prompt: "Hi" };
  expect(decode("vscode", vscode)).toMatchObject({ events: [{}, { kind: "prompt.submitted", sessionId: "s" }] });
  const kiro = { session_id: "s", hook_event_name: "agentSpawn" };
  expect(decode("kiro", kiro)).toMatchObject({ events: [{}, { kind: "session.started" }] });
});

test.each([
  [{ hook_event_name: "Stop" }, "schema: session_id (invalid_type)"],
  [[], "schema: payload (invalid_type)"],
])("%j is refused: %s", (payload, reason) => {
  expect(decode("kiro", payload)).toEqual({ status: "invalid", reason });
});

function decode(agent: string, payload: unknown) {
  const env = { CLAUDE_PID: "42", CLAUDE_CODE_ENTRYPOINT: "cli" };
  const bytes = Buffer.from(JSON.stringify(payload));
  return adapterFor(agent)?.decode({ id: "e", agent, timeNs: 1n, ppid: 7, env, payload: bytes });
}
