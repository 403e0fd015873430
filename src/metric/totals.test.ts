import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { Attributes, Increment } from "../trace/record.ts";
import type { MetricName } from "./instruments.ts";
import { add, emptyTotals, seriesKey, type Series, type Totals } from "./totals.ts";

const COST = "hookspan.cost";
const TOKENS = "gen_ai.client.token.usage";
const agent = "claude-code";

test.for<[string, number[], { value: number; credit?: number }]>([
  ["rises", [1, 2], { value: 3 }],
  ["owes what it cannot give back", [3, -1], { value: 3, credit: 1 }],
  ["pays from the next increments", [3, -2, 0.5, 0.5], { value: 3, credit: 1 }],
  ["rises again once all is paid", [3, -2, 5], { value: 6 }],
  ["has paid to the last cent", [3, -2, 2], { value: 3 }],
  ["adds up what it owes", [1, -1, -2], { value: 1, credit: 3 }],
  ["may begin in debt", [-1, 3], { value: 2 }],
  ["exists after a zero", [0], { value: 0 }],
])("a counter %s", ([, values, expected]) => {
  const totals = emptyTotals();
  const attributes = {};
  for (const value of values) add(totals, [{ metric: COST, agent, attributes, value }]);
  expect(only(totals)).toEqual({ metric: COST, agent, attributes, ...expected });
});

test("only the series that was overcharged pays", () => {
  const totals = emptyTotals();
  add(totals, [cost("a", 1), cost("a", -1), cost("b", 1)]);
  expect(totals.series.get(keyOf(cost("a", 0)))).toMatchObject({ value: 1, credit: 1 });
  expect(totals.series.get(keyOf(cost("b", 0)))).toMatchObject({ value: 1 });
});

test("a histogram observes; a boundary belongs to the bucket below it; nothing lowers its sum", () => {
  const totals = emptyTotals();
  const observe = (value: number): unknown =>
    add(totals, [{ metric: "gen_ai.invoke_agent.tool_calls", agent, attributes: {}, value }]);
  for (const value of [2, 3, 1000, -5]) observe(value);
  expect(only(totals).value).toEqual({
    count: 4,
    sum: 1005,
    min: 0,
    max: 1000,
    buckets: [1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1],
  });
});

test("a gauge is set, up and down", () => {
  const totals = emptyTotals();
  for (const value of [5, 2]) add(totals, [{ metric: "hookspan.bridge.spool.items", agent, attributes: {}, value }]);
  expect(only(totals).value).toBe(2);
});

test.for([Number.NaN, Infinity, -Infinity, 2 ** 60])("%d is refused before anything is added", (value) => {
  const totals = emptyTotals();
  expect(() => add(totals, [cost("a", 1), cost("a", value)])).toThrow(RangeError);
  expect(() => add(totals, [cost("a", value)])).toThrow("hookspan.cost");
  expect(totals).toEqual(emptyTotals());
});

test("a series is the same whatever the order of its attributes, and no other", () => {
  expect(seriesKey(COST, agent, { a: 1, b: "x" })).toBe(seriesKey(COST, agent, { b: "x", a: 1 }));
  const others = [
    seriesKey(COST, agent, {}),
    seriesKey(COST, agent, { a: "1" }),
    seriesKey(COST, agent, { a: 1 }),
    seriesKey(COST, agent, { a: 1, b: 2 }),
    seriesKey(COST, "codex", {}),
    seriesKey(TOKENS, agent, {}),
  ];
  expect(new Set(others).size).toBe(others.length);
});

test("beyond 2,000 series new ones share one, and old ones go on", () => {
  const totals = emptyTotals();
  const all = Array.from({ length: 2100 }, (_, i) => cost(`m${i}`, 1));
  const touched = add(totals, all);
  expect(totals.series.size).toBe(2000);
  expect(touched.size).toBe(2000);
  const overflow = seriesKey(COST, agent, { "otel.metric.overflow": true });
  expect(totals.series.get(overflow)).toEqual({
    metric: COST,
    agent,
    attributes: { "otel.metric.overflow": true },
    value: 101,
  });

  expect(add(totals, [cost("m7", 1), cost("new", 1), { ...cost("x", 1), metric: "hookspan.run.count" }])).toEqual(
    new Set([keyOf(cost("m7", 0)), overflow, seriesKey("hookspan.run.count", agent, { model: "x" })]),
  );
});

test("what was read of a series stays what it was", () => {
  const totals = emptyTotals();
  add(totals, [{ metric: TOKENS, agent, attributes: {}, value: 5 }]);
  const before = only(totals);
  const copy = structuredClone(before);
  add(totals, [{ metric: TOKENS, agent, attributes: {}, value: 7 }]);
  expect(before).toEqual(copy);
});

test("a counter never falls, and value less credit is the sum of its increments", () => {
  const increments = fc.array(
    fc.record({
      model: fc.constantFrom("a", "b", "c"),
      value: fc.integer({ min: -1000, max: 1000 }),
    }),
  );
  fc.assert(
    fc.property(increments, (list) => {
      const totals = emptyTotals();
      const sums = new Map<string, number>();
      for (const { model, value } of list) {
        const increment = cost(model, value);
        const key = keyOf(increment);
        const before = totals.series.get(key)?.value ?? 0;
        expect(add(totals, [increment])).toEqual(new Set([key]));
        sums.set(key, (sums.get(key) ?? 0) + value);
        const after = totals.series.get(key);
        expect(after?.value).toBeGreaterThanOrEqual(Number(before));
        expect(Number(after?.value) - (after?.credit ?? 0)).toBe(sums.get(key));
        expect(after?.credit ?? 1).toBeGreaterThan(0);
      }
    }),
  );
});

test("a histogram counts each observation in one bucket", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1e9), { minLength: 1 }), (values) => {
      const totals = emptyTotals();
      add(
        totals,
        values.map((value) => ({ metric: TOKENS, agent, attributes: {}, value })),
      );
      const { value } = only(totals);
      expect(value).toMatchObject({
        count: values.length,
        sum: values.reduce((a, b) => a + b),
        min: Math.min(...values),
        max: Math.max(...values),
      });
      if (typeof value === "number") throw new Error("expected a histogram");
      expect(value.buckets.reduce((a, b) => a + b)).toBe(values.length);
    }),
  );
});

function cost(model: string, value: number): Increment & { metric: MetricName } {
  const attributes: Attributes = { model };
  return { metric: COST, agent, attributes, value };
}

function keyOf(increment: Increment): string {
  return seriesKey(increment.metric, increment.agent, increment.attributes);
}

function only(totals: Totals): Series {
  const [series, ...more] = totals.series.values();
  if (series === undefined || more.length > 0) throw new Error(`expected one series, got ${totals.series.size}`);
  return series;
}
