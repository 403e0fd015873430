/** The headline figures: what dashboards show of them, and what recordings say they are. */

import { queriesOf, readDashboards, type PanelQuery } from "./dashboard-file.ts";
import { runQuery, type Shown } from "./panel-run.ts";
import type { RunningPrometheus } from "./prometheus.ts";
import { replayRecording } from "./recorded-session.ts";
import type { Recorded } from "./recordings.ts";

/** USD to nine decimals; tokens by their kind. */
export type Headline = {
  usd: number;
  tokens: number;
  tokensByKind: Record<string, number>;
  sessions: number;
  runs: number;
  failedRuns: number;
};

/** By the board and the title that a user sees. */
const PANELS = {
  usd: ["hookspan-fleet", "What did it cost?"],
  tokens: ["hookspan-fleet", "How many tokens?"],
  tokensByKind: ["hookspan-cost", "How many tokens of each kind?"],
  sessions: ["hookspan-fleet", "How many sessions?"],
  runs: ["hookspan-fleet", "How many runs?"],
  failedRuns: ["hookspan-fleet", "How many runs failed?"],
} as const satisfies Record<keyof Headline, readonly [string, string]>;

/** The figure that a panel shows, if it is one of these. */
export function headlineOf(
  { board, panel }: PanelQuery,
  headline: Headline,
): number | Record<string, number> | undefined {
  const found = Object.entries(PANELS).find(([, [onBoard, title]]) => board === onBoard && panel === title)?.[0];
  return Object.entries(headline).find(([key]) => key === found)?.[1];
}

/** Asked by the dashboards' own queries. */
export async function shownHeadline(prometheus: RunningPrometheus, shown: Shown): Promise<Headline> {
  const all = readDashboards().flatMap(queriesOf);
  const ask = async ([board, panel]: readonly [string, string]): Promise<Record<string, number>> => {
    const query = all.find((one) => one.board === board && one.panel === panel);
    if (query === undefined) throw new Error(`${board} has no panel "${panel}"`);
    return (await runQuery(prometheus, query, shown)).values;
  };
  const single = async (panel: readonly [string, string]): Promise<number> => (await ask(panel))[""] ?? 0;
  return {
    usd: await single(PANELS.usd),
    tokens: await single(PANELS.tokens),
    tokensByKind: await ask(PANELS.tokensByKind),
    sessions: await single(PANELS.sessions),
    runs: await single(PANELS.runs),
    failedRuns: await single(PANELS.failedRuns),
  };
}

/** Each recording by itself, folded in this process: neither hook nor export nor Collector nor Prometheus had a hand in it. */
export async function recordedHeadline(recordings: readonly Recorded[]): Promise<Headline> {
  const sums = { usd: 0, sessions: 0, runs: 0, failedRuns: 0 };
  const tokensByKind: Record<string, number> = {};
  for (const { path } of recordings) {
    for (const { metric, attributes, value } of (await replayRecording(path, "backlog")).points.values()) {
      if (typeof value !== "number") continue;
      const kind = String(attributes["hookspan.token.kind"]);
      if (metric === "hookspan.token.usage") tokensByKind[kind] = (tokensByKind[kind] ?? 0) + value;
      if (metric === "hookspan.cost") sums.usd += value;
      if (metric === "hookspan.session.count") sums.sessions += value;
      if (metric !== "hookspan.run.count") continue;
      sums.runs += value;
      if (attributes["hookspan.run.outcome"] === "error") sums.failedRuns += value;
    }
  }
  const tokens = Object.values(tokensByKind).reduce((sum, value) => sum + value, 0);
  return { ...sums, usd: Number(sums.usd.toFixed(9)), tokens, tokensByKind };
}
