import type { Board } from "../board.ts";
import { RUNS_AROUND, RUNS_IN_RANGE, SESSION_BY_NAME, SPAN_ROWS } from "../links.ts";
import { now, over, traces } from "../panel.ts";
import { COST, greatest, inDays, inRange, perBar, RUNS, SESSIONS, TOKENS } from "../queries/headline.ts";
import { labelOf } from "../queries/prometheus-name.ts";
import { series, share } from "../queries/series.ts";
import { ofUsers } from "../queries/users.ts";
import { CHOSEN, RUN, select, spanAttribute } from "../queries/spans.ts";

const KIND = labelOf("tokenKind");
const MODEL = labelOf("requestModel");
const SOURCE = labelOf("costSource");
const BARS = { minStep: "1h", mostPoints: 60 };
const CACHED = series("hookspan.token.usage", { having: { tokenKind: "cache_read" } });
const READ = series("hookspan.token.usage", { having: { tokenKind: { matches: "input|cache_read|cache_write" } } });
const INPUT = series("gen_ai.client.token.usage", { part: "bucket", having: { tokenType: "input" } });

export const cost: Board = {
  name: "cost",
  title: "hookspan: cost and tokens",
  description: "What does it cost, why, and how sure is that?",
  variables: ["agent", "repository", "model", "user"],
  panels: [
    {
      title: "What did it cost?",
      description:
        "In the range, exactly. With a model chosen, what a client's books add without naming a model is left out.",
      kind: "stat",
      unit: "currencyUSD",
      width: 4,
      links: [RUNS_IN_RANGE],
      queries: [now(inRange(COST))],
    },
    {
      title: "What does a session cost?",
      description: "Cost in the range for each session that began in it. With models chosen: what these cost of it.",
      kind: "stat",
      unit: "currencyUSD",
      width: 4,
      queries: [now(`${inRange(COST)} / (${inRange(SESSIONS)} > 0)`)],
    },
    {
      title: "What does a run cost?",
      description: "Cost in the range for each run that ended in it. With models chosen: what these cost of it.",
      kind: "stat",
      unit: "currencyUSD",
      width: 4,
      queries: [now(`${inRange(COST)} / (${inRange(RUNS)} > 0)`)],
    },
    {
      title: "How much of the input came from the cache?",
      description: "Tokens read from the cache, of all tokens read or written into it. Little is dear.",
      kind: "stat",
      unit: "percentunit",
      width: 4,
      decimals: 1,
      queries: [now(share(inRange(CACHED), inRange(READ)))],
    },
    {
      title: "What will a month cost, at this pace?",
      description: "Thirty times a day's average over the last seven days, whatever range is shown.",
      kind: "stat",
      unit: "currencyUSD",
      width: 4,
      queries: [now(`${inDays(COST, 7)} / 7 * 30`)],
    },
    {
      title: "How many tokens have no price?",
      description:
        "Tokens of models that no price table knows: their cost is missing above. Prices can be added in the configuration.",
      kind: "stat",
      unit: "short",
      width: 4,
      warnFrom: 1,
      ifNone: "0",
      queries: [now(inRange(series("hookspan.unpriced.token.usage")))],
    },
    {
      title: "Which model costs what, when?",
      description:
        "Cost for each bar's time, exactly. Click a bar for the runs around it. What a client's books add has no model.",
      kind: "bars",
      unit: "currencyUSD",
      width: 12,
      ...BARS,
      links: RUNS_AROUND,
      queries: [over(perBar(COST, [MODEL]), `{{${MODEL}}}`)],
    },
    {
      title: "Which tokens drive it?",
      description: "Tokens by kind for each bar's time; the kinds are disjoint and add up.",
      kind: "bars",
      unit: "short",
      width: 12,
      ...BARS,
      links: RUNS_AROUND,
      queries: [over(perBar(TOKENS, [KIND]), `{{${KIND}}}`)],
    },
    {
      title: "How many tokens of each kind?",
      description: "In the range, exactly.",
      kind: "ranking",
      unit: "short",
      width: 8,
      queries: [now(greatest(10, inRange(TOKENS, [KIND])), `{{${KIND}}}`)],
    },
    {
      title: "Which models cost most?",
      description: "The fifteen models of the greatest cost.",
      kind: "ranking",
      unit: "currencyUSD",
      width: 8,
      queries: [now(greatest(15, inRange(COST, [MODEL])), `{{${MODEL}}}`)],
    },
    {
      title: "How sure are these figures?",
      description:
        "`reported` by the agent, `estimated` from tokens and list prices, `reconciled`: what the client's books had beyond that.",
      kind: "ranking",
      unit: "currencyUSD",
      width: 8,
      queries: [now(inRange(COST, [SOURCE]), `{{${SOURCE}}}`)],
    },
    {
      title: "Which models have no price?",
      description: "Tokens by model that no price table knows.",
      kind: "ranking",
      unit: "short",
      width: 8,
      ifNone: "every model has a price",
      queries: [now(greatest(15, inRange(series("hookspan.unpriced.token.usage"), [MODEL])), `{{${MODEL}}}`)],
    },
    {
      title: "How long are the contexts?",
      description: "Input tokens of each model call, cached ones included: a band that climbs is a context that grows.",
      kind: "heatmap",
      unit: "short",
      width: 16,
      queries: [
        over(`sum by (le) (${ofUsers(`increase(${INPUT}[$__rate_interval])`, "[$__rate_interval]")})`, "{{le}}"),
      ],
    },
    {
      title: "Which sessions cost most?",
      description:
        "From traces: the cost of all runs and subagents of a session that began in the range. Click for the session.",
      kind: "ranking",
      unit: "currencyUSD",
      width: 12,
      links: [SESSION_BY_NAME],
      queries: [
        traces(
          `{ ${spanAttribute("costUsd")} != nil && ${spanAttribute("inferenceCalls")} != nil && ${CHOSEN} } | sum_over_time(${spanAttribute("costUsd")}) by (${spanAttribute("conversationId")}) | topk(10)`,
          "metrics",
        ),
      ],
    },
    {
      title: "Which runs cost more than a dollar?",
      description:
        "From traces: newest first, without what its subagents cost. Click the session, or the name for its trace.",
      kind: "table",
      unit: "short",
      width: 12,
      ifNone: "no run cost more than a dollar",
      links: SPAN_ROWS,
      queries: [
        traces(
          `{ ${RUN} && ${spanAttribute("costUsd")} > 1 && ${CHOSEN} } | ${select("conversationId", "repository", "requestModel", "costUsd")}`,
          "spans",
        ),
      ],
    },
  ],
};
