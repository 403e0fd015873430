/** The figures that every dashboard agrees on, over the range that it shows: exact, each by `totalOver`. */

import { series } from "./series.ts";
import { totalOver } from "./total-over.ts";

const RANGE = "$__range";

export const COST = series("hookspan.cost");
export const TOKENS = series("hookspan.token.usage");
export const SESSIONS = series("hookspan.session.count");
export const RUNS = series("hookspan.run.count");
export const FAILED_RUNS = series("hookspan.run.count", { having: { runOutcome: "error" } });
export const TOOL_CALLS = series("gen_ai.execute_tool.duration", { part: "count" });

/** What a counter gained in the range that the dashboard shows. */
export function inRange(selector: string, by: readonly string[] = []): string {
  return totalOver(selector, RANGE, by);
}

/** The greatest `most` of a total; what gained nothing is left out. */
export function greatest(most: number, total: string): string {
  return `topk(${most}, ${total} > 0)`;
}
