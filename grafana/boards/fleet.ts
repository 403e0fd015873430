import type { Board } from "../board.ts";
import { RUNS_AROUND, RUNS_IN_RANGE } from "../links.ts";
import { now, over } from "../panel.ts";
import {
  COST,
  FAILED_RUNS,
  greatest,
  inRange,
  inRangeByUser,
  lastSeen,
  pace,
  perBar,
  RUNS,
  SESSIONS,
  TOKENS,
} from "../queries/headline.ts";
import { labelOf } from "../queries/prometheus-name.ts";
import { orZero, series, share } from "../queries/series.ts";
import { USER } from "../queries/users.ts";

const AGENT = labelOf("agentName");
const REPOSITORY = labelOf("repository");
const VERSION = labelOf("bridgeVersion");
const INFO = series("hookspan.bridge.info", { having: { bridgeVersion: { not: "" } } });
const BARS = { minStep: "1h", mostPoints: 60 };

export const fleet: Board = {
  name: "fleet",
  title: "hookspan: fleet overview",
  description: "Are the agents used, what do they cost, and is the data whole?",
  variables: ["agent", "repository", "model", "user"],
  panels: [
    {
      title: "What did it cost?",
      description:
        "All agents' cost in the range, exactly: reported by the agent, else estimated from tokens and prices.",
      kind: "stat",
      unit: "currencyUSD",
      width: 4,
      links: [RUNS_IN_RANGE],
      queries: [now(inRange(COST))],
    },
    {
      title: "How many tokens?",
      description: "Input, cached input, cache writes, output and reasoning together.",
      kind: "stat",
      unit: "short",
      width: 4,
      queries: [now(inRange(TOKENS))],
    },
    {
      title: "How many sessions?",
      description: "Sessions that were seen for the first time in the range.",
      kind: "stat",
      unit: "short",
      width: 4,
      decimals: 0,
      queries: [now(inRange(SESSIONS))],
    },
    {
      title: "How many runs?",
      description: "Runs (a user's turn each) that ended in the range, however they ended.",
      kind: "stat",
      unit: "short",
      width: 4,
      decimals: 0,
      queries: [now(inRange(RUNS))],
    },
    {
      title: "How many runs failed?",
      description: "Runs that ended with an error. Interrupted and blocked runs are not among them.",
      kind: "stat",
      unit: "short",
      width: 4,
      decimals: 0,
      warnFrom: 1,
      queries: [now(orZero(inRange(FAILED_RUNS), inRange(RUNS)))],
    },
    {
      title: "Which share of the runs failed?",
      description: "Runs that ended with an error, of all that ended.",
      kind: "stat",
      unit: "percentunit",
      width: 4,
      decimals: 1,
      warnFrom: 0.1,
      queries: [now(share(inRange(FAILED_RUNS), inRange(RUNS)))],
    },
    {
      title: "What was spent when, by agent?",
      description:
        "Cost for each bar's time, exactly. Click a bar for the runs around it. Metrics have the time of their export.",
      kind: "bars",
      unit: "currencyUSD",
      width: 12,
      ...BARS,
      links: RUNS_AROUND,
      queries: [over(perBar(COST, [AGENT]), `{{${AGENT}}}`)],
    },
    {
      title: "When do sessions begin, by agent?",
      description: "New sessions for each bar's time.",
      kind: "bars",
      unit: "short",
      width: 12,
      ...BARS,
      queries: [over(perBar(SESSIONS, [AGENT]), `{{${AGENT}}}`)],
    },
    {
      title: "Who spends most?",
      description: `The ten users of the greatest cost. A user is known where the configuration or a gateway sets user.id; else there is one bar without a name. A machine that changed its user in the range counts as that user's for whom it reported most.`,
      kind: "ranking",
      unit: "currencyUSD",
      width: 8,
      queries: [now(greatest(10, inRangeByUser(COST)), `{{${USER}}}`)],
    },
    {
      title: "Which repositories cost most?",
      description: "The ten repositories of the greatest cost. Work outside of git has no name.",
      kind: "ranking",
      unit: "currencyUSD",
      width: 8,
      queries: [now(greatest(10, inRange(COST, [REPOSITORY])), `{{${REPOSITORY}}}`)],
    },
    {
      title: "Which agents are used?",
      description: "Runs by agent.",
      kind: "ranking",
      unit: "short",
      width: 8,
      queries: [now(greatest(10, inRange(RUNS, [AGENT])), `{{${AGENT}}}`)],
    },
    {
      title: "Is something running away?",
      description: "Dollars per hour at the present pace. A trend, not a sum: for sums see the bars.",
      kind: "lines",
      unit: "currencyUSD",
      width: 12,
      links: RUNS_AROUND,
      queries: [over(`sum by (${AGENT}) (${pace(COST)}) * 3600`, `{{${AGENT}}}`)],
    },
    {
      title: "How do runs end?",
      description: "Runs by outcome, for each bar's time.",
      kind: "bars",
      unit: "short",
      width: 12,
      ...BARS,
      queries: [over(perBar(RUNS, [labelOf("runOutcome")]), `{{${labelOf("runOutcome")}}}`)],
    },
    {
      title: "How many machines used an agent?",
      description: "State directories, one for each user of a machine, from which sessions came.",
      kind: "stat",
      unit: "short",
      width: 6,
      decimals: 0,
      queries: [now(`count(${inRange(SESSIONS, ["instance"])} > 0)`)],
    },
    {
      title: "How old is the newest data?",
      description:
        "Time since a bridge last reported. A bridge reports each minute and leaves when nobody works, so nights are long.",
      kind: "stat",
      unit: "s",
      width: 6,
      queries: [now(`time() - max(${lastSeen(series("hookspan.bridge.heartbeat"))})`)],
    },
    {
      title: "Which versions of hookspan are about?",
      description: "State directories by the version of the bridge that they last ran.",
      kind: "ranking",
      unit: "short",
      width: 12,
      height: 4,
      queries: [
        now(
          `count by (${VERSION}) (topk by (instance) (1, max by (instance, ${VERSION}) (${lastSeen(INFO)})))`,
          `{{${VERSION}}}`,
        ),
      ],
    },
  ],
};
