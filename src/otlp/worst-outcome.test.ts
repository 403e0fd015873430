import { expect, test } from "vitest";
import type { Outcome } from "./outcome.ts";
import { worstOutcome } from "./worst-outcome.ts";

const ascending: Outcome[] = [
  { status: "accepted" },
  { status: "partly_rejected", rejected: 2, reason: "old" },
  { status: "refused", reason: "bad" },
  { status: "too_large", reason: "big" },
  { status: "unauthorized", reason: "who" },
  { status: "retry", reason: "down" },
];

test("of every pair the one that is more work wins, in either order", () => {
  for (const [i, better] of ascending.entries()) {
    for (const worse of ascending.slice(i + 1)) {
      expect([worstOutcome(better, worse), worstOutcome(worse, better)]).toEqual([worse, worse]);
    }
  }
});

test("partial successes add up", () => {
  const other: Outcome = { status: "partly_rejected", rejected: 3, reason: "older" };
  expect(worstOutcome({ status: "partly_rejected", rejected: 2, reason: "old" }, other)).toEqual({
    status: "partly_rejected",
    rejected: 5,
    reason: "old",
  });
});
