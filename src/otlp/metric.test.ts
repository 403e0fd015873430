import { expect, test } from "vitest";
import { connect } from "../../test/support/otlp-exporter.ts";
import type { OtlpMetric } from "../../test/support/otlp-json.ts";
import { INSTRUMENTS, type Instrument, type MetricName } from "../metric/instruments.ts";
import type { Point } from "../metric/point.ts";

const START_NS = 1_795_196_713_872_299_001n;
const AT_NS = START_NS + 1_000_000_001n;

/** A metric as the receiver sees it, after the real exporter and a real socket. */
async function arrive(metric: MetricName, ...points: Partial<Point>[]): Promise<OtlpMetric | undefined> {
  await using pair = await connect();
  const base: Point = { attributes: {}, startNs: START_NS, atNs: AT_NS, value: 1 };
  const whole = points.map((point) => Object.assign({}, base, point));
  await pair.exporter.sendMetrics([{ agent: "codex", metric, points: whole }]);
  return pair.recorder.requests[0]?.body.resourceMetrics?.[0]?.scopeMetrics[0]?.metrics[0];
}

test("a counter is a cumulative monotonic sum, its points in order and to the nanosecond", async () => {
  const attributes = { "gen_ai.agent.name": "codex" };
  const metric = await arrive("hookspan.run.count", { attributes, atNs: START_NS, value: 0 }, { attributes, value: 7 });
  expect(metric).toMatchObject({
    name: "hookspan.run.count",
    unit: "{run}",
    sum: { aggregationTemporality: 2, isMonotonic: true },
  });
  expect(metric?.description).toBe(INSTRUMENTS["hookspan.run.count"].description);
  const series = {
    attributes: [{ key: "gen_ai.agent.name", value: { stringValue: "codex" } }],
    startTimeUnixNano: "1795196713872299001",
  };
  expect(metric?.sum?.dataPoints).toEqual([
    { ...series, timeUnixNano: "1795196713872299001", asInt: 0 },
    { ...series, timeUnixNano: "1795196714872299002", asInt: 7 },
  ]);
});

test.for<[string, MetricName, number, object]>([
  ["tokens are whole", "hookspan.token.usage", 9_007_199_254_740_991, { asInt: 9_007_199_254_740_991 }],
  ["dollars are doubles", "hookspan.cost", 0.1, { asDouble: 0.1 }],
  ["whole dollars too", "hookspan.cost", 2, { asDouble: 2 }],
])("%s", async ([, name, value, expected]) => {
  const metric = await arrive(name, { value });
  expect(metric?.sum?.dataPoints[0]).toMatchObject(expected);
});

test.for<[MetricName, number, object]>([
  ["hookspan.bridge.spool.items", 3, { asInt: 3 }],
  ["hookspan.bridge.spool.oldest.age", 1.5, { asDouble: 1.5 }],
])("the gauge %s", async ([name, value, expected]) => {
  const metric = await arrive(name, { value });
  expect(metric?.gauge?.dataPoints[0]).toMatchObject({
    timeUnixNano: "1795196714872299002",
    ...expected,
  });
  expect(metric).not.toHaveProperty("sum");
});

test("a histogram has the instrument's boundaries; the point of no observation has no extremes", async () => {
  const instrument: Instrument = INSTRUMENTS["gen_ai.invoke_agent.duration"];
  const boundaries = instrument.kind === "histogram" ? instrument.boundaries : [];
  const zeros = Array.from({ length: boundaries.length + 1 }, () => 0);
  const buckets = zeros.with(2, 1).with(boundaries.length, 1);
  const metric = await arrive(
    "gen_ai.invoke_agent.duration",
    { value: { count: 0, sum: 0, min: Infinity, max: -Infinity, buckets: zeros } },
    { value: { count: 2, sum: 9000.25, min: 0.25, max: 9000, buckets } },
  );
  expect(metric).toMatchObject({ unit: "s", histogram: { aggregationTemporality: 2 } });
  const points = metric?.histogram?.dataPoints ?? [];
  expect(points[0]).toMatchObject({
    count: 0,
    sum: 0,
    explicitBounds: boundaries,
    bucketCounts: zeros,
  });
  expect(points[0]).not.toHaveProperty("min");
  expect(points[0]).not.toHaveProperty("max");
  expect(points[1]).toMatchObject({
    count: 2,
    sum: 9000.25,
    min: 0.25,
    max: 9000,
    bucketCounts: buckets,
  });
});

test.for<[string, MetricName, Point["value"]]>([
  ["a histogram in a counter", "hookspan.run.count", { count: 0, sum: 0, min: 0, max: 0, buckets: [] }],
  ["a number in a histogram", "gen_ai.invoke_agent.duration", 3],
  [
    "a histogram with other boundaries",
    "gen_ai.invoke_agent.duration",
    { count: 1, sum: 1, min: 1, max: 1, buckets: [1] },
  ],
])("%s is a bug and says so", async ([, name, value]) => {
  await expect(arrive(name, { value })).rejects.toThrow(name);
});
