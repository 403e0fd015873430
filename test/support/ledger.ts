/** What a story spent and when that was delivered, kept beside hookspan: the truth that queries are compared with. */

import type { MetricPoints } from "../../src/metric/point.ts";
import type { Exporter } from "../../src/otlp/exporter.ts";
import type { Outcome } from "../../src/otlp/outcome.ts";
import type { TokenCounts } from "./simulated-life.ts";

/** USD per million tokens. */
export type ModelPrice = { input: number; cacheRead: number; output: number };

/** What happens to a metrics request on its way: as it should, answered but the answer is lost, or sent a second time. */
export type Way = "delivered" | "answer lost" | "twice";

/** All is spent by one agent. */
type Key = "model" | "repository" | "agent";

type Spent = {
  atMs: number;
  model: string;
  repository: string;
  tokens: TokenCounts;
  usd: number;
  /** Stamped on the first export after it that arrived; metrics have the time of their export. */
  deliveredMs?: number;
};

/** Milliseconds since the epoch; what lies after `fromMs`, up to and with `toMs`. */
export type Window = { fromMs: number; toMs: number };

export type Ledger = {
  /** The real exporter, whose accepted requests are noted. */
  exporter: Exporter;
  travel(way: Way): void;
  spend(atMs: number, spent: { model: string; repository: string; tokens: TokenCounts }): void;
  /** Samples of each counter that must be in Prometheus by now: one for each series and millisecond. */
  samples(metric: "hookspan.cost" | "hookspan.token.usage"): number;
  /** USD in all, by what was delivered in the window, and by what was spent in it. */
  usd(window: Window, by?: "delivered" | "spent"): number;
  usdBy(key: Key, window: Window): Record<string, number>;
  tokensBy(key: Key | "model and kind", window: Window): Record<string, number>;
};

const KINDS = { input: "input", cacheRead: "cache_read", output: "output" } as const;

export function createLedger(real: Exporter, prices: Record<string, ModelPrice>): Ledger {
  const book: Spent[] = [];
  const arrived = new Map<string, Set<string>>();
  let way: Way = "delivered";

  return {
    exporter: {
      ...real,
      sendMetrics: async (points) => {
        const outcome = await real.sendMetrics(points);
        if (way === "twice") await real.sendMetrics(points);
        if (outcome.status === "accepted") note(points);
        const lost: Outcome = { status: "retry", reason: "the answer was lost" };
        return way === "answer lost" ? lost : outcome;
      },
    },
    travel(next) {
      way = next;
    },
    spend(atMs, { model, repository, tokens }) {
      const price = prices[model];
      if (price === undefined) throw new Error(`no price for ${model}`);
      const usd = (["input", "cacheRead", "output"] as const).reduce(
        (sum, kind) => sum + tokens[kind] * price[kind],
        0,
      );
      book.push({ atMs, model, repository, tokens, usd: usd / 1e6 });
    },
    samples: (metric) => arrived.get(metric)?.size ?? 0,
    usd: (window, by = "delivered") => rounded(within(window, by).reduce((sum, { usd }) => sum + usd, 0)),
    usdBy: (key, window) => sums(within(window).map((one) => [nameOf(one, key), one.usd])),
    tokensBy: (key, window) =>
      sums(
        within(window).flatMap((one) =>
          (["input", "cacheRead", "output"] as const).map(
            (kind) =>
              [key === "model and kind" ? `${one.model} ${KINDS[kind]}` : nameOf(one, key), one.tokens[kind]] as const,
          ),
        ),
      ),
  };

  function note(metrics: readonly MetricPoints[]): void {
    for (const { metric, points } of metrics) {
      const samples = arrived.get(metric) ?? new Set();
      arrived.set(metric, samples);
      const times = points.map(({ atNs }) => Number(atNs / 1_000_000n));
      for (const [i, { attributes }] of points.entries()) samples.add(`${JSON.stringify(attributes)} ${times[i]}`);
      // A point before the last is one of comparison: it says nothing new.
      if (metric === "hookspan.cost") deliver(Math.max(...times));
    }
  }

  function deliver(atMs: number): void {
    for (const one of book) if (one.deliveredMs === undefined && one.atMs < atMs) one.deliveredMs = atMs;
  }

  function within({ fromMs, toMs }: Window, by: "delivered" | "spent" = "delivered"): Spent[] {
    return book.filter((one) => {
      const atMs = by === "spent" ? one.atMs : one.deliveredMs;
      return atMs !== undefined && atMs > fromMs && atMs <= toMs;
    });
  }
}

function nameOf(spent: Spent, key: Key): string {
  return key === "agent" ? "claude-code" : spent[key];
}

function sums(entries: (readonly [string, number])[]): Record<string, number> {
  const total = new Map<string, number>();
  for (const [key, value] of entries) total.set(key, (total.get(key) ?? 0) + value);
  return Object.fromEntries([...total].flatMap(([key, value]) => (value === 0 ? [] : [[key, rounded(value)]])));
}

function rounded(value: number): number {
  return Number(value.toFixed(9));
}
