// Any life of a client, of either kind, against what it has spent: money is never counted twice.
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { began, ended, gone, millis, shown, stated, timed } from "../../test/support/cost-story.ts";
import { called, foldToEnd, total, usage } from "../../test/support/folded.ts";
import type { AgentEvent } from "../event/event.ts";

type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;

/** How one process of a client lived. `restores`: whether it goes on from the books that were put away last. */
const life = fc.record({
  calls: fc.array(fc.record({ usd: fc.integer({ min: 1, max: 50 }), unseen: fc.nat(5), isShown: fc.boolean() }), {
    maxLength: 4,
  }),
  end: fc.constantFrom("killed", "states", "ends", "ends unheard", "ends with totals"),
  restores: fc.boolean(),
  seconds: fc.constantFrom(20, 200),
  quickly: fc.boolean(),
});

/** Found by chance: nothing is heard between two starts, so nobody knows how long the first of them lived. */
const UNHEARD: Life[] = [
  {
    calls: [
      { usd: 1, unseen: 0, isShown: false },
      { usd: 1, unseen: 1, isShown: true },
    ],
    end: "ends",
    restores: false,
    seconds: 20,
    quickly: false,
  },
  { calls: [{ usd: 1, unseen: 0, isShown: false }], end: "ends unheard", restores: false, seconds: 20, quickly: true },
  { calls: [], end: "killed", restores: false, seconds: 20, quickly: false },
  { calls: [{ usd: 1, unseen: 0, isShown: true }], end: "killed", restores: true, seconds: 20, quickly: false },
];

test("any number of processes that end in any manner: never more than they spent, never less than was estimated", () => {
  fc.assert(
    fc.property(fc.array(life, { minLength: 1, maxLength: 5 }), fc.boolean(), (lives, isTwice) => {
      const { events, spentUsd, estimatedUsd } = storyOf(lives);
      const all = foldToEnd(
        timed(events.flatMap((event) => (isTwice && event.kind === "cost.shown" ? [event, event] : [event]))),
      );
      const usd = total(all, "hookspan.cost");
      expect(usd).toBeLessThanOrEqual(spentUsd + 1e-9);
      expect(usd).toBeGreaterThanOrEqual(estimatedUsd - 1e-9);
    }),
    { numRuns: 3000, examples: [[UNHEARD, false]] },
  );
});

/** A client that states its books puts them away then and restores them always; another only sometimes, and says nothing. */
function storyOf(lives: readonly Life[]): {
  events: AgentEvent[];
  spentUsd: number;
  estimatedUsd: number;
} {
  const events: AgentEvent[] = [];
  const states = lives.some(({ end }) => end === "states");
  let [nowS, spentUsd, estimatedUsd, messages] = [0, 0, 0, 0];
  let saved = { usd: 0, ms: 0, startMs: -1 };
  for (const [i, one] of lives.entries()) {
    const startS = nowS;
    const restored = i > 0 && (states || one.restores) ? saved : { usd: 0, ms: 0, startMs: -1 };
    let usd = restored.usd;
    const age = (seconds: number): number => restored.ms + (seconds - startS) * 1000 + 300;
    events.push(began(startS, i === 0 ? "startup" : "resume"));
    for (const { usd: own, unseen, isShown } of one.calls) {
      nowS += 2;
      events.push(called(nowS, `m${messages++}`, { usage: usage(own, 0) }));
      [usd, spentUsd, estimatedUsd] = [usd + own + unseen, spentUsd + own + unseen, estimatedUsd + own];
      if (isShown) events.push(shown(nowS + 0.5, usd, age(nowS + 0.5)));
    }
    nowS = Math.max(nowS, startS) + one.seconds;
    const isSaved = one.end !== "killed";
    // Of a client of the kind that states its books, each end but a violent one does.
    if (states && isSaved) {
      const startMs = restored.startMs < 0 ? millis(startS) : restored.startMs;
      const previous = restored.startMs < 0 ? undefined : restored.usd;
      const lastS = one.calls.length === 0 ? startS + 0.1 : nowS - one.seconds;
      events.push({ ...stated(lastS, usd, previous), startTimeMs: startMs });
      saved = { usd, ms: age(nowS), startMs };
    } else if (isSaved) saved = { usd, ms: age(nowS), startMs: -1 };
    if (one.end === "ends with totals") events.push(shown(nowS, usd, age(nowS)));
    if (one.end === "killed" || one.end === "ends unheard") events.push(gone(nowS));
    else events.push(ended(nowS));
    nowS += one.quickly ? 1 : 100;
  }
  return { events, spentUsd, estimatedUsd };
}
