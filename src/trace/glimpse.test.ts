// Runs of which only a second source tells, and what hooks make of it.
import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { AgentEvent } from "../event/event.ts";
import { at, foldAll, foldToEnd, lines, total } from "../../test/support/folded.ts";
import { dueNs } from "./expire.ts";
import { sessionSchema } from "./session.ts";

const BEGIN = glimpse(1, "begin", "a");
const END = glimpse(5, "end", "a");
const HOOK: AgentEvent = { ...at(2, "r"), kind: "session.described", hook: {} };
const TURN: AgentEvent[] = [
  { ...at(2, "r"), kind: "prompt.submitted", trigger: "user" },
  { ...at(4, "r"), kind: "run.stopped" },
  { ...at(4, "r"), kind: "run.settled", graceMs: 2000 },
];

/** As an adapter tells it: the sign of life with the glimpse. */
function glimpse(seconds: number, phase: "begin" | "end", about: string): AgentEvent[] {
  const base = at(seconds);
  return [
    { ...base, kind: "noted", nativeEvent: phase, known: true },
    { ...base, kind: "run.glimpsed", phase, about },
  ];
}

function runs(events: readonly AgentEvent[]): string[] {
  return lines(foldToEnd(events), "hookspan.run.outcome").filter((line) => line.startsWith("invoke_agent"));
}

test("a begin and an end are a run: its time, and nothing that nobody told of", () => {
  const all = foldToEnd([...BEGIN, ...END]);
  const run = all.spans.find(({ name }) => name.startsWith("invoke_agent"));
  expect(lines({ spans: run === undefined ? [] : [run] })).toEqual(["invoke_agent claude-code 1..5"]);
  expect(Object.keys(run?.attributes ?? {}).toSorted()).toEqual([
    "gen_ai.agent.name",
    "gen_ai.conversation.id",
    "gen_ai.operation.name",
    "hookspan.run.end_reason",
    "hookspan.run.id",
    "hookspan.run.trigger",
    "session.id",
  ]);
  expect(all.increments.map(({ metric }) => metric).toSorted()).toEqual([
    "gen_ai.invoke_agent.duration",
    "hookspan.run.count",
    "hookspan.session.count",
  ]);
  expect(total(all, "gen_ai.invoke_agent.duration")).toBe(4);
  const session = all.spans.find(({ name }) => name.startsWith("session"));
  expect(session?.attributes["hookspan.session.runs"]).toBe(1);
  expect(run?.links.map(({ spanId }) => spanId)).toEqual([session?.spanId]);
});

test.each<[string, AgentEvent[][], string[]]>([
  ["a begin alone", [BEGIN], []],
  ["an end alone", [END], []],
  ["an end about something else", [BEGIN, glimpse(5, "end", "b")], []],
  ["a begin whose end was lost", [BEGIN, glimpse(20, "begin", "b"), glimpse(25, "end", "b")], ["20..25"]],
  ["a begin that was told of by two ways", [BEGIN, glimpse(3, "begin", "a"), END], ["1..5"]],
  [
    "the same asked again after it was stopped",
    [BEGIN, glimpse(20, "begin", "a"), glimpse(25, "end", "a")],
    ["20..25"],
  ],
  ["an end that was told of by two ways", [BEGIN, END, glimpse(7, "end", "a")], ["1..5"]],
  [
    "the same asked twice in a short time",
    [BEGIN, END, glimpse(6, "begin", "a"), glimpse(7, "end", "a")],
    ["1..5", "6..7"],
  ],
])("%s", (_, events, told) => {
  expect(runs(events.flat())).toEqual(told.map((times) => `invoke_agent claude-code ${times}`));
});

test("a run without hooks is told of after a minute, and what comes again by then is nothing new", () => {
  const folded = foldAll([...BEGIN, ...END]).session;
  const due = folded && dueNs(folded);
  expect(due).toBe(at(65).atNs);
  const passed: AgentEvent = { ...at(65), kind: "time.passed" };
  expect(runs([...BEGIN, ...END, passed, ...BEGIN, ...END])).toEqual(["invoke_agent claude-code 1..5"]);
});

test("a session that ends at once waits for its glimpses", () => {
  const ended: AgentEvent = { ...at(6), kind: "session.ended", reason: "other" };
  const session = foldToEnd([...BEGIN, ...END, ended]).spans.find(({ name }) => name.startsWith("session"));
  expect(session?.attributes["hookspan.session.runs"]).toBe(1);
});

test("all that is open is told of when nothing more will come", () => {
  const closing: AgentEvent = { ...at(6), kind: "time.passed", closing: true };
  expect(lines(foldAll([...BEGIN, ...END, closing]))).toEqual([
    "invoke_agent claude-code 1..5",
    "session claude-code 1..5",
  ]);
});

test("a day later the session is taken up again by a begin", () => {
  const later = [...glimpse(100_000, "begin", "b"), ...glimpse(100_005, "end", "b")];
  const first = foldAll([...BEGIN, ...END, { ...at(99_000), kind: "time.passed" }]);
  const all = foldAll([...later, { ...at(200_000), kind: "time.passed" }], first.session);
  expect([first, all].map((one) => lines(one, "hookspan.session.runs"))).toEqual([
    ["invoke_agent claude-code 1..5", "session claude-code 1..5 1"],
    ["invoke_agent claude-code 100000..100005", "session claude-code 100000..100005 1"],
  ]);
});

test("with hooks, in any order and told again, the runs are those of the hooks", () => {
  const events = [BEGIN, END, [HOOK, ...TURN], BEGIN, END, glimpse(20, "begin", "b"), glimpse(25, "end", "b")];
  const order = fc.shuffledSubarray(events, { minLength: events.length });
  fc.assert(
    fc.property(order, (told) => {
      const all = foldToEnd(told.flat());
      expect(lines(all, "hookspan.run.outcome").filter((line) => line.startsWith("invoke"))).toEqual([
        "invoke_agent claude-code 2..4 success",
      ]);
      expect(total(all, "hookspan.run.count")).toBe(1);
    }),
    { numRuns: 200, seed: 20261121 },
  );
});

test("without hooks, any order and duplication gives the same", () => {
  const events = [BEGIN, END, glimpse(20, "begin", "b"), glimpse(25, "end", "b"), glimpse(30, "begin", "a")];
  const expected = foldToEnd(events.flat());
  fc.assert(
    fc.property(fc.shuffledSubarray([...events, ...events], { minLength: 10 }), (told) => {
      const all = foldToEnd(told.flat());
      expect(lines(all)).toEqual(lines(expected));
      expect(total(all, "hookspan.run.count")).toBe(2);
    }),
    { numRuns: 200, seed: 20261121 },
  );
});

test("what waits is kept on disk", () => {
  const { session } = foldAll([...BEGIN, ...END]);
  const text = JSON.stringify(session, (_key, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
  expect(sessionSchema.parse(JSON.parse(text)).glimpses).toEqual(session?.glimpses);
  expect(session?.glimpses).toHaveLength(2);
});
