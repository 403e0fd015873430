// Lines that the recordings do not have: older clients, refusals of the user's, commands that go on, forks.
import { describe, expect, test } from "vitest";

import type { AgentEvent } from "../../event/event.ts";
import { decodeLine } from "./lines.ts";

const FILE = "/home/user/.codex/sessions/2026/11/20/rollout-2026-11-20T17-51-05-s.jsonl";

type Fields = Record<string, unknown>;

const TURN: Fields[] = [
  { type: "session_meta", payload: { cli_version: "0.169.0", originator: "codex_exec", source: "exec", cwd: "/p" } },
  { type: "event_msg", payload: { type: "task_started", turn_id: "t1", root_turn_id: "t1" } },
  { type: "turn_context", payload: { turn_id: "t1", model: "gpt-5.5", effort: "high", cwd: "/p" } },
];

function call(name: string, id = "c1", more: Fields = {}): Fields {
  return { type: "response_item", payload: { type: "function_call", name, call_id: id, ...more } };
}

function output(text: unknown, id = "c1"): Fields {
  return { type: "response_item", payload: { type: "function_call_output", call_id: id, output: text } };
}

function item(fields: Fields): Fields {
  return { type: "event_msg", payload: { type: "item_completed", turn_id: "t1", item: fields } };
}

function tokens(input: number): Fields {
  return { input_tokens: input, cached_input_tokens: 0, output_tokens: input / 10 };
}

/** A count with so many tokens in all, and in the last response. */
function count(total: number, last: number): Fields {
  const info = { total_token_usage: tokens(total), last_token_usage: tokens(last) };
  return { type: "event_msg", payload: { type: "token_count", info } };
}

function record(id: string, used: Fields): Fields {
  return { type: "token_usage_record", payload: { response_id: id, turn_id: "t1", root_turn_id: "t1", usage: used } };
}

describe("what became of a call, by what the model was told", () => {
  test.each<[string, string, unknown, Fields | undefined]>([
    [
      "exec_command",
      "an exit code",
      "Chunk ID: a\nWall time: 0.1 seconds\nProcess exited with code 3\nOutput:\nx",
      { outcome: "error", errorType: "command_failed", exitCode: 3 },
    ],
    [
      "exec_command",
      "no chunk",
      "Wall time: 0.1 seconds\nProcess exited with code 0\nOutput:\n",
      { outcome: "success", exitCode: 0 },
    ],
    [
      "shell",
      "the older form",
      '{"output":"x","metadata":{"exit_code":2,"duration_seconds":0.1}}',
      { outcome: "error", exitCode: 2 },
    ],
    ["shell", "the freeform one", "Exit code: 1\nWall time: 0 seconds\nOutput:\nx", { outcome: "error", exitCode: 1 }],
    ["shell", "a refusal", "exec command rejected by user", { outcome: "denied" }],
    ["apply_patch", "a refused patch", "patch rejected by user", { outcome: "denied" }],
    [
      "apply_patch",
      "a patch that does not apply",
      "apply_patch verification failed: /home/x",
      { outcome: "error", errorType: "patch_failed" },
    ],
    ["shell", "an interrupt", "aborted by user after 1.5s", { outcome: "cancelled" }],
    ["shell", "a block", "Command blocked by PreToolUse hook: no", { outcome: "blocked" }],
    [
      "exec_command",
      "a command's own output",
      "Wall time: 0.1 seconds\nProcess exited with code 0\nOutput:\naborted by user\nProcess exited with code 9",
      { outcome: "success" },
    ],
    ["write_stdin", "a poll", "Wall time: 0.1 seconds\nProcess exited with code 0\nOutput:\n", undefined],
  ])("%s: %s", (name, _, text, expected) => {
    const ended = decode([...TURN, call(name), output(text)]).filter(({ kind }) => kind === "tool.ended");
    const told = expected === undefined ? [] : [{ callId: "c1", recorded: true, ...expected }];
    expect(ended).toMatchObject(told);
  });

  test.each<[string, string, Fields]>([
    [
      "exec_command",
      "failed to parse function arguments: x",
      { outcome: "error", errorType: "invalid_input", opens: true, tool: "Bash" },
    ],
    ["no_such", "unsupported call: no_such", { outcome: "error", errorType: "unknown_tool", opens: true }],
    ["a name of\nthe model's", "unsupported call: x", { tool: "unknown" }],
    [
      "exec_command",
      "Chunk ID: a\nWall time: 10 seconds\nProcess running with session ID 7\nOutput:\n",
      { outcome: "unknown", ran: true },
    ],
    ["get_goal", '{"goal":1}', { outcome: "unknown" }],
  ])("%s: %j is a report", (name, text, expected) => {
    const events = decode([...TURN, call(name), output(text)]);
    expect(events.filter(({ kind }) => kind === "tool.ended")).toEqual([]);
    expect(events).toContainEqual(expect.objectContaining({ kind: "tool.reported", callId: "c1", ...expected }));
  });

  test("an output without a call tells nothing, and images are no text", () => {
    expect(decode([...TURN, output("Exit code: 1\n")]).some(({ kind }) => kind.startsWith("tool"))).toBe(false);
    const image = [
      { type: "input_image", image_url: "data:image/png;base64,xx" },
      { type: "input_text", text: "seen" },
    ];
    expect(decode([...TURN, call("view_image"), output(image)])).toContainEqual(
      expect.objectContaining({ content: { output: "seen" } }),
    );
  });
});

describe("what became of a call, by its item", () => {
  test.each<[string, Fields, Fields]>([
    [
      "a command that failed",
      { type: "CommandExecution", status: "failed", exit_code: 7 },
      { tool: "Bash", outcome: "error", exitCode: 7 },
    ],
    [
      "a killed one",
      { type: "CommandExecution", status: "failed", exit_code: -1 },
      { outcome: "error", errorType: "command_failed" },
    ],
    ["a declined one", { type: "CommandExecution", status: "declined", exit_code: -1 }, { outcome: "denied" }],
    [
      "a patch",
      { type: "FileChange", status: "failed" },
      { tool: "apply_patch", outcome: "error", errorType: "patch_failed" },
    ],
    [
      "an MCP tool",
      { type: "McpToolCall", status: "failed", server: "s", tool: "t" },
      { tool: "t", mcpServer: "s", errorType: "tool_error" },
    ],
  ])("%s", (_, fields, expected) => {
    const events = decode([...TURN, item({ id: "c1", ...fields })]);
    expect(events.filter(({ kind }) => kind === "tool.ended")).toEqual([
      expect.objectContaining({ callId: "c1", runKey: "t1", ...expected }),
    ]);
    const refused = fields["status"] === "declined" ? [{ decision: "deny" }] : [];
    expect(events.filter(({ kind }) => kind === "permission.decided")).toMatchObject(refused);
  });
});

describe("usage", () => {
  test("kinds are disjoint and add up", () => {
    const usage = {
      input_tokens: 100,
      cached_input_tokens: 70,
      cache_write_input_tokens: 10,
      output_tokens: 50,
      reasoning_output_tokens: 20,
    };
    const [one] = usagesOf(decode([...TURN, record("r1", usage)]));
    expect(one).toEqual({ input: 20, cacheRead: 70, cacheWrite5m: 10, cacheWrite1h: 0, output: 30, reasoning: 20 });
  });

  test("a part is never larger than the whole", () => {
    const usage = {
      input_tokens: 10,
      cached_input_tokens: 70,
      cache_write_input_tokens: 10,
      output_tokens: 5,
      reasoning_output_tokens: 20,
    };
    const [one] = usagesOf(decode([...TURN, record("r1", usage)]));
    expect(one).toEqual({ input: 0, cacheRead: 10, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 5 });
  });

  test("counts beside records are none", () => {
    const events = decode([
      ...TURN,
      record("r1", { input_tokens: 10, output_tokens: 1 }),
      count(10, 10),
      count(30, 20),
    ]);
    expect(usagesOf(events).map(({ input }) => input)).toEqual([10]);
  });

  test("of an older client: repeated counts, empty ones, and the parent's total in a fork", () => {
    const events = decode([
      ...TURN,
      count(500, 100),
      count(500, 100),
      count(700, 200),
      count(700, 0),
      count(700, 200),
      count(900, 200),
    ]);
    expect(usagesOf(events).map(({ input }) => input)).toEqual([100, 200, 200]);
    const calls = events.filter((one) => one.kind === "llm.called");
    expect(new Set(calls.map(({ messageId }) => messageId)).size).toBe(3);
    expect(calls.every(({ isOwnId }) => isOwnId === true)).toBe(true);
  });

  test.each([
    ["openai", "openai"],
    ["azure", "azure.ai.openai"],
    ["my-proxy", "openai"],
  ])("the provider %s", (told, expected) => {
    const meta = { type: "session_meta", payload: { model_provider: told } };
    const events = decode([meta, ...TURN.slice(1), record("r1", { input_tokens: 1, output_tokens: 1 })]);
    expect(events).toContainEqual(
      expect.objectContaining({
        kind: "llm.called",
        provider: expected,
        requestModel: "gpt-5.5",
        reasoningLevel: "high",
      }),
    );
  });

  test("a call begins when the model was given its last input", () => {
    const given: Fields[] = [
      ...TURN,
      call("exec_command"),
      output("Exit code: 0\n"),
      record("r1", { input_tokens: 1 }),
    ];
    const one = decode(given).find((event) => event.kind === "llm.called");
    expect(one && [one.startNs, one.atNs]).toEqual([5_000_000_000n, 6_000_000_000n]);
  });
});

describe("the end of a turn", () => {
  test.each<[unknown, string, boolean]>([
    ["rate_limit_exceeded", "rate_limit_exceeded", true],
    [{ http_connection_failed: { http_status_code: 502 } }, "http_502", true],
    [{ response_stream_disconnected: { http_status_code: null } }, "response_stream_disconnected", true],
    ["sandbox_error", "sandbox_error", false],
    ["a text of somebody's", "_OTHER", false],
    [undefined, "_OTHER", false],
  ])("failed: %j", (info, word, isCall) => {
    const error = { message: "text", codex_error_info: info };
    const events = decode([...TURN, { type: "event_msg", payload: { type: "task_complete", turn_id: "t1", error } }]);
    expect(events).toContainEqual(expect.objectContaining({ kind: "run.failed", runKey: "t1", errorType: word }));
    expect(events).toContainEqual(expect.objectContaining({ kind: "run.settled", graceMs: 500 }));
    expect(events.filter(({ kind }) => kind === "llm.failed").length).toBe(isCall ? 1 : 0);
  });

  test("a subagent's turn is over: no run is", () => {
    const done = { type: "event_msg", payload: { type: "task_complete", turn_id: "x", root_turn_id: "t1" } };
    const events = decode([done], "a1");
    expect(events).toEqual([expect.objectContaining({ kind: "subagent.ended", subagentId: "a1", runKey: "t1" })]);
  });
});

test.each([
  ["stop:14:/home/user/.codex/hooks.json", "user"],
  ["stop:0:/home/user/.codex/config.toml", "user"],
  ["stop:1:/p/.codex/hooks.json", "project"],
  ["stop:1:/other/.codex/hooks.json", "unknown"],
  ["stop:1:/etc/codex/hooks.json", "system"],
  ["stop:1:/opt/plugin/hooks.json", "unknown"],
  ["what is this", "unknown"],
])("a Stop hook said no: %s is the %s's", (hookRunId, source) => {
  const events = decode([...TURN, item({ type: "HookPrompt", id: "m1", fragments: [{ text: "no", hookRunId }] })]);
  expect(events.slice(-2)).toEqual([
    expect.objectContaining({ kind: "hook.ran", hookEvent: "Stop", status: "blocked", source, id: "m1:0" }),
    expect.objectContaining({ kind: "run.continued", runKey: "t1" }),
  ]);
});

test("the first line describes the session, and says what it was forked from", () => {
  const meta = {
    type: "session_meta",
    payload: { cli_version: "0.169.0", originator: "codex_exec", source: "exec", forked_from_id: "s0" },
  };
  const described = { agentVersion: "0.169.0", entrypoint: "codex_exec", headless: true, previousSessionId: "s0" };
  expect(decode([meta])).toEqual([expect.objectContaining({ kind: "session.described", ...described })]);
  expect(decode([meta], "a1")).toEqual([]);
});

test.each(["", "{", "[]", '{"type":"event_msg"}', '"text"'])("no line of a rollout: %j", (text) => {
  const memory = { calls: [["c1", "Bash"]] };
  expect(decodeLine(text, { sessionId: "s", file: FILE, decoder: memory })).toEqual({
    events: [],
    decoder: memory,
    malformed: true,
  });
});

function usagesOf(events: readonly AgentEvent[]) {
  return events.flatMap((one) => (one.kind === "llm.called" && one.usage !== undefined ? one.usage : []));
}

/** Decodes lines that are a second apart, with what the decoder remembers going to disk and back. */
function decode(lines: readonly Fields[], subagentId?: string): AgentEvent[] {
  let decoder: unknown;
  return lines.flatMap((line, i) => {
    const text = JSON.stringify({ timestamp: new Date((i + 1) * 1000).toISOString(), ...line });
    const decoded = decodeLine(text, {
      sessionId: "s",
      file: FILE,
      decoder,
      ...(subagentId === undefined ? {} : { subagentId }),
    });
    decoder = JSON.parse(JSON.stringify(decoded.decoder));
    return decoded.events;
  });
}
