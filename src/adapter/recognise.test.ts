// Whose payload it is, whatever hook it came through. Of the recorded agents every recorded payload is tried; those of Cursor
// and Copilot CLI are by documentation, not recorded.
import { describe, expect, test } from "vitest";

import { recordedInputs, recordedSessions } from "../../test/support/recordings.ts";
import { takeIn } from "../bridge/take-in.ts";
import type { AgentEvent } from "../event/event.ts";
import { recognise } from "./recognise.ts";

const HOOKS = ["claude-code", "codex", "copilot-cli", "cursor", "gemini-cli", "hermes", "qwen-code"];
const RECORDED = recordedSessions().filter(({ agent }) => HOOKS.includes(agent));

function throughHooks(payload: unknown): string[] {
  const bytes = Buffer.from(JSON.stringify(payload));
  return [...new Set(HOOKS.map((agent) => recognise({ agent, payload: bytes })))];
}

describe.each([...new Set(RECORDED.map(({ agent }) => agent))])("recorded payloads of %s", (agent) => {
  test.each(RECORDED.filter((one) => one.agent === agent).map(({ folder, path }) => [folder, path]))(
    "%s",
    (_, path) => {
      const wrong = recordedInputs(path).payloads.filter((payload) => String(throughHooks(payload)) !== agent);
      expect(wrong).toEqual([]);
    },
  );
});

const CURSOR = {
  conversation_id: "c",
  generation_id: "g",
  model: "m",
  cursor_version: "3.18.2",
  transcript_path: null,
};
const CAMEL = { sessionId: "s", timestamp: 1_795_000_000_000, cwd: "/home/user/project" };
const SNAKE = { session_id: "s", timestamp: "2026-11-20T17:29:01.986Z", cwd: "/home/user/project" };

describe("by documentation, not recorded", () => {
  test.each<[string, string, Record<string, unknown>]>([
    [
      "Cursor's own name",
      "cursor",
      { ...CURSOR, hook_event_name: "preToolUse", tool_name: "Shell", tool_use_id: "a\nb" },
    ],
    ["Cursor with Claude Code's name", "cursor", { ...CURSOR, hook_event_name: "PreToolUse", session_id: "c" }],
    [
      "Cursor in Claude Code's directory",
      "cursor",
      { ...CURSOR, hook_event_name: "stop", transcript_path: "/x/.claude/c.jsonl" },
    ],
    ["Copilot, camelCase", "copilot-cli", { ...CAMEL, toolName: "bash", toolArgs: {} }],
    [
      "Copilot, camelCase, at a stop",
      "copilot-cli",
      { ...CAMEL, transcriptPath: "/x/events.jsonl", stopReason: "end_turn" },
    ],
    [
      "Copilot, PascalCase",
      "copilot-cli",
      { ...SNAKE, hook_event_name: "PreToolUse", tool_name: "Bash", tool_input: {} },
    ],
    ["Copilot, PascalCase, at a start", "copilot-cli", { ...SNAKE, hook_event_name: "SessionStart", source: "new" }],
    [
      "Copilot, PascalCase, at a stop",
      "copilot-cli",
      { ...SNAKE, hook_event_name: "Stop", transcript_path: "/x/.copilot/e.jsonl" },
    ],
  ])("%s", (_, agent, payload) => {
    expect(throughHooks(payload)).toEqual([agent]);
  });
});

test.each<[string, string | Record<string, unknown>]>([
  ["no JSON", "{"],
  ["no object", "[]"],
  ["no sign", { session_id: "s", hook_event_name: "Stop" }],
])("%s: as the hook says", (_, payload) => {
  const bytes = Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload));
  for (const agent of HOOKS) expect(recognise({ agent, payload: bytes })).toBe(agent);
});

test("a hook of another name speaks a dialect that its user declared", () => {
  const payload = Buffer.from(JSON.stringify({ ...CURSOR, hook_event_name: "stop" }));
  expect(recognise({ agent: "generic", payload })).toBe("generic");
});

test("by documentation, not recorded: what Cursor says through Claude Code's hook is a session of Cursor's", () => {
  const payload = Buffer.from(JSON.stringify({ ...CURSOR, hook_event_name: "PreToolUse", tool_name: "Shell" }));
  const envelope = { id: "e", agent: "claude-code", timeNs: 1n, env: {}, payload };
  const agents = new Set<string>();
  const fold = ({ agent }: AgentEvent): boolean => agents.add(agent).size > 0;
  const intake = takeIn({ fold, isExcluded: () => false }, { status: "whole", envelope });
  expect(intake.status).toBe("folded");
  expect([...agents]).toEqual(["cursor"]);
});
