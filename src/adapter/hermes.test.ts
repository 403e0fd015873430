// What Hermes' hooks mean. The facts were learned from recordings of 0.19.0.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";
import * as z from "zod";
import { parse } from "yaml";

import type { AgentEvent } from "../event/event.ts";
import { foldToEnd, lines, total, type Folded } from "../../test/support/folded.ts";
import { hermes } from "./hermes.ts";

const EPOCH_S = 1_795_000_000;
const OBSERVED = { telemetry_schema_version: "hermes.observer.v1" };
const RUN = ["hookspan.run.outcome", "error.type", "hookspan.run.trigger"];

/** The events of one hook, called `seconds` into the story by a turn `t` of the session `s`. */
function hook(
  seconds: number,
  event: string,
  extra: Record<string, unknown> = {},
  top: Record<string, unknown> = {},
): AgentEvent[] {
  const ids = { turn_id: "s:k:t", task_id: "k", platform: "cli", model: "m" };
  return decode(
    {
      hook_event_name: event,
      session_id: "s",
      tool_name: null,
      tool_input: null,
      ...top,
      extra: { ...OBSERVED, ...ids, ...extra },
    },
    seconds,
  );
}

function decode(payload: unknown, seconds = 0, argument?: string): AgentEvent[] {
  const decoded = hermes.decode({
    id: "e",
    agent: "hermes",
    timeNs: BigInt(Math.round((EPOCH_S + seconds) * 1e9)),
    env: {},
    payload: Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload)),
    ...(argument === undefined ? {} : { event: argument }),
  });
  return decoded.status === "decoded" ? decoded.events : [];
}

const START = hook(0, "on_session_start");
const PROMPT = hook(1, "pre_llm_call", { user_message: "Do it" });
const END = hook(9, "on_session_end", { completed: true, interrupted: false });
const FINAL = hook(10, "on_session_finalize", { reason: "shutdown" });

function post(seconds: number, usage: unknown, extra: Record<string, unknown> = {}): AgentEvent[] {
  const times = { started_at: EPOCH_S + seconds - 1, ended_at: EPOCH_S + seconds, api_duration: 1 };
  return hook(seconds, "post_api_request", {
    api_request_id: "s:k:t:api:1",
    provider: "custom",
    ...times,
    usage,
    ...extra,
  });
}

function failure(seconds: number, extra: Record<string, unknown>): AgentEvent[] {
  const times = { started_at: EPOCH_S + 2, ended_at: EPOCH_S + seconds, api_duration: seconds - 2 };
  return hook(seconds, "api_request_error", { api_request_id: "s:k:t:api:1", max_retries: 3, ...times, ...extra });
}

function called(result: unknown, extra: Record<string, unknown> = {}, tool = "terminal"): Folded {
  const call = { tool_call_id: "c", status: "ok", ...extra };
  const top = { tool_name: tool, tool_input: { command: "x" } };
  const ended = hook(4, "post_tool_call", { ...call, result: JSON.stringify(result), duration_ms: 10 }, top);
  return foldToEnd([...PROMPT, ...hook(3, "pre_tool_call", call, top), ...ended, ...END]);
}

function runs(all: Folded): string[] {
  return lines(all, ...RUN).filter((line) => line.startsWith("invoke_agent hermes"));
}

describe("thirteen facts", () => {
  test("1: on_session_end ends the turn, on_session_finalize the session, and it may come again", () => {
    const again = hook(20, "pre_llm_call", { turn_id: "s:k2:t2", user_message: "more" });
    const ended = hook(25, "on_session_end", { turn_id: "s:k2:t2", completed: true, interrupted: false });
    const all = foldToEnd([START, PROMPT, END, FINAL, FINAL, again, ended, hook(26, "on_session_finalize")].flat());
    expect(runs(all)).toEqual([
      expect.stringContaining("1..9 success user"),
      expect.stringContaining("20..25 success user"),
    ]);
    expect(lines(all).filter((line) => line.startsWith("session"))).toEqual([
      expect.stringContaining("0..10"),
      expect.stringContaining("20..26"),
    ]);
    expect(total(all, "hookspan.session.count")).toBe(1);
  });

  test.each<[string, AgentEvent[][], string]>([
    [
      "not to be tried again",
      [failure(3, { retryable: false, retry_count: 0, status_code: 400 })],
      "1..3 error http_400",
    ],
    [
      "the last of its attempts",
      [failure(3, { retryable: true, retry_count: 2, reason: "timeout" })],
      "1..3 error timeout",
    ],
    [
      "before another model took over",
      [failure(3, { retryable: false, retry_count: 0 }), post(60, null), END],
      "success",
    ],
    ["with attempts left", [failure(3, { retryable: true, retry_count: 0 }), FINAL], "1..10 success"],
  ])("2: a turn whose last sign is a final error failed: an error %s", (_, events, outcome) => {
    expect(runs(foldToEnd([START, PROMPT, ...events].flat()))).toEqual([expect.stringContaining(outcome)]);
  });

  test.each([
    [{ completed: true, interrupted: false }, "1..9 success"],
    [{ completed: false, interrupted: true }, "1..9 interrupted"],
    [{ completed: false, interrupted: false }, "1..9 error turn_limit"],
    [{ completed: false, interrupted: false, failed: true }, "1..9 error _OTHER"],
  ])("3: %o of on_session_end is the outcome", (extra, outcome) => {
    const answer = hook(8, "post_llm_call", { assistant_response: "Done." });
    expect(runs(foldToEnd([...PROMPT, ...answer, ...hook(9, "on_session_end", extra)]))).toEqual([
      expect.stringContaining(outcome),
    ]);
  });

  test("3: an end without a turn interrupts what runs, and is nothing where nothing runs", () => {
    const reduced = hook(9.02, "on_session_end", { turn_id: undefined, task_id: undefined, interrupted: true });
    expect(runs(foldToEnd([...PROMPT, ...reduced]))).toEqual([expect.stringContaining("interrupted")]);
    expect(runs(foldToEnd([...PROMPT, ...END, ...reduced]))).toEqual([expect.stringContaining("1..9 success")]);
    expect(runs(foldToEnd([...START, ...reduced]))).toEqual([]);
  });

  test("4: without on_session_finalize a session ends by time", () => {
    const all = foldToEnd([...START, ...PROMPT, ...END]);
    expect(lines(all, "hookspan.session.end_reason")).toContainEqual(
      expect.stringMatching(/^session hermes 0\.\.9 expired/),
    );
  });

  test.each<[Record<string, unknown>, Record<string, unknown>, string]>([
    [{ output: "", exit_code: 0, error: null }, {}, "success 0"],
    [{ output: "", exit_code: 3, error: null }, {}, "error 3 command_failed"],
    [{ output: "", exit_code: 127, error: null }, {}, "error 127 command_failed"],
    [{ output: "", exit_code: 124, error: null }, {}, "error 124 timeout"],
    [{ output: "", exit_code: 130, error: null }, {}, "cancelled 130"],
    [{ exit_code: -1, error: "BLOCKED: User denied this command." }, { status: "error" }, "denied"],
    [{ error: "no such file" }, { status: "error", error_type: "tool_error" }, "error tool_error"],
    [{ error: "No removals here." }, { status: "blocked", error_type: "plugin_block" }, "blocked"],
    [{ error: "x", status: "cancelled" }, { status: "cancelled" }, "cancelled"],
    [{ error: "only here" }, { status: undefined }, "error tool_error"],
    [{ error: null, content: "x" }, { status: undefined }, "success"],
  ])("5: a call is judged by the JSON in its result: %o %o", (result, extra, outcome) => {
    const all = called(result, extra);
    expect(lines(all, "hookspan.tool.outcome", "process.exit.code", "error.type")[0]).toBe(
      `execute_tool terminal 3..4 ${outcome}`,
    );
  });

  test("6: times are seconds, and attempts share an id and the time of the first one's start", () => {
    const all = foldToEnd(
      [
        PROMPT,
        failure(3, { retry_count: 0, retryable: true, status_code: 500 }),
        failure(5, { retry_count: 1, retryable: true, status_code: 429 }),
        post(8, null, { started_at: EPOCH_S + 2, api_duration: 6 }),
        END,
      ].flat(),
    );
    expect(lines(all, "error.type").filter((line) => line.startsWith("chat"))).toEqual([
      `chat m 2..3 http_500`,
      `chat m 3..5 http_429`,
      `chat m 5..8`,
    ]);
    expect(total(all, "gen_ai.client.operation.duration")).toBe(6);
  });

  test("7: counts are inclusive and become disjoint; none is not zero", () => {
    const usage = {
      input_tokens: 256,
      cache_read_tokens: 14_464,
      cache_write_tokens: 320,
      prompt_tokens: 15_040,
      output_tokens: 97,
      reasoning_tokens: 32,
    };
    const all = foldToEnd([...PROMPT, ...post(3, usage), ...END]);
    const kinds = ["input", "cache_read", "cache_write", "output", "reasoning"];
    const counts = kinds.map((kind) => total(all, "hookspan.token.usage", { "hookspan.token.kind": kind }));
    expect(counts).toEqual([256, 14_464, 320, 65, 32]);
    expect(lines(all, "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")[0]).toBe(`chat m 2..3 15040 97`);
    const silent = foldToEnd([...PROMPT, ...post(3, null), ...END]);
    expect(JSON.stringify(silent.spans.map(({ attributes }) => attributes))).not.toContain("_tokens");
    const zero = foldToEnd([...PROMPT, ...post(3, { input_tokens: 0, output_tokens: "0" }), ...END]);
    expect(zero.spans[0]?.attributes["gen_ai.usage.input_tokens"]).toBe(0);
  });

  test("8: tokens are counted from calls alone, each once", () => {
    const child = { results: [{ tokens: { input: 500, output: 50 } }] };
    const usage = { input_tokens: 10, output_tokens: 1 };
    const told = post(3, usage, { response: { usage } });
    const tool = hook(
      5,
      "post_tool_call",
      { tool_call_id: "d", result: JSON.stringify(child), usage },
      { tool_name: "delegate_task" },
    );
    const all = foldToEnd([PROMPT, told, told, tool, hook(8, "post_llm_call", { usage }), END].flat());
    expect(total(all, "hookspan.token.usage")).toBe(11);
  });

  test("9: the review is a run of its own trigger, which ends nothing and is ended by nothing", () => {
    const review = { turn_id: "s:x:r", task_id: "x" };
    const words = "Review the conversation above and update the skill library.";
    const denied = { ...review, tool_call_id: "v", status: "blocked", result: '{"error":"denied"}', duration_ms: 0 };
    const all = foldToEnd(
      [
        [START, PROMPT, END].flat(),
        hook(9.5, "pre_llm_call", { ...review, user_message: words }),
        FINAL,
        hook(11, "post_tool_call", denied, { tool_name: "terminal" }),
        hook(12, "on_session_end", { ...review, completed: true, interrupted: false }),
      ].flat(),
    );
    expect(runs(all)).toEqual([
      expect.stringContaining("1..9 success user"),
      expect.stringContaining("9.5..12 success review"),
    ]);
    expect(lines(all, "hookspan.tool.outcome")).toContainEqual(
      expect.stringContaining("execute_tool terminal 11..11 blocked"),
    );
    expect(lines(all).filter((line) => line.startsWith("session"))).toEqual([expect.stringContaining("0..10")]);
  });

  test("10: an outbound webhook's body is a hook's payload", () => {
    const extra = { ...OBSERVED, turn_id: "s:k:t", task_id: "k", platform: "cli", model: "m", user_message: "Do it" };
    const body = { hook_event_name: "pre_llm_call", session_id: "s", tool_name: null, tool_input: null, extra };
    expect(decode({ ...body, delivery_id: "d", timestamp: EPOCH_S }, 1)).toEqual(PROMPT);
  });

  test("11: each run is a trace, linked to its session's", () => {
    const next = hook(20, "pre_llm_call", { turn_id: "s:k:t2", user_message: "more" });
    const { spans } = foldToEnd([START, PROMPT, END, next].flat());
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(3);
    const session = spans.find(({ name }) => name === "session hermes");
    const roots = spans.filter(({ name }) => name === "invoke_agent hermes");
    expect(roots.map(({ links }) => links[0]?.spanId)).toEqual([session?.spanId, session?.spanId]);
  });

  test("12 and 13: our entries run the hook by itself, within seconds, and never for the largest payloads", () => {
    const text = readFileSync(join(import.meta.dirname, "../../hooks/hermes.config.yaml"), "utf8");
    const entry = z.strictObject({
      command: z.literal("/path/to/hookspan/hooks/hookspan.sh hermes"),
      timeout: z.literal(5),
    });
    const { hooks } = z.strictObject({ hooks: z.record(z.string(), z.tuple([entry])) }).parse(parse(text));
    const installed = Object.keys(hooks);
    expect(
      installed.filter((name) =>
        hook(0, name).some(({ kind }) => kind === "noted" && name !== "on_session_end" && !name.startsWith("subagent")),
      ),
    ).toEqual([]);
    expect(installed).not.toContain("pre_api_request");
    expect(installed.filter((name) => name.startsWith("transform_"))).toEqual([]);
  });
});

test.each(["__proto__", "constructor", "toString"])(
  "a subagent that ended with the status %s has no outcome",
  (word) => {
    const ids = { child_session_id: "c", child_role: "leaf", child_status: word };
    const ended = hook(2, "subagent_stop", ids).find(({ kind }) => kind === "subagent.ended");
    expect(ended).toMatchObject({ subagentId: "c" });
    expect(ended).not.toHaveProperty("outcome");
  },
);
