import { expect, test } from "vitest";

import { createLog } from "../log.ts";
import { add, emptyTotals } from "../metric/totals.ts";
import type { Outcome } from "../otlp/outcome.ts";
import { realDisk } from "../store/disk.ts";
import { createOutbox } from "../store/outbox.ts";
import { createQuarantine } from "../store/quarantine.ts";
import { tempState } from "../../test/support/temp-state.ts";
import { createDelivery } from "./delivery.ts";

const SECOND = 1_000_000_000n;
const T0 = 1_795_196_713n * SECOND;
const refused = { status: "retry", reason: "connect ECONNREFUSED" } as const;

test.for<[string, Outcome, string, number]>([
  ["nobody saw the first export: it is the first again", { ...refused, unseen: true }, "-1:0 0:2 | 99:0 100:5", 1],
  [
    "turned away at one door, and perhaps let in at another",
    { status: "unauthorized", reason: "no" },
    "-1:0 0:2 | 99:2 100:5",
    0,
  ],
  ["it may have been taken: a zero now might be a fall", refused, "-1:0 0:2 | 99:2 100:5", 0],
  ["taken", { status: "accepted" }, "-1:0 0:2 | 99:2 100:5", 0],
])("%s", async ([, first, expected, touches]) => {
  const state = tempState();
  const totals = emptyTotals();
  const exports: string[] = [];
  const touched: string[] = [];
  const quarantine = createQuarantine(realDisk, state.quarantine, { quarantineBytes: 2 ** 20, ageMs: 60_000 });
  const delivery = createDelivery({
    exporter: {
      sendSpans: () => Promise.resolve({ status: "accepted" }),
      sendMetrics: (metrics) => {
        const points = metrics.flatMap((one) => one.points);
        exports.push(points.map(({ atNs, value }) => `${(atNs - T0) / SECOND}:${JSON.stringify(value)}`).join(" "));
        return Promise.resolve(exports.length === 1 ? first : { status: "accepted" });
      },
      close: () => Promise.resolve(),
    },
    outbox: createOutbox({ disk: realDisk, quarantine }, state.outbox),
    totals,
    isPending: () => false,
    untouchedBelow: () => Number.POSITIVE_INFINITY,
    commit: () => true,
    saveSent: () => undefined,
    count: () => undefined,
    noteTrouble: () => undefined,
    touch: (keys) => touched.push(...keys),
    jitter: () => 0,
    log: createLog({ level: "error", file: state.log }),
  });
  const spend = (value: number): unknown =>
    add(totals, [{ metric: "hookspan.cost", agent: "codex", attributes: {}, value }]);

  spend(2);
  await delivery.sendMetrics(T0, { everything: false, own: undefined });
  spend(3);
  await delivery.sendMetrics(T0 + 100n * SECOND, { everything: false, own: undefined });
  expect(exports.join(" | ")).toBe(expected);
  expect(touched).toHaveLength(touches);
});
