/** Runs the queries of panels in the real Prometheus, as Grafana would, with macros and variables in place. */

import { substituted, type PanelQuery } from "./dashboard-file.ts";
import type { RunningPrometheus } from "./prometheus.ts";

/** Seconds; `variables` as chosen in Grafana, All where nothing is said. */
export type Shown = { atS: number; rangeS: number; variables?: Record<string, string> };

export type Ran = {
  /** By the values of the labels, joined by spaces; of a range query the last ones. */
  values: Record<string, number>;
  /** Series that have a number. */
  rows: number;
  ms: number;
};

/** Bars are of an hour at least, lines as fine as the samples here. */
const BAR_S = 3600;
const LINE_S = 15;
const RATE = "5m";

export async function runQuery(
  prometheus: RunningPrometheus,
  { text, isInstant }: PanelQuery,
  { atS, rangeS, variables = {} }: Shown,
): Promise<Ran> {
  const stepS = text.includes("$__interval") ? BAR_S : LINE_S;
  const query = substituted(text, { range: `${rangeS}s`, step: `${stepS}s`, rate: RATE, variables });
  const startMs = performance.now();
  const values = isInstant ? await prometheus.query(query, atS) : await overTime(query);
  const ms = performance.now() - startMs;
  return { values, rows: Object.values(values).filter((value) => Number.isFinite(value)).length, ms };

  /** As Grafana does: steps lie on multiples of themselves. */
  async function overTime(promql: string): Promise<Record<string, number>> {
    const aligned = (s: number): number => Math.floor(s / stepS) * stepS;
    const range = { startS: aligned(atS - rangeS), endS: aligned(atS), stepS };
    const last: Record<string, number> = {};
    for (const instant of (await prometheus.queryRange(promql, range)).values())
      for (const [name, value] of Object.entries(instant)) if (Number.isFinite(value)) last[name] = value;
    return last;
  }
}
