/** What can happen to a machine on which agents, hooks and the bridge run. A sequence of these is one run of the model test. */

import * as fc from "fast-check";

import { MANNERS, type Manner } from "./receiver.ts";

export type Command =
  /**
   * The next things happen in a session; of `late` ones the hook's file comes after what happens next. `together`: they come
   * by HTTP, in one file. `tears`: and a hook is killed while it writes.
   */
  | { do: "happen"; session: number; times: number; late: boolean; together: boolean; tears: boolean }
  /** A hook is run twice for the same event, or its file is put back later. */
  | { do: "repeat"; back: number }
  /** A hook is killed while it writes. */
  | { do: "tear"; back: number }
  | { do: "step"; commitNow: boolean }
  | { do: "commit" }
  /** `beside`: what follows happens while the request is under way. */
  | { do: "send spans"; beside: boolean }
  | { do: "send metrics"; everything: boolean; own: boolean; beside: boolean }
  /** The bridge dies at a disk operation of its own that lies so far ahead; a write is torn. */
  | { do: "crash"; after: number; when: "before" | "after" }
  | { do: "kill" }
  /** Of the names that were not synced, some directories keep theirs. */
  | { do: "power cut"; keeps: boolean[] }
  | { do: "restart" }
  /** The next writes find no room. */
  | { do: "fill disk"; writes: number }
  | { do: "Collector"; is: Manner }
  | { do: "clock"; moves: number };

const HOUR = 3600;

/** Costs a deadline for each request. */
const SLOW = new Set<Manner>(["silent", "dripping"]);

const manner = fc.oneof(
  { weight: 20, arbitrary: fc.constant<Manner>("up") },
  { weight: 20, arbitrary: fc.constantFrom<Manner>(...MANNERS.filter((one) => !SLOW.has(one))) },
  { weight: 1, arbitrary: fc.constantFrom<Manner>(...SLOW) },
);

/** Seconds. */
const moves = fc.oneof(fc.constantFrom(0.5, 1, 3, 61), fc.constantFrom(700, 5 * HOUR, -1, -90, -2 * HOUR));

export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constant("happen"),
      session: fc.nat(2),
      times: fc.integer({ min: 1, max: 8 }),
      late: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      together: fc.boolean(),
      tears: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("repeat"), back: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("tear"), back: fc.nat(5) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("step"), commitNow: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("commit") }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("send spans"), beside: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("send metrics"),
      everything: fc.boolean(),
      own: fc.boolean(),
      beside: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("crash"),
      after: fc.oneof(fc.nat(6), fc.nat(40), fc.nat(150)),
      when: fc.constantFrom("before", "after"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("kill") }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("power cut"),
      keeps: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("fill disk"), writes: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("Collector"), is: manner }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("clock"), moves }) },
);
