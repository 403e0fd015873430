/** Metric points as the Collector took them, held against what Prometheus asks of a series. */

import { plain, type OtlpBody, type OtlpMetric } from "../support/otlp-json.ts";

type Value = { sum: number; count: number | undefined; buckets: number[] };
type Series = { metric: string; attributes: Record<string, unknown>; startNs: bigint; atNs: bigint; value: Value };

export type SeriesWatch = {
  /** Enters an accepted request. Throws if a series fell, went back in time, or began without a zero. */
  take(body: OtlpBody): void;
  /** A request that came and was not taken. Its sender cannot know, and may go on from what it said. */
  miss(body: OtlpBody): void;
  /** The sender died: what it was about to say never came. */
  loseSender(): void;
  totals(): { sums: Record<string, number>; observed: Record<string, number> };
};

/** The attributes that tell the sums of a metric apart, as the truth counts them. */
const TOLD_APART: Record<string, string[]> = {
  "hookspan.session.count": [],
  "hookspan.run.count": [],
  "hookspan.token.usage": ["gen_ai.request.model", "hookspan.token.kind"],
  "hookspan.cost": ["hookspan.cost.source"],
  "hookspan.unpriced.token.usage": ["gen_ai.request.model"],
  "gen_ai.client.token.usage": ["gen_ai.token.type"],
  "gen_ai.invoke_agent.duration": [],
  "gen_ai.execute_tool.duration": ["gen_ai.tool.name"],
};
/** Their sums are seconds, which the truth does not reckon. */
const ONLY_COUNTED = new Set(["gen_ai.invoke_agent.duration", "gen_ai.execute_tool.duration"]);

export function createSeriesWatch(): SeriesWatch {
  const all = new Map<string, Series>();
  const said = new Set<string>();
  const missed = new Set<string>();
  let hasDied = false;

  return {
    take(body) {
      for (const { key, metric, point } of seriesOf(body)) {
        // The very same sample once more does no harm: Prometheus stores it once.
        const sample = `${key} ${point.atNs} ${JSON.stringify(point.value)}`;
        if (said.has(sample)) continue;
        said.add(sample);
        check(key, metric, all.get(key), point, hasDied || missed.has(key));
        all.set(key, point);
      }
    },
    miss(body) {
      for (const { key } of seriesOf(body)) missed.add(key);
    },
    loseSender: () => void (hasDied = true),
    totals() {
      const sums: Record<string, number> = {};
      const observed: Record<string, number> = {};
      for (const { metric, attributes, value } of all.values()) {
        const names = TOLD_APART[metric];
        if (names === undefined) continue;
        const key = [metric, ...names.map((name) => String(attributes[name]))].join(" ");
        if (value.count !== undefined) observed[key] = (observed[key] ?? 0) + value.count;
        if (!ONLY_COUNTED.has(metric)) sums[key] = (sums[key] ?? 0) + value.sum;
      }
      return { sums, observed };
    },
  };
}

function seriesOf(body: OtlpBody): { key: string; metric: OtlpMetric; point: Series }[] {
  return (body.resourceMetrics ?? []).flatMap(({ resource, scopeMetrics }) =>
    scopeMetrics
      .flatMap(({ metrics }) => metrics)
      .flatMap((metric) =>
        pointsOf(metric).map((point) => ({
          key: [plain(resource.attributes), metric.name, point.attributes]
            .map((part) => JSON.stringify(part))
            .join(" "),
          metric,
          point,
        })),
      ),
  );
}

function check(
  key: string,
  { name, gauge }: OtlpMetric,
  before: Series | undefined,
  point: Series,
  mayLackZero: boolean,
): void {
  // A gauge says what is, when the clock says it. Our own counters are no part of the promise: a crash may take them back.
  if (gauge !== undefined || name.startsWith("hookspan.bridge.")) return;
  if (before !== undefined && point.atNs <= before.atNs) fail(key, "two values for one time", before, point);
  if (before === undefined) {
    const isZero = point.value.sum === 0 && (point.value.count ?? 0) === 0;
    if (!isZero && !mayLackZero) fail(key, "no zero before the first value", before, point);
    return;
  }
  if (point.startNs !== before.startNs) fail(key, "another start", before, point);
  const fell =
    point.value.sum < before.value.sum ||
    (point.value.count ?? 0) < (before.value.count ?? 0) ||
    point.value.buckets.some((count, i) => count < (before.value.buckets[i] ?? 0));
  if (fell) fail(key, "a counter fell", before, point);
}

function fail(key: string, what: string, before: Series | undefined, point: Series): never {
  const shown = [before, point].map((one) => `${one?.atNs} ${JSON.stringify(one?.value)}`).join(" then ");
  throw new Error(`${what}: ${key}: ${shown}`);
}

function pointsOf({ name, sum, gauge, histogram }: OtlpMetric): Series[] {
  const points = sum?.dataPoints ?? gauge?.dataPoints ?? histogram?.dataPoints ?? [];
  return points.map((point) => ({
    metric: name,
    attributes: plain(point.attributes),
    startNs: BigInt(point.startTimeUnixNano),
    atNs: BigInt(point.timeUnixNano),
    value: {
      sum: Number(point.asInt ?? point.asDouble ?? point.sum ?? 0),
      count: point.count,
      buckets: point.bucketCounts ?? [],
    },
  }));
}
