/** Totals out of cumulative metrics: the newest value of each series counts, and series add up. */

import { ATTR } from "../trace/semconv.ts";
import type { ReceivedPoint } from "./otlp-json.ts";

/** Tokens of one model by disjoint kind (`input`, `cache_read`, `cache_write`, `output`, `reasoning`). */
export type ModelTokens = { model: string; byKind: Record<string, number> };

export type Totals = {
  tokens: ModelTokens[];
  /** Tokens of models that no price table knows. */
  unpricedTokens: number;
  costUsdBySource: Record<string, number>;
  runsByOutcome: Record<string, number>;
  sessions: number;
  subagents: number;
};

/** `add` tells whether the totals changed. */
export function createRunningTotals(): {
  add: (points: ReceivedPoint[]) => boolean;
  totals: () => Totals;
} {
  const newest = new Map<string, ReceivedPoint>();
  let last = JSON.stringify(totalsOf([]));
  return {
    add: (points) => {
      for (const point of points) {
        const known = newest.get(point.series);
        if (!known || point.atNs >= known.atNs) newest.set(point.series, point);
      }
      const now = JSON.stringify(totalsOf([...newest.values()]));
      const changed = now !== last;
      last = now;
      return changed;
    },
    totals: () => totalsOf([...newest.values()]),
  };
}

function totalsOf(points: ReceivedPoint[]): Totals {
  const models = new Map<string, ModelTokens>();
  const totals: Totals = {
    tokens: [],
    unpricedTokens: 0,
    costUsdBySource: {},
    runsByOutcome: {},
    sessions: 0,
    subagents: 0,
  };
  // Series that are still zero say nothing to the reader.
  for (const point of points.filter(({ value }) => value !== 0)) {
    const word = (name: string): string => String(point.attributes[name] ?? "unknown");
    switch (point.metric) {
      case "hookspan.token.usage": {
        const model = word(ATTR.requestModel);
        const tokens = models.get(model) ?? { model, byKind: {} };
        models.set(model, tokens);
        increase(tokens.byKind, word(ATTR.tokenKind), point.value);
        break;
      }
      case "hookspan.unpriced.token.usage":
        totals.unpricedTokens += point.value;
        break;
      case "hookspan.cost":
        increase(totals.costUsdBySource, word(ATTR.costSource), point.value);
        break;
      case "hookspan.run.count":
        increase(totals.runsByOutcome, word(ATTR.runOutcome), point.value);
        break;
      case "hookspan.session.count":
        totals.sessions += point.value;
        break;
      case "hookspan.subagent.count":
        totals.subagents += point.value;
        break;
      default:
    }
  }
  totals.tokens = [...models.values()].sort((a, b) => (a.model < b.model ? -1 : 1));
  return totals;
}

function increase(sums: Record<string, number>, key: string, by: number): void {
  sums[key] = (sums[key] ?? 0) + by;
}
