// What Cursor's hooks mean. No session of Cursor was recorded: payloads are those of its documentation's field tables and of
// captures that others published.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";
import * as z from "zod";

import type { AgentEvent } from "../event/event.ts";
import type { Policy } from "../trace/draft.ts";
import { fold } from "../trace/fold.ts";
import type { Session } from "../trace/session.ts";
import { captured } from "../trace/content.ts";
import { foldToEnd, lines, total } from "../../test/support/folded.ts";
import { cursor } from "./cursor.ts";

const EPOCH_S = 1_795_000_000;
const RUN = ["hookspan.run.outcome", "error.type", "hookspan.run.end_reason"];
const IDS = { conversation_id: "c", generation_id: "g", model: "claude-4.5-sonnet", cursor_version: "3.18.2" };
const PLACE = { workspace_roots: ["/home/user/project"], user_email: "someone@example.com", transcript_path: null };

function hook(seconds: number, event: string, fields: Record<string, unknown> = {}): AgentEvent[] {
  const decoded = cursor.decode({
    id: "e",
    agent: "cursor",
    timeNs: BigInt(Math.round((EPOCH_S + seconds) * 1e9)),
    cwd: "/home/user/.cursor",
    env: {},
    payload: Buffer.from(JSON.stringify({ ...IDS, ...PLACE, hook_event_name: event, ...fields })),
  });
  return decoded.status === "decoded" ? decoded.events : [];
}

const CALL = { tool_name: "Shell", tool_input: { command: "ls" }, tool_use_id: "toolu_1\nfc_1", cwd: "" };
const TOKENS = { input_tokens: 33_766, output_tokens: 120, cache_read_tokens: 23_527, cache_write_tokens: 0 };

function shell(seconds: number, fields: Record<string, unknown> = {}): AgentEvent[] {
  return [
    ...hook(seconds, "preToolUse", CALL),
    ...hook(seconds + 0.1, "beforeShellExecution", { command: "ls", cwd: "" }),
    ...hook(seconds + 0.9, "afterShellExecution", { command: "ls", output: "x", duration: 800 }),
    ...hook(seconds + 1, "postToolUse", {
      ...CALL,
      tool_output: '{"exitCode":0,"stdout":"x"}',
      duration: 800,
      ...fields,
    }),
  ];
}

const START = hook(0, "sessionStart", { session_id: "c", is_background_agent: false, composer_mode: "agent" });
const PROMPT = hook(1, "beforeSubmitPrompt", { prompt: "Do it", attachments: [] });
const STOP = hook(9, "stop", { status: "completed", loop_count: 0, ...TOKENS });
const END = hook(10, "sessionEnd", { session_id: "c", reason: "user_close", duration_ms: 10_000 });

describe("by documentation, not recorded", () => {
  test("a call that three pairs of hooks tell of is one call", () => {
    const all = foldToEnd([...START, ...PROMPT, ...shell(2), ...STOP, ...END]);
    expect(lines(all, ...RUN)).toEqual([
      "execute_tool Shell 2..3",
      "invoke_agent cursor 1..9 success stop",
      "session cursor 0..10",
    ]);
    expect(total(all, "gen_ai.invoke_agent.tool_calls")).toBe(1);
  });

  test.each([
    ["completed", "success"],
    ["aborted", "interrupted"],
    ["error", "error"],
  ])("stop with %s", (status, outcome) => {
    const all = foldToEnd([...START, ...PROMPT, ...hook(9, "stop", { status, loop_count: 0 }), ...END]);
    expect(total(all, "hookspan.run.count", { "hookspan.run.outcome": outcome })).toBe(1);
    expect(total(all, "hookspan.run.count")).toBe(1);
  });

  test("tokens come from the stop alone, once, in disjoint kinds, and make no model call", () => {
    const answer = hook(8, "afterAgentResponse", { text: "Done", ...TOKENS });
    const twice = [
      ...START,
      ...PROMPT,
      ...answer,
      ...STOP,
      ...STOP,
      ...hook(9.2, "stop", { status: "completed", ...TOKENS }),
    ];
    const all = foldToEnd([...twice, ...END]);
    const kinds = Object.fromEntries(
      ["input", "cache_read", "cache_write", "output", "reasoning"].map((kind) => [
        kind,
        total(all, "hookspan.token.usage", { "hookspan.token.kind": kind }),
      ]),
    );
    expect(kinds).toEqual({ input: 10_239, cache_read: 23_527, cache_write: 0, output: 120, reasoning: 0 });
    expect(all.spans.some(({ name }) => name.startsWith("chat"))).toBe(false);
    const run = all.spans.find(({ name }) => name === "invoke_agent cursor");
    expect(run?.attributes["gen_ai.usage.input_tokens"]).toBe(33_766);
    expect(run?.attributes["gen_ai.usage.output_tokens"]).toBe(120);
    expect(all.increments.filter(({ metric }) => metric === "gen_ai.invoke_agent.inference_calls")).toEqual([]);
  });

  test("another round that a stop hook asked for has tokens of its own", () => {
    const again = hook(9.5, "stop", { status: "completed", loop_count: 1, ...TOKENS });
    const all = foldToEnd([...START, ...PROMPT, ...STOP, ...again, ...END]);
    expect(total(all, "hookspan.token.usage", { "hookspan.token.kind": "output" })).toBe(240);
    expect(total(all, "hookspan.run.count")).toBe(1);
  });

  test("a cache that is larger than the input stands beside it", () => {
    const all = foldToEnd([
      ...PROMPT,
      ...hook(9, "stop", { input_tokens: 10, output_tokens: 1, cache_read_tokens: 50 }),
    ]);
    expect(total(all, "hookspan.token.usage", { "hookspan.token.kind": "input" })).toBe(10);
  });

  test("in the CLI one id is conversation, session and generation: prompts and stops tell turns apart", () => {
    const same = { conversation_id: "c", session_id: "c", generation_id: "c" };
    const turn = (seconds: number): AgentEvent[] => [
      ...hook(seconds, "beforeSubmitPrompt", { ...same, prompt: "x" }),
      ...hook(seconds + 1, "stop", { ...same, status: "completed", loop_count: 0, ...TOKENS }),
    ];
    const all = foldToEnd([...hook(0, "sessionStart", same), ...turn(1), ...turn(20), ...hook(30, "sessionEnd", same)]);
    expect(lines(all, "hookspan.run.outcome").filter((line) => line.startsWith("invoke_agent"))).toEqual([
      "invoke_agent cursor 1..2 success",
      "invoke_agent cursor 20..21 success",
    ]);
    expect(total(all, "hookspan.token.usage", { "hookspan.token.kind": "output" })).toBe(240);
  });

  test("print mode has no prompt and no stop: tools open the run, the session's end ends it", () => {
    const all = foldToEnd([...START, ...shell(2), ...hook(10, "sessionEnd", { reason: "completed" })]);
    expect(total(all, "hookspan.run.count")).toBe(1);
    expect(total(all, "gen_ai.invoke_agent.tool_calls")).toBe(1);
  });

  test.each<[string, string, Record<string, unknown>, string[]]>([
    ["an exit code", "postToolUse", { tool_output: '{"exitCode":3}' }, ["error", "command_failed"]],
    ["an error", "postToolUseFailure", { failure_type: "error", error_message: "x" }, ["error", "tool_error"]],
    ["a time-out", "postToolUseFailure", { failure_type: "timeout" }, ["error", "timeout"]],
    ["a refusal", "postToolUseFailure", { failure_type: "permission_denied" }, ["denied"]],
    ["an interrupt", "postToolUseFailure", { failure_type: "error", is_interrupt: true }, ["cancelled"]],
  ])("a call that ends with %s", (_, event, fields, words) => {
    const all = foldToEnd([
      ...PROMPT,
      ...hook(2, "preToolUse", CALL),
      ...hook(3, event, { ...CALL, ...fields }),
      ...STOP,
    ]);
    const tool = all.spans.find(({ name }) => name === "execute_tool Shell");
    expect([tool?.attributes["hookspan.tool.outcome"], tool?.attributes["error.type"]].filter(Boolean)).toEqual(words);
    expect(tool?.attributes["gen_ai.tool.call.id"]).toBe("toolu_1\nfc_1");
  });

  test("an MCP tool loses its mark, and counts once", () => {
    const call = { ...CALL, tool_name: "MCP:search" };
    const mcp = [
      ...hook(2, "preToolUse", call),
      ...hook(2.1, "beforeMCPExecution", { tool_name: "search", url: "https://x" }),
    ];
    const done = [...hook(3, "afterMCPExecution", { tool_name: "search" }), ...hook(3, "postToolUse", call)];
    const all = foldToEnd([...PROMPT, ...mcp, ...done, ...STOP]);
    const [tool, ...more] = all.spans.filter(({ name }) => name.startsWith("execute_tool"));
    expect(lines({ spans: tool === undefined ? [] : [tool] })).toEqual(["execute_tool search 2..3"]);
    expect(more).toEqual([]);
    expect(tool?.attributes).toMatchObject({ "gen_ai.tool.type": "extension", "mcp.method.name": "tools/call" });
    expect(tool?.attributes).not.toHaveProperty("hookspan.mcp.server");
  });

  test("a subagent hangs under its call; a compaction is a moment", () => {
    const task = { tool_name: "Task", tool_use_id: "t1", tool_input: {} };
    const child = { subagent_id: "s1", subagent_type: "explore", parent_conversation_id: "c", tool_call_id: "t1" };
    const all = foldToEnd([
      ...PROMPT,
      ...hook(2, "preToolUse", task),
      ...hook(3, "subagentStart", child),
      ...hook(4, "preCompact", { trigger: "auto" }),
      ...hook(5, "subagentStop", {
        agent_transcript_path: "/home/user/s1.jsonl",
        subagent_type: "explore",
        status: "completed",
      }),
      ...hook(6, "postToolUse", task),
      ...STOP,
    ]);
    expect(lines(all, "hookspan.run.outcome")).toEqual(
      expect.arrayContaining(["invoke_agent explore 3..5 success", "compact cursor 4..4"]),
    );
    const launch = all.spans.find(({ name }) => name === "execute_tool Task");
    expect(all.spans.find(({ name }) => name === "invoke_agent explore")?.parentSpanId).toBe(launch?.spanId);
    expect(total(all, "hookspan.compaction.count")).toBe(1);
  });

  test("the same call through Claude Code's hook file as well counts once", () => {
    const again = [
      ...hook(2.01, "PreToolUse", CALL),
      ...hook(3.01, "PostToolUse", CALL),
      ...hook(9.01, "Stop", { ...TOKENS }),
    ];
    const all = foldToEnd([...START, ...PROMPT, ...shell(2), ...STOP, ...again, ...END]);
    expect(total(all, "gen_ai.invoke_agent.tool_calls")).toBe(1);
    expect(total(all, "hookspan.token.usage", { "hookspan.token.kind": "output" })).toBe(120);
  });

  test("no text and no address leaves", () => {
    const secret = "S3CRET";
    const event = {
      prompt: secret,
      user_email: secret,
      reason: secret,
      model: `${secret} x`,
      subagent_id: "s",
      task: secret,
    };
    const more = { status: secret, tool_input: secret, tool_output: secret, error_message: secret, text: secret };
    const names = [
      "sessionStart",
      "beforeSubmitPrompt",
      "preToolUse",
      "postToolUse",
      "postToolUseFailure",
      "subagentStart",
    ];
    const last = [
      "subagentStop",
      "afterAgentResponse",
      "afterAgentThought",
      "preCompact",
      "stop",
      "sessionEnd",
      secret,
    ];
    let session: Session | undefined;
    const made: unknown[] = [];
    const policy: Policy = { price: () => undefined, capture: (kind, input) => captured("none", kind, input) };
    for (const told of [...names, ...last].flatMap((name, i) => hook(i, name, { ...event, ...more, ...TOKENS }))) {
      const step = fold(session, told, policy);
      session = step.session;
      made.push(step.spans, step.increments);
    }
    const text = JSON.stringify(made, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value));
    expect(text).toContain("cursor");
    expect(text).not.toContain(secret);
  });

  test("the workspace is the project, wherever the hook runs", () => {
    expect(START[0]).toMatchObject({ kind: "session.described", cwd: "/home/user/project", agentVersion: "3.18.2" });
  });
});

test("the settings in hooks/ register events that are understood, and nothing else", () => {
  const file = join(import.meta.dirname, "..", "..", "hooks", "cursor.hooks.json");
  const entries = z.array(z.looseObject({ command: z.string() })).length(1);
  const { hooks } = z.object({ hooks: z.record(z.string(), entries) }).parse(JSON.parse(readFileSync(file, "utf8")));
  expect(Object.keys(hooks)).toHaveLength(11);
  for (const [event, [entry]] of Object.entries(hooks)) {
    expect(entry?.command).toBe(`/path/to/hookspan/hooks/hookspan.sh cursor`);
    expect(hook(0, event).filter((one) => one.kind === "noted" && !one.known)).toEqual([]);
    expect(hook(0, event)).not.toEqual([]);
  }
});
