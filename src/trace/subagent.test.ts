// Subagents: where they hang, and when they end.
import { expect, test } from "vitest";

import { at, called, foldToEnd, total, type Folded } from "../../test/support/folded.ts";
import type { AgentEvent } from "../event/event.ts";
import { ATTR } from "./semconv.ts";

const a1 = { subagentId: "a1" };
const prompt: AgentEvent = { ...at(1, "r1"), kind: "prompt.submitted", trigger: "user" };
const launch: AgentEvent = { ...at(2, "r1"), kind: "tool.started", callId: "c1", tool: "Agent" };
const begun: AgentEvent = { ...at(2.1, "r1"), ...a1, kind: "subagent.started", type: "Explore" };
const inner: AgentEvent[] = [
  { ...at(3, "r1"), ...a1, kind: "tool.started", callId: "c2", tool: "Read" },
  { ...at(3.5, "r1"), ...a1, kind: "tool.ended", callId: "c2", tool: "Read", outcome: "success", durationMs: 9 },
];
const over: AgentEvent = { ...at(4, "r1"), ...a1, kind: "subagent.ended", type: "Explore" };
const stop: AgentEvent = { ...at(5, "r1"), kind: "run.stopped" };
const settled: AgentEvent = { ...at(5, "r1"), kind: "run.settled" };
const end: AgentEvent = { ...at(99), kind: "session.ended", reason: "other" };

function launched(seconds: number, background: boolean): AgentEvent {
  const outcome = "success";
  return {
    ...at(seconds, "r1"),
    kind: "tool.ended",
    callId: "c1",
    tool: "Agent",
    outcome,
    launched: { ...a1, background },
  };
}

test.each<[string, AgentEvent[], string[]]>([
  [
    "in the foreground",
    [launch, begun, ...inner, over, launched(4.1, false), stop, settled],
    ["Agent in run 2..4.1", "Explore in Agent 2.1..4", "Read in Explore 3..3.5", "run in nothing 1..5"],
  ],
  [
    "the launch tells last who it was",
    [launch, begun, ...inner, over, stop, settled],
    ["Agent in run 2..5", "Explore in run 2.1..4", "Read in Explore 3..3.5", "run in nothing 1..5"],
  ],
  [
    "a file beside its transcript tells",
    [
      launch,
      begun,
      ...inner,
      { ...at(3.6), kind: "subagent.linked", subagentId: "a1", callId: "c1" },
      over,
      stop,
      settled,
    ],
    ["Agent in run 2..5", "Explore in Agent 2.1..4", "Read in Explore 3..3.5", "run in nothing 1..5"],
  ],
  [
    "in the background: it outlives its run",
    [launch, launched(2.05, true), begun, stop, settled, ...shifted(inner, 10), { ...over, ...at(20, "r1"), ...a1 }],
    ["Agent in run 2..2.05", "Explore in Agent 2.1..20", "Read in Explore 13..13.5", "run in nothing 1..5"],
  ],
  [
    "in the background, with no end: it ends with the session",
    [launch, begun, launched(2.2, true), stop, settled, ...inner],
    ["Agent in run 2..2.2", "Explore in Agent 2.1..99", "Read in Explore 3..3.5", "run in nothing 1..5"],
  ],
  [
    "no end, in the foreground: it ends with the run, and its tool with it",
    [launch, begun, ...inner.slice(0, 1), stop, settled],
    ["Agent in run 2..5", "Explore in run 2.1..5", "Read in Explore 3..5", "run in nothing 1..5"],
  ],
  [
    "no start",
    [...inner, over, stop, settled],
    ["Explore in run 3..4", "Read in Explore 3..3.5", "run in nothing 1..5"],
  ],
  [
    "its tool begins before it",
    [launch, ...inner.slice(0, 1), begun, ...inner.slice(1), over, stop, settled],
    ["Agent in run 2..5", "Explore in run 2.1..4", "Read in Explore 3..3.5", "run in nothing 1..5"],
  ],
  [
    "a stop that is told of again counts, the last",
    [launch, begun, over, { ...over, ...at(4.5, "r1") }, stop, settled],
    ["Agent in run 2..5", "Explore in run 2.1..4.5", "run in nothing 1..5"],
  ],
  ["the session was met at the subagent's end: it is the session's", [over], ["Explore in session 4..4"]],
])("%s", (_, events, expected) => {
  const first = events[0] === over ? [] : [prompt];
  const all = foldToEnd([...first, ...events, end]);
  expect(tree(all)).toEqual(expected);
  const count = expected.filter((line) => line.startsWith("Explore")).length;
  expect(total(all, "hookspan.subagent.count")).toBe(count);
});

test("what it used stands on it, and not on its run", () => {
  const own = called(3, "m1", { ...a1, runKey: "r1", file: "/p/sub.jsonl" });
  const all = foldToEnd([
    prompt,
    called(2, "m0", { runKey: "r1" }),
    launch,
    begun,
    own,
    over,
    launched(4.1, false),
    stop,
    settled,
    end,
  ]);
  const used = all.spans.map(({ name, attributes }) => `${name} ${String(attributes[ATTR.inferenceCalls])}`);
  expect(used).toContain("invoke_agent Explore 1");
  expect(used).toContain("invoke_agent claude-code 1");
  expect(total(all, "hookspan.token.usage")).toBe(22);
});

/** Each span of a run in a line: its name, that of its parent, and its time; in order of names. */
function tree({ spans }: Folded): string[] {
  const name = (spanId: string | undefined): string => {
    const span = spans.find((one) => one.spanId === spanId);
    const last = span?.name.split(" ").at(-1) ?? "nothing";
    return last === "claude-code" ? (span?.name.startsWith("session") === true ? "session" : "run") : last;
  };
  const epochNs = at(0).atNs;
  return spans
    .map(({ spanId, parentSpanId, startNs, endNs }) => {
      const [from, to] = [startNs, endNs].map((ns) => Number(ns - epochNs) / 1e9);
      return `${name(spanId)} in ${name(parentSpanId)} ${from}..${to}`;
    })
    .filter((line) => !line.startsWith("session"))
    .sort();
}

function shifted(events: readonly AgentEvent[], seconds: number): AgentEvent[] {
  return events.map((event) => ({ ...event, atNs: event.atNs + BigInt(seconds) * 1_000_000_000n }));
}
