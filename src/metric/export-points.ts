/**
 * Which points one metric export carries. Prometheus sees a step of a counter only between two samples, so every step gets
 * a sample before it; and it refuses a whole request for one sample that is too old or says two things of one time, so no
 * series starts long before its first export and no time is used twice.
 */

import { INSTRUMENTS, type MetricName } from "./instruments.ts";
import type { HistogramValue, MetricPoints, Point } from "./point.ts";
import { type Marks, type Series, type SentPoint, type Totals, zeroValue } from "./totals.ts";

/** One request, and what it will have said of each series. Nothing to send: `points` is empty. */
export type ExportPlan = {
  /** The time stamped on every current value. */
  atNs: bigint;
  points: MetricPoints[];
  sent: Map<string, SentPoint & { startNs: bigint }>;
  /** The marks that these replace. */
  before: Map<string, Marks>;
};

/** Prometheus keeps milliseconds: two exports less than one apart would carry two values for one time. */
const STEP_NS = 1_000_000n;
/** How long before a value its sample of comparison lies. */
const BEFORE_NS = 1_000_000_000n;
/** A series silent for longer gets its last value again before the new one. */
const SILENCE_NS = 60_000_000_000n;

/**
 * Plans the export of what has changed since it was last sent, or of `everything` (for the regular export of unchanged
 * totals). The totals must be committed: what a crash takes back must not have been sent. Changes nothing; the plan's marks
 * must be set by `markSent` and be on disk before the request leaves, or a restarted process might say something else of
 * the same time. The points of a series are in order of time.
 */
export function pointsToSend(totals: Totals, nowNs: bigint, { everything }: { everything: boolean }): ExportPlan {
  const atNs = later(nowNs, totals.lastExportNs + STEP_NS);
  const plan: ExportPlan = { atNs, points: [], sent: new Map(), before: new Map() };
  const groups = new Map<string, MetricPoints>();
  for (const [key, series] of totals.series) {
    if (!everything && series.sent !== undefined && isEqual(series.sent.value, series.value)) continue;
    const startNs = series.startNs ?? atNs - BEFORE_NS;
    groupOf(groups, series.agent, series.metric).points.push(...pointsOf(series, startNs, atNs));
    plan.sent.set(key, { startNs, atNs, value: series.value });
    plan.before.set(key, marksOf(series));
  }
  plan.points = [...groups.values()];
  return plan;
}

/** Enters a plan's marks into the totals, in place. What was added since the plan was made stays, and is still to be sent. */
export function markSent(totals: Totals, plan: ExportPlan): void {
  for (const [key, { startNs, atNs, value }] of plan.sent) setMarks(totals, key, { startNs, sent: { atNs, value } });
  totals.lastExportNs = later(totals.lastExportNs, plan.atNs);
}

/**
 * Takes a plan's marks back, in place: nobody has seen its request. A series that began in it begins anew, with a zero, and
 * the next step is compared with what was really said last. Not for a request that may have been taken: a zero after it
 * would be a fall.
 */
export function takeBack(totals: Totals, plan: ExportPlan): void {
  for (const [key, marks] of plan.before) setMarks(totals, key, marks);
}

function setMarks(totals: Totals, key: string, marks: Marks): void {
  const series = totals.series.get(key);
  if (series === undefined) return;
  const { startNs: _startNs, sent: _sent, ...rest } = series;
  totals.series.set(key, { ...rest, ...marks });
}

function marksOf({ startNs, sent }: Series): Marks {
  return { ...(startNs !== undefined && { startNs }), ...(sent !== undefined && { sent }) };
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** Cumulative histograms that counted alike are alike: each observation counts. */
function isEqual(a: number | HistogramValue, b: number | HistogramValue): boolean {
  return typeof a === "number" || typeof b === "number" ? a === b : a.count === b.count;
}

function groupOf(groups: Map<string, MetricPoints>, agent: string, metric: MetricName): MetricPoints {
  const name = `${metric} ${agent}`;
  const group = groups.get(name) ?? { agent, metric, points: [] };
  groups.set(name, group);
  return group;
}

function pointsOf(series: Series, startNs: bigint, atNs: bigint): Point[] {
  const { metric, attributes, value, sent } = series;
  const current: Point = { attributes, startNs, atNs, value };
  // A gauge has no steps that could be missed.
  if (INSTRUMENTS[metric].kind === "gauge") return [current];
  if (sent === undefined) return [{ ...current, atNs: startNs, value: zeroValue(metric) }, current];
  if (isEqual(sent.value, value) || atNs - sent.atNs <= SILENCE_NS) return [current];
  return [{ ...current, atNs: atNs - BEFORE_NS, value: sent.value }, current];
}
