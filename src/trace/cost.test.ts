// The client's own books against what was estimated, where more than one process keeps books.
import { expect, test } from "vitest";

import { at, called, foldAll, total, usage } from "../../test/support/folded.ts";
import type { AgentEvent } from "../event/event.ts";

const startup: AgentEvent = { ...at(0), kind: "session.started", source: "startup" };

test("two clients on one session at once: together they state what both have used", () => {
  const books = { kind: "cost.stated", linesAdded: 0, linesRemoved: 0 } as const;
  const all = foldAll([
    startup,
    called(2, "m1", { usage: usage(100, 0) }),
    { ...at(10), kind: "session.started", source: "resume" },
    called(12, "m2", { usage: usage(10, 0) }),
    { ...at(20), ...books, startTimeMs: start(0), totalUsd: 100 },
    called(22, "m3", { usage: usage(30, 0) }),
    { ...at(30), ...books, startTimeMs: start(10), totalUsd: 40 },
  ]);
  // The first took the second's 10 for its own; the credit for them is paid by the second's next call.
  expect(total(all, "hookspan.cost")).toBe(140);
});

/** The start time in the books of a client whose first hook ran at `seconds`. */
function start(seconds: number): number {
  return Number(at(seconds - 0.1).atNs / 1_000_000n);
}
