/** Holds what the real Collector wrote to its files against what the receiver in front of it booked as stored. */

import type { RunningCollector } from "../support/collector.ts";
import { lastPoints, type Verdict } from "./verdict.ts";
import type { Booked } from "./receiver.ts";

/** To be asked after the Collector was stopped. */
export function collectorFaults(collector: RunningCollector, booked: readonly Booked[]): Verdict["faults"] {
  const stored = booked.filter(({ fate }) => fate !== "refused").flatMap(({ spans }) => spans.map(({ key }) => key));
  const written = collector.spans().map(({ traceId, spanId }) => `${traceId} ${spanId}`);
  const isSame = JSON.stringify(stored.sort()) === JSON.stringify(written.sort());

  const last = new Map<string, { atNs: bigint; value: number; metric: string }>();
  for (const point of collector.sums("metrics")) {
    const before = last.get(point.series);
    if (before === undefined || point.atNs >= before.atNs) last.set(point.series, point);
  }
  const sent = [...lastPoints(booked).values()].map(({ metric, value }) => ({ metric, value: value[0] ?? 0 }));
  const off = ["hookspan.token.usage", "hookspan.cost", "hookspan.run.count"].filter(
    (metric) => Math.abs(totalOf(last.values(), metric) - totalOf(sent, metric)) > 1e-9,
  );
  return [
    ...(isSame
      ? []
      : [`the Collector wrote ${written.length} spans, where ${stored.length} were stored, or other ones`]),
    ...off.map(
      (metric) => `the Collector's last ${metric} is ${totalOf(last.values(), metric)}, not ${totalOf(sent, metric)}`,
    ),
  ];
}

function totalOf(points: Iterable<{ metric: string; value: number }>, metric: string): number {
  return [...points].filter((one) => one.metric === metric).reduce((sum, { value }) => sum + value, 0);
}
