import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { Increment } from "../trace/record.ts";
import { markSent, pointsToSend, takeBack } from "./export-points.ts";
import type { HistogramValue, MetricPoints } from "./point.ts";
import { add, emptyTotals, seriesKey, type Totals } from "./totals.ts";

const SECOND = 1_000_000_000n;
const T0 = 1_795_196_713n * SECOND;
const agent = "codex";

/** `+2` adds, `@70` exports at that second, `@70!` everything, `@70x` what nobody sees; points are `second:value`. */
test.for<[string, string, string]>([
  ["nothing known, nothing sent", "@0 @0!", "- | -"],
  ["first a zero one second before, then the value", "+2 @0", "-1:0 0:2"],
  ["a change soon after goes alone", "+2 @0 +3 @60", "-1:0 0:2 | 60:5"],
  ["a change after a pause goes with the last sent value before it", "+2 @0 +3 @61", "-1:0 0:2 | 60:2 61:5"],
  ["unchanged is not sent again", "+2 @0 @30 @300", "-1:0 0:2 | - | -"],
  ["unchanged is sent with everything", "+2 @0 @300!", "-1:0 0:2 | 300:2"],
  ["being sent with everything ends the pause", "+2 @0 @50! +1 @100", "-1:0 0:2 | 50:2 | 100:3"],
  ["everything after a pause still pairs what has changed", "+2 @0 +1 @100!", "-1:0 0:2 | 99:2 100:3"],
  ["a credit changes nothing", "+2 @0 -1 @100 +1 @110", "-1:0 0:2 | - | -"],
  ["the same second again, a millisecond later", "+2 @0 +1 @0 +1 @0", "-1:0 0:2 | 0.001:3 | 0.002:4"],
  ["a first export that nobody saw: the zero again", "+2 @0x +1 @300", "-1:0 0:2 | 299:0 300:3"],
  [
    "what nobody saw is no sample to compare with",
    "+2 @0 +1 @90x +1 @120x @150",
    "-1:0 0:2 | 89:2 90:3 | 119:2 120:4 | 149:2 150:4",
  ],
  ["what nobody saw does not end the pause", "+2 @0 @50!x +1 @100", "-1:0 0:2 | 50:2 | 99:2 100:3"],
  ["a clock set back by hours", "+2 @0 +1 @-7200 +1 @1", "-1:0 0:2 | 0.001:3 | 1:4"],
])("%s", ([, script, expected]) => {
  expect(run(script)).toBe(expected);
});

test("a histogram gets zero and last sent values in the same way", () => {
  const totals = emptyTotals();
  const observe = (value: number): unknown =>
    add(totals, [{ metric: "gen_ai.invoke_agent.tool_calls", agent, attributes: {}, value }]);
  observe(3);
  const first = exported(totals, T0)[0]?.points;
  observe(1);
  const second = exported(totals, T0 + 100n * SECOND)[0]?.points;
  const zero = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  const three = zero.with(3, 1);
  expect(first).toMatchObject([
    { startNs: T0 - SECOND, atNs: T0 - SECOND, value: { count: 0, sum: 0, buckets: zero } },
    { startNs: T0 - SECOND, atNs: T0, value: { count: 1, sum: 3, buckets: three } },
  ]);
  expect(second).toMatchObject([
    { startNs: T0 - SECOND, atNs: T0 + 99n * SECOND, value: { count: 1, sum: 3, buckets: three } },
    {
      startNs: T0 - SECOND,
      atNs: T0 + 100n * SECOND,
      value: { count: 2, sum: 4, buckets: three.with(1, 1) },
    },
  ]);
});

test("a gauge is one point, and each series starts with its own first export", () => {
  const totals = emptyTotals();
  add(totals, [{ metric: "hookspan.bridge.spool.items", agent, attributes: {}, value: 4 }, count("a")]);
  expect(exported(totals, T0)).toEqual([
    {
      agent,
      metric: "hookspan.bridge.spool.items",
      points: [{ attributes: {}, startNs: T0 - SECOND, atNs: T0, value: 4 }],
    },
    {
      agent,
      metric: "hookspan.run.count",
      points: [
        { attributes: { outcome: "a" }, startNs: T0 - SECOND, atNs: T0 - SECOND, value: 0 },
        { attributes: { outcome: "a" }, startNs: T0 - SECOND, atNs: T0, value: 1 },
      ],
    },
  ]);

  add(totals, [count("a"), count("b"), { ...count("b"), agent: "hermes" }]);
  const at = T0 + 5n * SECOND;
  expect(exported(totals, at)).toEqual([
    {
      agent,
      metric: "hookspan.run.count",
      points: [
        { attributes: { outcome: "a" }, startNs: T0 - SECOND, atNs: at, value: 2 },
        { attributes: { outcome: "b" }, startNs: at - SECOND, atNs: at - SECOND, value: 0 },
        { attributes: { outcome: "b" }, startNs: at - SECOND, atNs: at, value: 1 },
      ],
    },
    {
      agent: "hermes",
      metric: "hookspan.run.count",
      points: [
        { attributes: { outcome: "b" }, startNs: at - SECOND, atNs: at - SECOND, value: 0 },
        { attributes: { outcome: "b" }, startNs: at - SECOND, atNs: at, value: 1 },
      ],
    },
  ]);
});

test("a plan changes nothing, and what comes after it is still to be sent", () => {
  const totals = emptyTotals();
  add(totals, [count("a")]);
  const before = structuredClone(totals);
  const plan = pointsToSend(totals, T0, { everything: false });
  expect(totals).toEqual(before);
  add(totals, [count("a")]);
  markSent(totals, plan);
  expect(totals.lastExportNs).toBe(T0);
  expect(totals.series.get(seriesKey("hookspan.run.count", agent, { outcome: "a" }))).toMatchObject({
    value: 2,
    startNs: T0 - SECOND,
    sent: { atNs: T0, value: 1 },
  });
  expect(exported(totals, T0 + SECOND)[0]?.points).toMatchObject([{ value: 2 }]);
});

type Action =
  | {
      kind: "add";
      metric: "hookspan.cost" | "gen_ai.client.token.usage";
      series: string;
      value: number;
    }
  | { kind: "export"; afterMs: number; everything: boolean; fate: "taken" | "unseen" | "lost" };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    kind: fc.constant("add" as const),
    metric: fc.constantFrom("hookspan.cost" as const, "gen_ai.client.token.usage" as const),
    series: fc.constantFrom("a", "b"),
    value: fc.integer({ min: -5, max: 20 }),
  }),
  fc.record({
    kind: fc.constant("export" as const),
    afterMs: fc.oneof(fc.integer({ min: -5, max: 1500 }), fc.integer({ min: -10_000_000, max: 10_000_000 })),
    everything: fc.boolean(),
    fate: fc.constantFrom("taken" as const, "unseen" as const, "lost" as const),
  }),
);

test("whatever clock and network do: times rise by whole milliseconds, values never fall, every step has a fresh sample before it", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const totals = emptyTotals();
      const stored = new Map<string, { startNs: bigint; samples: { ms: bigint; total: number }[] }>();
      // Of a request that was lost without a word, as of one that was taken, the bridge must think that it was taken.
      let isGuess = false;
      let nowNs = T0;
      for (const step of actions) {
        if (step.kind === "add") {
          add(totals, [{ metric: step.metric, agent, attributes: { s: step.series }, value: step.value }]);
          continue;
        }
        nowNs += BigInt(step.afterMs) * 1_000_000n + 1n;
        const plan = pointsToSend(totals, nowNs, { everything: step.everything });
        expect(plan.atNs).toBeGreaterThan(totals.lastExportNs);
        expect(plan.atNs).toBeGreaterThanOrEqual(nowNs);
        markSent(totals, plan);
        isGuess ||= step.fate === "lost" && plan.sent.size > 0;
        if (step.fate === "unseen") takeBack(totals, plan);
        for (const { metric, points } of plan.points) {
          if (step.fate === "unseen" || step.fate === "lost") continue;
          for (const { attributes, startNs, atNs, value } of points) {
            const key = seriesKey(metric, agent, attributes);
            const series = stored.get(key) ?? { startNs, samples: [] };
            stored.set(key, series);
            expect(startNs).toBe(series.startNs);
            expect(startNs).toBeLessThanOrEqual(atNs);
            series.samples.push({ ms: atNs / 1_000_000n, total: amount(value) });
          }
        }
        expect(!step.everything || plan.sent.size === totals.series.size).toBe(true);
        for (const [key, { value }] of step.fate === "taken" && !isGuess ? totals.series : [])
          expect(stored.get(key)?.samples.at(-1)?.total).toBe(amount(value));
      }
      for (const { startNs, samples } of stored.values()) {
        const [first] = samples;
        expect(isGuess || (first?.ms === startNs / 1_000_000n && first.total === 0)).toBe(true);
        for (const [i, sample] of samples.entries()) {
          const before = samples[i - 1];
          if (before === undefined) continue;
          expect(sample.ms).toBeGreaterThan(before.ms);
          expect(sample.total).toBeGreaterThanOrEqual(before.total);
          const isStep = sample.total > before.total && !isGuess;
          expect(isStep ? sample.ms - before.ms : 0n).toBeLessThanOrEqual(60_000n);
        }
      }
    }),
    { numRuns: 500 },
  );
});

/** Runs a script on one series and tells what each export held. */
function run(script: string): string {
  const totals = emptyTotals();
  const exports: string[] = [];
  for (const word of script.split(" ")) {
    if (word.startsWith("@")) {
      const nowNs = T0 + BigInt(Number.parseInt(word.slice(1), 10)) * SECOND;
      exports.push(shown(exported(totals, nowNs, word.includes("!"), word.endsWith("x"))));
    } else {
      add(totals, [{ metric: "hookspan.cost", agent, attributes: {}, value: Number(word) }]);
    }
  }
  return exports.join(" | ");
}

function exported(totals: Totals, nowNs: bigint, everything = false, isUnseen = false): MetricPoints[] {
  const plan = pointsToSend(totals, nowNs, { everything });
  markSent(totals, plan);
  if (isUnseen) takeBack(totals, plan);
  return plan.points;
}

function shown(metrics: MetricPoints[]): string {
  const points = metrics.flatMap((metric) => metric.points);
  return points.map(({ atNs, value }) => `${Number(atNs - T0) / 1e9}:${amount(value)}`).join(" ") || "-";
}

function amount(value: number | HistogramValue): number {
  return typeof value === "number" ? value : value.count;
}

function count(outcome: string): Increment {
  return { metric: "hookspan.run.count", agent, attributes: { outcome }, value: 1 };
}
