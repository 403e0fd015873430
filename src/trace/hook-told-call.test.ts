import { expect, test } from "vitest";

import type { AgentEvent } from "../event/event.ts";
import { at, foldAll, foldToEnd, lines, total, usage } from "../../test/support/folded.ts";

type Called = AgentEvent & { kind: "llm.called" };

/** As a hook tells of a call: no file, and its id is its request's. */
function told(seconds: number, fields: Partial<Called> = {}): Called {
  return {
    ...at(seconds, "r"),
    kind: "llm.called",
    messageId: "c1",
    isOwnId: true,
    requestId: "c1",
    provider: "openai",
    requestModel: "m",
    responseModel: "m",
    startNs: at(seconds - 1).atNs,
    usage: usage(10, 1),
    ...fields,
  };
}

function failed(seconds: number, attempt: number): AgentEvent & { kind: "llm.failed" } {
  return {
    ...at(seconds, "r"),
    kind: "llm.failed",
    attemptId: `c1#${attempt}`,
    requestId: "c1",
    provider: "openai",
    requestModel: "m",
    startNs: at(1).atNs,
    errorType: "http_500",
    byHook: true,
  };
}

const PROMPT: AgentEvent = { ...at(0, "r"), kind: "prompt.submitted", trigger: "user" };
const STOP: AgentEvent = { ...at(9, "r"), kind: "run.stopped" };

test("is a span at once, counted once, and added up on its run", () => {
  const { spans } = foldAll([PROMPT, told(2)]);
  expect(lines({ spans }, "hookspan.timing.source")).toEqual(["chat m 1..2 hook"]);
  const all = foldToEnd([PROMPT, told(2), told(2), STOP]);
  expect(total(all, "hookspan.token.usage")).toBe(11);
  expect(total(all, "gen_ai.client.operation.duration")).toBe(1);
  expect(lines(all, "gen_ai.usage.input_tokens")).toContain("invoke_agent claude-code 0..9 10");
  expect(all.spans[0]?.attributes["gen_ai.response.id"]).toBeUndefined();
});

test("before its prompt it opens the run that it names, and the totals are the same", () => {
  const all = foldToEnd([told(2), PROMPT, STOP]);
  const run = all.spans.find(({ name }) => name === "invoke_agent claude-code");
  expect(all.spans[0]?.parentSpanId).toBe(run?.spanId);
  expect(lines(all, "hookspan.run.inference_calls", "hookspan.run.synthetic")).toContain(
    "invoke_agent claude-code 0..9 1",
  );
});

test("without usage it has no token attributes, and its run has the sum of the others, and no cost", () => {
  const { usage: _usage, ...silent } = told(2);
  const alone = foldToEnd([PROMPT, silent, STOP]);
  expect(JSON.stringify(alone.spans.map(({ attributes }) => attributes))).not.toContain("_tokens");
  expect(total(alone, "hookspan.token.usage")).toBe(0);
  const both = foldToEnd([PROMPT, silent, told(4, { messageId: "c2", requestId: "c2" }), STOP]);
  expect(lines(both, "gen_ai.usage.input_tokens", "hookspan.run.inference_calls", "hookspan.cost.usd")).toContain(
    "invoke_agent claude-code 0..9 10 2",
  );
});

test("an attempt begins when the one before it had failed, and the call has one duration, with all its attempts", () => {
  const all = foldToEnd([PROMPT, failed(2, 0), failed(4, 1), told(7, { startNs: at(1).atNs }), STOP]);
  expect(lines(all).filter((line) => line.startsWith("chat"))).toEqual(["chat m 1..2", "chat m 2..4", "chat m 4..7"]);
  const last: AgentEvent = { ...failed(5, 2), byHook: "last" };
  expect(durationsOf([PROMPT, told(7, { startNs: at(1).atNs }), failed(4, 1), failed(2, 0), STOP])).toEqual([
    [6, undefined],
  ]);
  expect(durationsOf([PROMPT, failed(2, 0), last, last, STOP])).toEqual([[4, "http_500"]]);
});

function durationsOf(events: AgentEvent[]): unknown[] {
  return foldToEnd(events)
    .increments.filter(({ metric }) => metric === "gen_ai.client.operation.duration")
    .map(({ value, attributes }) => [value, attributes["error.type"]]);
}
