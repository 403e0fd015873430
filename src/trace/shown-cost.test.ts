// Which source of cost wins when: estimates, what the client showed while it ran, and the books that it states at its end.
import { expect, test } from "vitest";

import {
  alive,
  began,
  ended,
  gone,
  millis,
  passed,
  resumed,
  shown,
  spent,
  stated,
  timed,
} from "../../test/support/cost-story.ts";
import { at, foldToEnd, total, type Folded } from "../../test/support/folded.ts";
import type { AgentEvent } from "../event/event.ts";
import { sessionSchema } from "./session.ts";

const startup = began(0, "startup");
/** An estimate of 10 USD, 5 s into the story. */
const call = spent(5, 10);

test.each<[string, AgentEvent[], number]>([
  ["nothing but estimates", [startup, call, gone(20)], 10],
  ["killed: what was shown beyond the estimates is added", [startup, call, shown(6, 12), gone(20)], 12],
  ["killed: of several totals the newest holds", [startup, call, shown(6, 12), shown(9, 13), gone(20)], 13],
  [
    "killed: an older total that is heard of later changes nothing",
    [startup, call, shown(9, 13), shown(6, 12), gone(20)],
    13,
  ],
  ["killed: a call after the last total stays estimated", [startup, call, shown(6, 12), spent(8, 3), gone(20)], 15],
  ["less than was estimated takes nothing away", [startup, call, shown(6, 7), gone(20)], 10],
  ["as much as was estimated", [startup, call, shown(6, 10), gone(20)], 10],
  ["nothing was estimated at all", [startup, shown(6, 12), gone(20)], 12],
  ["nobody knows whether the process lives", [startup, call, shown(6, 12)], 10],
  ["its session ended, and it stated nothing", [startup, call, shown(6, 12), ended(20)], 12],
  ["its session ended with totals", [startup, call, shown(6, 12), shown(20, 14), ended(20)], 14],
  ["stated books win over more", [startup, call, shown(6, 12), stated(7, 11), ended(20)], 11],
  ["stated books win over less", [startup, call, shown(6, 12), stated(7, 15), ended(20)], 15],
  ["stated books win, whatever came first", [startup, call, stated(7, 11), shown(8, 12), ended(20)], 11],
  ["a process that was met in its midst", [call, shown(6, 12), gone(20)], 10],
  ["absent is not 0", [startup, call, shown(6, 12), shown(7, undefined), gone(20)], 12],

  ["resumed from books", [startup, call, stated(7, 12), ended(8), ...resumed(100), shown(110, 20), gone(120)], 20],
  [
    "resumed from totals at the end",
    [startup, call, shown(8, 12), ended(8), ...resumed(100), shown(110, 20), ended(120)],
    20,
  ],
  [
    "resumed, and shown what was there already",
    [startup, call, stated(7, 12), ended(8), began(100, "resume"), shown(101, 12), gone(120)],
    12,
  ],
  ["resumed from nothing that is known", [startup, call, gone(20), ...resumed(100), shown(110, 20), gone(120)], 15],
  [
    "resumed after one that was killed",
    [startup, call, shown(6, 12), gone(20), ...resumed(100), shown(110, 20), gone(120)],
    17,
  ],
  [
    "resumed anew: smaller, and as young as the process",
    [startup, call, shown(6, 12), alive(15), gone(20), ...resumed(100), shown(110, 6, 11_000), gone(120)],
    18,
  ],
  [
    "resumed: smaller, but older than the process",
    [startup, call, shown(6, 12), alive(15), gone(20), ...resumed(1000), shown(1010, 6, 900_000), gone(1020)],
    17,
  ],
  [
    "resumed: smaller, and of no age",
    [startup, call, shown(6, 12), alive(15), gone(20), ...resumed(100), shown(110, 6), gone(120)],
    17,
  ],
  [
    "resumed twice, the one between killed: nobody knows which books the last found",
    [
      startup,
      call,
      stated(7, 12),
      ended(8),
      ...resumed(100),
      shown(110, 20),
      gone(120),
      ...resumed(300),
      shown(310, 30),
      gone(320),
    ],
    25,
  ],
  [
    "resumed twice from totals: each adds what it spent",
    [
      startup,
      call,
      shown(8, 12),
      ended(8),
      ...resumed(100),
      shown(110, 20),
      ended(120),
      ...resumed(300),
      shown(310, 30),
      ended(320),
    ],
    30,
  ],
  ["beside another process that may live", [startup, call, shown(6, 12), ...resumed(30), shown(40, 20), gone(50)], 15],
  ["a fork", [began(0, "fork"), call, shown(6, 12), gone(20)], 10],
  ["after /clear", [began(0, "clear"), call, shown(6, 12, 6_050), gone(20)], 12],
  ["after /clear, with totals that were not cleared", [began(0, "clear"), call, shown(6, 12, 60_000), gone(20)], 10],

  [
    "booked, then the books come: no second time",
    [startup, call, shown(6, 12), ended(8), passed(11), stated(7, 12)],
    12,
  ],
  ["booked, then larger books come: the rest", [startup, call, shown(6, 12), ended(8), passed(11), stated(7, 15)], 15],
  [
    "booked, then the books come twice",
    [startup, call, shown(6, 12), ended(8), passed(11), stated(7, 15), stated(7, 15, 15)],
    15,
  ],
  [
    "booked, then smaller books of one that wrote no line",
    [startup, call, shown(6, 12), ended(8), passed(11), stated(7, 0)],
    12,
  ],
  [
    "booked, then the same total again",
    [startup, call, shown(6, 12), ended(8), passed(11), shown(6, 12), passed(20)],
    12,
  ],
  [
    "booked though it lived: the books know the rest",
    [startup, call, shown(6, 12), gone(20), passed(90), spent(95, 3), stated(96, 18)],
    18,
  ],
  [
    "killed and booked, then resumed: its books are its own",
    [startup, call, shown(6, 12), gone(20), ...resumed(100), stated(110, 6, undefined, 100), ended(120)],
    18,
  ],
])("%s", (_, events, usd) => {
  const all = foldToEnd(timed(events));
  expect(total(all, "hookspan.cost")).toBeCloseTo(usd, 9);
  expect(all.session?.segments).toEqual([]);
  // It is kept on disk between any two events.
  expect(sessionSchema.safeParse(stored(all.session)).success).toBe(true);
});

test("lines of code come from what was shown, each once, and only those that were shown", () => {
  const lines = { linesAdded: 7, linesRemoved: 2 };
  const all = foldToEnd(
    timed([
      startup,
      { ...at(6), kind: "cost.shown", ...lines },
      gone(20),
      passed(90),
      // The statement of the same process, heard of late: one line more.
      { ...at(7), kind: "cost.stated", startTimeMs: millis(0), totalUsd: 0, linesAdded: 8, linesRemoved: 2 },
    ]),
  );
  expect(total(all, "hookspan.code.line.count", { "hookspan.code.change": "added" })).toBe(8);
  expect(total(all, "hookspan.code.line.count", { "hookspan.code.change": "removed" })).toBe(2);
  expect(total(all, "hookspan.cost")).toBe(0);
});

function stored(session: Folded["session"]): unknown {
  return JSON.parse(
    JSON.stringify(session, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value)),
  );
}
