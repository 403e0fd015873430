// What payloads may look like: fields under other names, events by argument, tests of the hook, frames of the gateway.
import { expect, test } from "vitest";

import type { Decoded } from "../adapter.ts";
import { hermes } from "../hermes.ts";
import { usageOf } from "./call.ts";
import { readPayload, textOf } from "./payload.ts";

const OBSERVED = { telemetry_schema_version: "hermes.observer.v1" };

function decode(payload: unknown, event?: string): Decoded {
  const bytes = Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload));
  return hermes.decode({
    id: "e",
    agent: "hermes",
    timeNs: 5n,
    env: {},
    payload: bytes,
    ...(event === undefined ? {} : { event }),
  });
}

function kinds(payload: unknown, event?: string): string[] {
  const decoded = decode(payload, event);
  return decoded.status === "decoded" ? decoded.events.map(({ kind }) => kind) : [decoded.reason];
}

test.each([
  ["session-start", "session.started"],
  ["start", "session.started"],
  ["run-start", "prompt.submitted"],
  ["pre-llm", "prompt.submitted"],
  ["run-end", "run.stopped"],
  ["post-llm", "run.stopped"],
  ["tool-start", "tool.started"],
  ["tool-end", "tool.ended"],
  ["api-result", "llm.called"],
  ["post-api", "llm.called"],
  ["session-end", "session.ended"],
  ["stop", "session.ended"],
  ["pre_llm_call", "prompt.submitted"],
])("the argument %s names the event of a payload that names none", (argument, kind) => {
  expect(kinds({ session_id: "s", extra: { turn_id: "t" } }, argument)).toContain(kind);
});

test("the payload's own name counts: what the argument calls the end of a session is that of a turn", () => {
  const payload = { hook_event_name: "on_session_end", session_id: "s", extra: { ...OBSERVED, turn_id: "t" } };
  expect(kinds(payload, "session-end")).toContain("run.stopped");
});

test("an argument that is no event's name is noted as unknown, and so is a new event", () => {
  for (const [payload, argument] of [
    [{ session_id: "s" }, "toString"],
    [{ session_id: "s" }, undefined],
    [{ hook_event_name: "on_new_thing", session_id: "s", extra: OBSERVED }, undefined],
  ] as const) {
    const decoded = decode(payload, argument);
    expect(decoded.status === "decoded" && decoded.events.at(-1)).toMatchObject({ kind: "noted", known: false });
  }
});

test("an interrupted session end interrupts what runs", () => {
  expect(kinds({ session_id: "s", interrupted: true }, "session-end")).toEqual([
    "session.described",
    "run.interrupted",
    "session.ended",
  ]);
});

test.each([
  [{ session_id: "a", extra: { session_id: "b" } }, "a"],
  [{ sessionId: "a" }, "a"],
  [{ sessionID: "a", session: "b" }, "a"],
  [{ session: "a" }, "a"],
  [{ session_id: "", extra: { parent_session_id: "p" } }, "p"],
  [{ extra: { sessionID: "a" } }, "a"],
  // A task is not a session: its session is found by it.
  [{ extra: { task_id: "t" } }, ""],
  [{ session_id: "x".repeat(600) }, ""],
  [{ extra: [] }, ""],
])("the session of %o", (input, sessionId) => {
  expect(readPayload(input).sessionId).toBe(sessionId);
});

test.each([
  [{ tool_call_id: "a", extra: { tool_call_id: "b" } }, { callId: "a" }],
  [{ extra: { call_id: "a", id: "b" } }, { callId: "a" }],
  [{ tool: "a", name: "b" }, { tool: "a" }],
  [{ tool_name: null, extra: { name: "a" } }, { tool: "a" }],
  [
    { model: "a", extra: { model: "b", response_model: "c" } },
    { model: "a", responseModel: "c" },
  ],
  [{ extra: { response_model: "c" } }, { model: "c" }],
  [{ platform: "tui", extra: { platform: "cli" } }, { platform: "tui" }],
  [{ extra: { platform: "cli" } }, { platform: "cli" }],
  [{ provider: "a", extra: { provider: "b" } }, { provider: "b" }],
  [{ tool_input: null, extra: { args: { a: 1 } } }, { toolInput: { a: 1 } }],
  [{ duration_ms: 5, extra: { duration_ms: 6 } }, { durationMs: 5 }],
  [{ elapsed_ms: 5 }, { durationMs: 5 }],
  [{ extra: { api_duration: 1.5 } }, { durationMs: 1500 }],
  [{ extra: { duration_ms: "7" } }, { durationMs: 7 }],
  [{ usage: { a: 1 }, extra: { usage: { b: 2 } } }, { usage: { a: 1 } }],
  [{ usage: "none", extra: { usage: { b: 2 } } }, { usage: { b: 2 } }],
  [{ user_message: "a", extra: { user_message: "b" } }, { userMessage: "b" }],
  [{ user_message: "a" }, { userMessage: "a" }],
  [{ extra: { duration_ms: -1, elapsed_ms: 8 } }, { durationMs: 8 }],
])("the fields of %o", (input, fields) => {
  expect(readPayload(input)).toMatchObject(fields);
});

test.each([
  [{ prompt_tokens: 100, cache_read_tokens: 60, cache_creation_tokens: 10, completion_tokens: 9 }, [30, 60, 10, 9, 0]],
  [{ input_tokens: 30, prompt_tokens: 100, output_tokens: 9, reasoning_tokens: 4 }, [30, 0, 0, 5, 4]],
  [{ output_tokens: 2, reasoning_tokens: 4 }, [0, 0, 0, 0, 2]],
  [{ input_tokens: "12" }, [12, 0, 0, 0, 0]],
  [{ input_tokens: 0 }, [0, 0, 0, 0, 0]],
])("the usage %o", (usage, counts) => {
  const found = usageOf(usage);
  expect(found && [found.input, found.cacheRead, found.cacheWrite5m, found.output, found.reasoning]).toEqual(counts);
});

test.each([null, undefined, [], {}, { input_tokens: "NaN" }, { input_tokens: -1 }, "12"])("no usage: %o", (usage) => {
  expect(usageOf(usage)).toBeUndefined();
});

test.each([
  [{ total_cost: 0.25 }, 0.25],
  [{ cost: "0.5" }, 0.5],
  [{ cost: 0 }, undefined],
  [{ cost: -1 }, undefined],
  [{ cost: 1e12 }, undefined],
  [{}, undefined],
])("a call with the usage %o has the cost %s", (cost, costUsd) => {
  const decoded = decode({ session_id: "s", usage: { input_tokens: 1, ...cost } }, "api-result");
  const call = decoded.status === "decoded" ? decoded.events.at(-1) : undefined;
  expect(call).toMatchObject({ kind: "llm.called", usage: { input: 1 } });
  expect(call?.kind === "llm.called" && call.costUsd).toBe(costUsd);
});

test("of a message in parts the texts are taken", () => {
  expect(textOf([{ type: "text", text: "a" }, { type: "image_url" }, { text: "b" }])).toBe("a\nb");
  expect([textOf("a"), textOf([]), textOf(null), textOf({})]).toEqual(["a", undefined, undefined, undefined]);
});

test.each([
  ["a test of the hook", { hook_event_name: "pre_tool_call", session_id: "test-session", extra: {} }, "synthetic"],
  [
    "an event without a sample",
    { hook_event_name: "subagent_start", session_id: "", extra: { extra: {} } },
    "synthetic",
  ],
  ["nothing at all", "", "no_session"],
  ["an end of nobody", { hook_event_name: "on_session_finalize", session_id: "", extra: OBSERVED }, "no_session"],
  ["a message in the gateway", { hook_event_name: "pre_gateway_dispatch", session_id: "", extra: OBSERVED }, undefined],
])("%s tells nothing", (_, payload, ignored) => {
  expect(decode(payload)).toEqual({ status: "decoded", events: [], ...(ignored === undefined ? {} : { ignored }) });
});

test.each(["{", "[]", "1", "null"])("%s is refused", (payload) => {
  expect(decode(payload).status).toBe("invalid");
});

test.each([
  ["session:start", ["session.started"]],
  ["session:compress", ["compaction.ended"]],
  ["agent:start", ["noted", "run.glimpsed"]],
  ["agent:end", ["noted", "run.glimpsed"]],
  ["tui:tool.start", ["noted"]],
])("the gateway's %s", (type, expected) => {
  const frame = { event_type: type, context: { session_id: "s", platform: "signal", message: "m" }, src: "gateway" };
  expect(kinds(frame)).toEqual(expected);
  expect(kinds({ ...frame, context: { ...frame.context, _forwarded: true } })).toEqual([]);
  expect(kinds({ event_type: type, context: { session_key: "k" } })).toEqual([]);
  expect(kinds({ event_type: type, context: null })).toEqual([]);
});

test.each<[string, object, string[]]>([
  ["in place", { in_place: true, old_session_id: "s" }, ["s compaction.ended"]],
  ["in place, though it names another id", { in_place: true, old_session_id: "r" }, ["s compaction.ended"]],
  ["and says not where", {}, ["s compaction.ended"]],
  ["under the same id", { in_place: false, old_session_id: "s" }, ["s compaction.ended"]],
  [
    "under a new id",
    { in_place: false, old_session_id: "r" },
    ["r compaction.ended", "r session.ended", "s session.continued"],
  ],
])("a conversation that is compressed %s", (_, context, expected) => {
  const frame = { event_type: "session:compress", context: { session_id: "s", compression_count: 1, ...context } };
  const decoded = decode(frame);
  const events = decoded.status === "decoded" ? decoded.events : [];
  expect(events.map(({ sessionId, kind }) => `${sessionId} ${kind}`)).toEqual(expected);
});
