/** What has arrived at a recorder, for a story to look at. */

import type { OtlpRecorder } from "./otlp-recorder.ts";
import { plain, type OtlpBody, type OtlpMetric } from "./otlp-json.ts";

export type SentSpan = {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  /** Seconds of the story. */
  start: number;
  end: number;
  isError: boolean;
  attributes: Record<string, unknown>;
  links: { traceId: string; spanId: string; type: unknown }[];
};

export type Sent = {
  /** In order of their start. */
  spans: SentSpan[];
  /**
   * A span in a line: its parent's name and `>`, its name, begin and end, ERROR, and the attributes that `names` asks for.
   */
  lines(...names: string[]): string[];
  /** The last value of a counter over all its series with these attributes; of a histogram the number of its observations. */
  total(metric: string, having?: Record<string, unknown>): number;
};

/** Of requests that were answered in whatever way: what they carried. */
export function readSent(requests: OtlpRecorder["requests"], epochNs: bigint): Sent {
  const bodies = requests.map(({ body }) => body);
  const spans = bodies.flatMap((body) => spansOf(body, epochNs)).sort(inOrder);
  return {
    spans,
    lines: (...names) => spans.map((span) => lineOf(span, spans, names)),
    total: (metric, having = {}) => totalOf(bodies, metric, having),
  };
}

function spansOf({ resourceSpans = [] }: OtlpBody, epochNs: bigint): SentSpan[] {
  const seconds = (ns: string): number => Number(BigInt(ns) - epochNs) / 1e9;
  return resourceSpans
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    .map((span) => ({
      name: span.name,
      traceId: span.traceId,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId === "" ? undefined : span.parentSpanId,
      start: seconds(span.startTimeUnixNano),
      end: seconds(span.endTimeUnixNano),
      isError: span.status?.code === 2,
      attributes: plain(span.attributes),
      links: (span.links ?? []).map(({ traceId, spanId, attributes }) => ({
        traceId,
        spanId,
        type: plain(attributes)["hookspan.link.type"],
      })),
    }));
}

/** By their start, the longer one first; the rest is for a test to be able to name them. */
function inOrder(a: SentSpan, b: SentSpan): number {
  return a.start - b.start || b.end - a.end || (a.name > b.name ? -1 : 1);
}

function lineOf(span: SentSpan, all: readonly SentSpan[], names: readonly string[]): string {
  const { traceId, parentSpanId } = span;
  const parent = all.find((one) => one.traceId === traceId && one.spanId === parentSpanId);
  const under = parentSpanId === undefined ? [] : [`${parent?.name ?? "?"} >`];
  const values = names.flatMap((name) => wordOf(span.attributes[name]));
  const times = `${span.start}..${span.end}`;
  return [...under, span.name, times, ...(span.isError ? ["ERROR"] : []), ...values].join(" ");
}

function wordOf(value: unknown): string[] {
  return value === undefined ? [] : [typeof value === "string" ? value : JSON.stringify(value)];
}

function totalOf(bodies: readonly OtlpBody[], name: string, having: Record<string, unknown>): number {
  const last = new Map<string, { atNs: bigint; value: number }>();
  for (const metric of bodies.flatMap(metricsOf).filter((one) => one.name === name)) {
    for (const point of pointsOf(metric)) {
      const attributes = plain(point.attributes);
      if (Object.entries(having).some(([key, value]) => attributes[key] !== value)) continue;
      const atNs = BigInt(point.timeUnixNano);
      const key = JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
      const value = Number(point.count ?? point.asInt ?? point.asDouble);
      if (atNs >= (last.get(key)?.atNs ?? 0n)) last.set(key, { atNs, value });
    }
  }
  return [...last.values()].reduce((sum, { value }) => sum + value, 0);
}

function metricsOf({ resourceMetrics = [] }: OtlpBody): OtlpMetric[] {
  return resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
}

function pointsOf({ sum, gauge, histogram }: OtlpMetric) {
  return [...(sum?.dataPoints ?? []), ...(gauge?.dataPoints ?? []), ...(histogram?.dataPoints ?? [])];
}
