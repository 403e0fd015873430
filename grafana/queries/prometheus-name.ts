/** What Prometheus calls our metrics and attributes: its default translation of OTLP, as far as our units need it. */

import { INSTRUMENTS, type MetricName } from "../../src/metric/instruments.ts";
import { ATTR } from "../../src/trace/semconv.ts";

/** The three counters that a histogram is in Prometheus. */
export type Part = "bucket" | "sum" | "count";

const UNITS: Record<string, string> = { s: "_seconds", By: "_bytes", USD: "_USD" };

/** `part` belongs to a histogram. @throws Error where a histogram is named without one, or another metric with one. */
export function prometheusName(metric: MetricName, part?: Part): string {
  const { kind, unit } = INSTRUMENTS[metric];
  if ((kind === "histogram") !== (part !== undefined))
    throw new Error(`${metric} is a ${kind}: name it ${kind === "histogram" ? "with" : "without"} a part`);
  const name = `${underscored(metric)}${UNITS[unit] ?? ""}`;
  if (kind === "counter") return `${name}_total`;
  return part === undefined ? name : `${name}_${part}`;
}

/** The label of an attribute, by its key in `ATTR`. */
export function labelOf(key: keyof typeof ATTR): string {
  return underscored(ATTR[key]);
}

/** A name in OpenTelemetry's manner, in Prometheus' manner. */
export function underscored(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, "_");
}
