/**
 * Totals: the cumulative state of every metric series, one for the whole life of a state directory. Hooks are short-lived
 * processes, so what Prometheus wants, a number that only grows, must outlive them all.
 */

import type { Attributes, Increment } from "../trace/record.ts";
import { ATTR } from "../trace/semconv.ts";
import { INSTRUMENTS, type MetricName } from "./instruments.ts";
import type { HistogramValue } from "./point.ts";

/** Plain data, replaced whenever it changes: a `Series` or a histogram value once read stays what it was. */
export type Series = {
  metric: MetricName;
  agent: string;
  attributes: Attributes;
  /** Cumulative; of a gauge: the last one set. */
  value: number | HistogramValue;
  /** What a counter owes after a negative increment; always above zero. The next increments pay it first. */
  credit?: number;
  /** Start of the series for every export; absent until the first one. */
  startNs?: bigint;
  /** What the last request said of this series. */
  sent?: SentPoint;
};

/** What is known of a series' exports: where it starts for them, and what the last one said. */
export type Marks = Pick<Series, "startNs" | "sent">;

export type SentPoint = { atNs: bigint; value: number | HistogramValue };

/** Keys are those of `seriesKey`. `lastExportNs` is the time stamped on the last export, 0 before the first. */
export type Totals = { series: Map<string, Series>; lastExportNs: bigint };

/** Series of one metric, its overflow series included (the limit of the OpenTelemetry SDKs). */
const SERIES_PER_METRIC = 2000;

const OVERFLOW: Attributes = { [ATTR.overflow]: true };

export function emptyTotals(): Totals {
  return { series: new Map(), lastExportNs: 0n };
}

/** One name per series; the order of attributes does not matter. */
export function seriesKey(metric: MetricName, agent: string, attributes: Attributes): string {
  const pairs = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([metric, agent, pairs]);
}

/**
 * Adds increments to the totals, in place, and returns the keys of the series it touched.
 *
 * - A counter never falls: a negative increment becomes the series' credit, and is taken from its next increments.
 * - A histogram observes the value; one below zero (a clock was set back) counts as zero, for a sum never falls either.
 * - A gauge is set.
 * - Beyond 2,000 series of a metric, new ones share one with the attribute `otel.metric.overflow`.
 *
 * Throws RangeError, before anything is changed, if a value is no number that can be added up for years (NaN, infinite,
 * beyond 2^53).
 */
export function add(totals: Totals, increments: readonly Increment[]): Set<string> {
  for (const { metric, value } of increments) {
    if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) {
      throw new RangeError(`cannot add ${value} to ${metric}: expected a finite number of at most 2^53`);
    }
  }
  const touched = new Set<string>();
  for (const increment of increments) {
    const { key, series } = seriesFor(totals, increment);
    totals.series.set(key, increased(series, increment.value));
    touched.add(key);
  }
  return touched;
}

/** The value of a series before its first increment. */
export function zeroValue(metric: MetricName): number | HistogramValue {
  const instrument = INSTRUMENTS[metric];
  if (instrument.kind !== "histogram") return 0;
  return {
    count: 0,
    sum: 0,
    min: 0,
    max: 0,
    buckets: Array<number>(instrument.boundaries.length + 1).fill(0),
  };
}

function seriesFor(totals: Totals, increment: Increment): { key: string; series: Series } {
  const { metric, agent } = increment;
  const key = seriesKey(metric, agent, increment.attributes);
  const known = totals.series.get(key);
  if (known !== undefined) return { key, series: known };

  const overflowKey = seriesKey(metric, agent, OVERFLOW);
  const overflow = totals.series.get(overflowKey);
  if (overflow !== undefined) return { key: overflowKey, series: overflow };

  const full = isFull(totals, metric);
  const attributes = full ? OVERFLOW : increment.attributes;
  return {
    key: full ? overflowKey : key,
    series: { metric, agent, attributes, value: zeroValue(metric) },
  };
}

/** Counted only when a series is new: there are few, and once an overflow series exists this is not asked again. */
function isFull(totals: Totals, metric: MetricName): boolean {
  const limit = SERIES_PER_METRIC - 1;
  if (totals.series.size < limit) return false;
  let count = 0;
  for (const series of totals.series.values()) {
    if (series.metric === metric) count += 1;
  }
  return count >= limit;
}

function increased(series: Series, by: number): Series {
  const instrument = INSTRUMENTS[series.metric];
  if (typeof series.value !== "number") {
    const boundaries = instrument.kind === "histogram" ? instrument.boundaries : [];
    return { ...series, value: observed(series.value, Math.max(0, by), boundaries) };
  }
  if (instrument.kind === "gauge") return { ...series, value: by };

  const { credit = 0, ...rest } = series;
  const owed = credit - by;
  if (owed > 0) return { ...rest, value: series.value, credit: owed };
  return { ...rest, value: series.value - owed };
}

/** A boundary belongs to the bucket below it, as OpenTelemetry and Prometheus have it. */
function observed(value: HistogramValue, amount: number, boundaries: readonly number[]): HistogramValue {
  const found = boundaries.findIndex((boundary) => amount <= boundary);
  const bucket = found === -1 ? boundaries.length : found;
  return {
    count: value.count + 1,
    sum: value.sum + amount,
    min: value.count === 0 ? amount : Math.min(value.min, amount),
    max: Math.max(value.max, amount),
    buckets: value.buckets.map((count, i) => (i === bucket ? count + 1 : count)),
  };
}
