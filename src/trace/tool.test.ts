// Tool calls that run in the background, wait for a permission, or are told of second-hand.
import { expect, test } from "vitest";

import { at, foldToEnd, lines, total } from "../../test/support/folded.ts";
import type { AgentEvent } from "../event/event.ts";
import { ATTR } from "./semconv.ts";

const prompt: AgentEvent = { ...at(1, "r1"), kind: "prompt.submitted", trigger: "user" };
const stop: AgentEvent = { ...at(5, "r1"), kind: "run.stopped" };
const settled: AgentEvent = { ...at(5, "r1"), kind: "run.settled" };
const end: AgentEvent = { ...at(99), kind: "session.ended", reason: "other" };

function pre(seconds: number, callId: string): AgentEvent {
  return { ...at(seconds, "r1"), kind: "tool.started", callId, tool: "Bash", inputHash: "h" };
}

function post(seconds: number, callId: string, backgroundTaskId?: string): AgentEvent {
  const background = backgroundTaskId === undefined ? {} : { backgroundTaskId };
  return {
    ...at(seconds, "r1"),
    kind: "tool.ended",
    callId,
    tool: "Bash",
    outcome: "success",
    durationMs: 200,
    ...background,
  };
}

function ask(seconds: number): AgentEvent {
  return { ...at(seconds, "r1"), kind: "permission.requested", tool: "Bash", inputHash: "h" };
}

function report(seconds: number, callId: string, outcome: "unknown" | "denied" | "cancelled" | "error"): AgentEvent {
  return { ...at(seconds, "r1"), kind: "tool.reported", callId, tool: "Bash", outcome, opens: true };
}

test.each<[string, AgentEvent[], string[]]>([
  [
    "a shell in the background ends with its notification",
    [pre(2, "c1"), post(2.1, "c1", "t1"), stop, settled, { ...at(60, "r2"), kind: "task.notified", taskId: "t1" }],
    ["2..60 success true"],
  ],
  [
    "a shell in the background that failed",
    [
      pre(2, "c1"),
      post(2.1, "c1", "t1"),
      stop,
      settled,
      { ...at(60, "r2"), kind: "task.notified", taskId: "t1", outcome: "error", errorType: "command_failed" },
    ],
    ["2..60 error true"],
  ],
  [
    "nobody tells: it ends with the session, and how, nobody knows",
    [pre(2, "c1"), post(2.1, "c1", "t1"), stop, settled],
    ["2..99 unknown true"],
  ],
  [
    "another's notification ends nothing",
    [pre(2, "c1"), post(2.1, "c1", "t1"), stop, settled, { ...at(60), kind: "task.notified", taskId: "t2" }],
    ["2..99 unknown true"],
  ],
  [
    "a permission: the wait is from the question to the execution",
    [pre(2, "c1"), ask(2.5), post(4.2, "c1")],
    ["2..4.2 success 1.5"],
  ],
  ["told of before the call", [ask(2.5), pre(2, "c1"), post(4.2, "c1")], ["2..4.2 success 1.5"]],
  [
    "told of twice, then the same call again without a question",
    [pre(2, "c1"), ask(2.5), ask(2.503), post(3, "c1"), pre(4, "c2"), post(4.5, "c2")],
    ["2..3 success 0.3", "4..4.5 success"],
  ],
  [
    "two calls alike, each with its question",
    [pre(2, "c1"), pre(2, "c2"), ask(2.1), post(2.6, "c1"), ask(2.7), post(3.4, "c2")],
    ["2..2.6 success 0.3", "2..3.4 success 0.5"],
  ],
  [
    "asked for and not run, and only the batch tells: somebody said no",
    [pre(2, "c1"), ask(2.5), report(3, "c1", "unknown"), stop, settled],
    ["2..3 denied 0.5"],
  ],
  [
    "not asked for, and only the batch tells: nobody knows",
    [pre(2, "c1"), report(3, "c1", "unknown"), stop, settled],
    ["2..3 unknown"],
  ],
  [
    "a plain word after a guess",
    [pre(2, "c1"), report(3, "c1", "denied"), report(3.5, "c1", "cancelled"), stop, settled],
    ["2..3 cancelled"],
  ],
  [
    "a report, and then the call's own end: that knows better",
    [pre(2, "c1"), report(3, "c1", "unknown"), post(4, "c1"), stop, settled],
    ["2..4 success"],
  ],
])("%s", (_, events, expected) => {
  const all = foldToEnd([prompt, ...events, end]);
  const spans = all.spans.filter(({ name }) => name.startsWith("execute_tool"));
  expect(lines({ spans }, ATTR.toolOutcome, ATTR.toolWait, ATTR.toolBackground)).toEqual(
    expected.map((line) => `execute_tool Bash ${line}`),
  );
  expect(all.increments.filter(({ metric }) => metric === "gen_ai.execute_tool.duration")).toHaveLength(
    expected.length,
  );
});

test("fifty calls at once are fifty spans and fifty counts", () => {
  const calls = Array.from({ length: 50 }, (_, i) => `c${i}`);
  const all = foldToEnd([
    prompt,
    ...calls.map((id) => pre(2, id)),
    ...calls.toReversed().map((id) => post(3, id)),
    stop,
    settled,
    end,
  ]);
  const spans = all.spans.filter(({ name }) => name.startsWith("execute_tool"));
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(50);
  expect(spans.every(({ startNs, endNs }) => endNs - startNs === 1_000_000_000n)).toBe(true);
  expect(total(all, "gen_ai.invoke_agent.tool_calls")).toBe(50);
});
