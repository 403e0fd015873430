/** What dashboards show of counters, of the users that are chosen: totals are exact, each by `totalOver`. */

import { series } from "./series.ts";
import { totalOver, totalPer } from "./total-over.ts";
import { byUser, ofUsers } from "./users.ts";

const RANGE = "$__range";

export const COST = series("hookspan.cost");
export const TOKENS = series("hookspan.token.usage");
export const SESSIONS = series("hookspan.session.count");
export const RUNS = series("hookspan.run.count");
export const FAILED_RUNS = series("hookspan.run.count", { having: { runOutcome: "error" } });
export const TOOL_CALLS = series("gen_ai.execute_tool.duration", { part: "count" });

/** What a counter gained in the range that the dashboard shows. */
export function inRange(selector: string, by: readonly string[] = []): string {
  return totalOver(selector, RANGE, by, ofUsers);
}

/** The same, by user. */
export function inRangeByUser(selector: string): string {
  return byUser(inRange(selector, ["instance"]), `[${RANGE}]`);
}

/** What a counter gained in the last `days` days, whatever range is shown. */
export function inDays(selector: string, days: number): string {
  return totalOver(selector, `${days}d`, [], ofUsers);
}

/** What a counter gained in the time of each bar. */
export function perBar(selector: string, by: readonly string[]): string {
  return totalPer(selector, "$__interval", by, ofUsers);
}

/** How fast each series of a counter grows: for paces and percentiles, never for totals. */
export function pace(selector: string): string {
  return ofUsers(`rate(${selector}[$__rate_interval])`, "[$__rate_interval]");
}

/** Buckets of a histogram over the range shown, for percentiles. */
export function bucketsInRange(selector: string): string {
  return ofUsers(`increase(${selector}[${RANGE}])`, `[${RANGE}]`);
}

/** When each series in the range shown was told last, in seconds since the epoch. */
export function lastSeen(selector: string): string {
  return ofUsers(`max_over_time(timestamp(${selector})[${RANGE}:1m])`, `[${RANGE}]`);
}

/** The newest values of a gauge. */
export function newest(selector: string): string {
  // As far back as Prometheus looks for one.
  return ofUsers(selector, "[5m]");
}

/** The greatest `most` of a total; what gained nothing is left out. */
export function greatest(most: number, total: string): string {
  return `topk(${most}, ${total} > 0)`;
}
