// Tool calls of agents that give them no id.
import { expect, test } from "vitest";

import { at, foldAll, foldToEnd, lines } from "../../test/support/folded.ts";
import type { AgentEvent } from "../event/event.ts";
import { ATTR } from "./semconv.ts";

const prompt: AgentEvent = { ...at(1, "r1"), kind: "prompt.submitted", trigger: "user" };
const stop: AgentEvent = { ...at(9, "r1"), kind: "run.stopped" };
const settled: AgentEvent = { ...at(9, "r1"), kind: "run.settled" };

function pre(seconds: number, inputHash = "h", tool = "terminal"): AgentEvent {
  return { ...at(seconds, "r1"), kind: "tool.started", tool, inputHash };
}

function post(seconds: number, inputHash = "h", tool = "terminal"): AgentEvent {
  return { ...at(seconds, "r1"), kind: "tool.ended", tool, inputHash, outcome: "success" };
}

/** The record's word on a call, with the id that hooks do not have. */
function told(seconds: number, callId: string, inputHash = "h"): AgentEvent {
  const how = { tool: "terminal", inputHash, outcome: "error", opens: true, idOfRecord: true } as const;
  return { ...at(seconds, "r1"), kind: "tool.reported", callId, ...how };
}

test.each<[string, AgentEvent[], string[]]>([
  ["one after the other", [pre(2), post(3), pre(4), post(5)], ["2..3 success", "4..5 success"]],
  ["both at once: the first end goes to the first start", [pre(2), pre(3), post(4), post(5)], ["2..4", "3..5"]],
  ["both at once with other inputs", [pre(2, "a"), pre(3, "b"), post(4, "b"), post(5, "a")], ["3..4", "2..5"]],
  ["both at once with other tools", [pre(2, "a"), pre(3, "a", "x"), post(4, "a", "x"), post(5, "a")], ["3..4", "2..5"]],
  [
    "an end without an input",
    [pre(2, "a"), { ...at(4, "r1"), kind: "tool.ended", tool: "terminal", outcome: "success" }],
    ["2..4"],
  ],
  ["an end that comes before its start", [post(4), pre(2), pre(5), post(6)], ["2..4", "5..6"]],
  ["each told of twice", [pre(2), pre(2), pre(3), post(4), post(4), post(5), post(5)], ["2..4", "3..5"]],
  ["the first told of again at the end", [pre(2), post(3), pre(4), post(5), pre(2), post(3)], ["2..3", "4..5"]],
  ["an end without a start", [post(4)], ["4..4 success true"]],
  ["a start without an end", [pre(4)], ["4..9 unknown"]],
  [
    "one is denied, the next is not",
    [
      pre(2),
      { ...at(3, "r1"), kind: "tool.reported", tool: "terminal", inputHash: "h", outcome: "denied" },
      pre(4),
      post(5),
    ],
    ["4..5", "2..3 denied"],
  ],
  [
    "of two subagents",
    [pre(2), { ...pre(3), subagentId: "a1" }, { ...post(4), subagentId: "a1" }, post(5)],
    ["3..4", "2..5"],
  ],
  ["the record tells of both again", [pre(2), post(3), pre(4), post(5), told(6, "a"), told(6, "b")], ["2..3", "4..5"]],
  ["and once more", [pre(2), post(3), told(4, "a"), told(4, "a")], ["2..3"]],
  ["the record tells of one more", [pre(2), post(3), told(4, "a"), told(5, "b")], ["2..3", "5..5 error"]],
  ["the record tells of another input", [pre(2), post(3), told(4, "a", "x")], ["2..3", "4..4 error"]],
  ["no end but the record's", [pre(2), told(4, "a")], ["2..4 error"]],
])("%s", (_, events, expected) => {
  const all = foldToEnd([prompt, ...events, stop, settled]);
  const tools = lines(all, ATTR.toolOutcome, ATTR.startMissing).filter((line) => line.startsWith("execute_tool"));
  expect(tools.map((line) => line.replace(/^execute_tool \w+ /, ""))).toEqual(
    expected.map((line) => (line.includes(" ") ? line : `${line} success`)),
  );
});

test("the id is the same in a replay, and no span shows it", () => {
  const events = [prompt, pre(2), pre(3), post(4), post(5)];
  const [once, again] = [foldAll(events), foldAll(events)];
  expect(once.spans.map(({ spanId }) => spanId)).toEqual(again.spans.map(({ spanId }) => spanId));
  expect(new Set(once.spans.map(({ spanId }) => spanId)).size).toBe(2);
  expect(once.spans.map(({ attributes }) => attributes[ATTR.toolCallId])).toEqual([undefined, undefined]);
});
