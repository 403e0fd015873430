// The short form of `npm run proof`.
import { expect, test } from "vitest";

import { tempDirectory } from "../support/temp-state.ts";
import { runKillRound } from "./kill-round.ts";

test("2,000 events, 200 bridges and some hooks killed, a receiver that is often out: each span once, the totals exact", async () => {
  const round = await runKillRound({
    seed: 20_261_121,
    root: tempDirectory(),
    events: 2000,
    sessions: 20,
    kills: 200,
    troublePercent: 40,
    realHooksEvery: 5,
    hookKillPercent: 10,
    onProgress: () => {},
  });
  expect(round.faults).toEqual([]);
  expect([round.lost, round.doubled]).toEqual([0, 0]);
  expect(round.events).toBeGreaterThanOrEqual(2000);
  expect(round.kills).toBeGreaterThanOrEqual(200);
  // The kills hit what they were aimed at.
  expect(round.killsInCommit).toBeGreaterThan(10);
  expect(round.killsInFlight).toBeGreaterThan(5);
  expect([round.injected, round.hookKills, round.outages].every((count) => count > 0)).toBe(true);
});
