import type { Board } from "../board.ts";
import { RUNS_AROUND, SPAN_ROWS } from "../links.ts";
import { now, over, traces } from "../panel.ts";
import { bucketsInRange, greatest, inRange, pace, perBar, TOOL_CALLS } from "../queries/headline.ts";
import { labelOf } from "../queries/prometheus-name.ts";
import { series, share } from "../queries/series.ts";
import { CHOSEN, CHOSEN_AGENT, hasOperation, RUN, select } from "../queries/spans.ts";

const TOOL = labelOf("toolName");
const ERROR = labelOf("errorType");
const MODEL = labelOf("requestModel");
const DECISION = labelOf("toolDecision");
const STATUS = labelOf("hookStatus");
const EVENT = labelOf("hookEvent");
const BARS = { minStep: "1h", mostPoints: 60 };
const FAILED_CALLS = series("gen_ai.execute_tool.duration", { part: "count", having: { errorType: { not: "" } } });
const DURATION = series("gen_ai.execute_tool.duration", { part: "bucket" });
const MODEL_DURATION = pace(series("gen_ai.client.operation.duration", { part: "bucket" }));
const RUN_DURATION = pace(series("gen_ai.invoke_agent.duration", { part: "bucket" }));
const HOOK_DURATION = series("hookspan.hook.run.duration", { part: "bucket" });
/** What the Collector counts of spans: only these series have points that lead to a trace. */
const TRACED = `rate(traces_span_metrics_duration_seconds_bucket{job=~"hookspan/$agent",${labelOf("operation")}="execute_tool"}[$__rate_interval])`;

export const tools: Board = {
  name: "tools",
  title: "hookspan: tools, failures and latency",
  description: "Which tools are used, which fail, which are slow, and who is waited for?",
  variables: ["agent", "repository", "model", "user"],
  panels: [
    {
      title: "How many tool calls?",
      description: "Calls that ended in the range, subagents' included.",
      kind: "stat",
      unit: "short",
      width: 6,
      decimals: 0,
      queries: [now(inRange(TOOL_CALLS))],
    },
    {
      title: "Which share of the tool calls failed?",
      description: "Calls that ended with an error. Denied, blocked and cancelled ones are no errors.",
      kind: "stat",
      unit: "percentunit",
      width: 6,
      decimals: 1,
      warnFrom: 0.2,
      queries: [now(share(inRange(FAILED_CALLS), inRange(TOOL_CALLS)))],
    },
    {
      title: "How many calls does a run make?",
      description: "Tool calls by run or subagent, on average.",
      kind: "stat",
      unit: "short",
      width: 6,
      decimals: 1,
      queries: [
        now(
          `${inRange(series("gen_ai.invoke_agent.tool_calls", { part: "sum" }))} / (${inRange(series("gen_ai.invoke_agent.tool_calls", { part: "count" }))} > 0)`,
        ),
      ],
    },
    {
      title: "How often did somebody say no?",
      description: "Of all decisions on whether a call may run, as far as the agent tells of them.",
      kind: "stat",
      unit: "percentunit",
      width: 6,
      decimals: 1,
      queries: [
        now(
          share(
            inRange(series("hookspan.tool.decision.count", { having: { toolDecision: "deny" } })),
            inRange(series("hookspan.tool.decision.count")),
          ),
        ),
      ],
    },
    {
      title: "Which tools are used most?",
      description: "The fifteen tools with the most calls.",
      kind: "ranking",
      unit: "short",
      width: 8,
      queries: [now(greatest(15, inRange(TOOL_CALLS, [TOOL])), `{{${TOOL}}}`)],
    },
    {
      title: "Which tools fail most often?",
      description: "Share of a tool's calls that ended with an error; the fifteen greatest.",
      kind: "ranking",
      unit: "percentunit",
      width: 8,
      decimals: 1,
      ifNone: "no tool failed",
      queries: [
        now(greatest(15, `(${share(inRange(FAILED_CALLS, [TOOL]), inRange(TOOL_CALLS, [TOOL]))})`), `{{${TOOL}}}`),
      ],
    },
    {
      title: "Which tools are slow?",
      description: "Nineteen of twenty calls took less than this; the fifteen slowest tools.",
      kind: "ranking",
      unit: "s",
      width: 8,
      queries: [
        now(
          `topk(15, histogram_quantile(0.95, sum by (le, ${TOOL}) (${bucketsInRange(DURATION)})) >= 0)`,
          `{{${TOOL}}}`,
        ),
      ],
    },
    {
      title: "How long do tool calls take? A point leads to its trace",
      description:
        "Half of the calls, and nineteen of twenty, took less. Of the Collector's own counts, which begin anew with it. The points are single calls: click one for its trace.",
      kind: "lines",
      unit: "s",
      width: 12,
      queries: [
        { ...percentile(0.5, TRACED, "half of them"), exemplars: true },
        { ...percentile(0.95, TRACED, "nineteen of twenty"), exemplars: true },
      ],
    },
    {
      title: "What are the errors?",
      description: "Failed tool calls by kind of error, for each bar's time. Click a bar for the runs around it.",
      kind: "bars",
      unit: "short",
      width: 12,
      ...BARS,
      ifNone: "no tool failed",
      links: RUNS_AROUND,
      queries: [over(perBar(FAILED_CALLS, [ERROR]), `{{${ERROR}}}`)],
    },
    {
      title: "How long do runs take?",
      description: "Half of the runs and subagents, and nineteen of twenty, took less.",
      kind: "lines",
      unit: "s",
      width: 8,
      queries: [percentile(0.5, RUN_DURATION, "half of them"), percentile(0.95, RUN_DURATION, "nineteen of twenty")],
    },
    {
      title: "How long do model calls take?",
      description: "Nineteen of twenty took less, by model; only where the agent tells how long they took.",
      kind: "lines",
      unit: "s",
      width: 8,
      queries: [percentile(0.95, MODEL_DURATION, `{{${MODEL}}}`, MODEL)],
    },
    {
      title: "Who allows, who denies?",
      description: "Decisions on whether a call may run, for each bar's time.",
      kind: "bars",
      unit: "short",
      width: 8,
      ...BARS,
      queries: [over(perBar(series("hookspan.tool.decision.count"), [DECISION]), `{{${DECISION}}}`)],
    },
    {
      title: "Which of the users' hooks run, and how do they end?",
      description: "Runs of other hooks than ours, as far as the agent tells of them.",
      kind: "bars",
      unit: "short",
      width: 8,
      ...BARS,
      queries: [over(perBar(series("hookspan.hook.run.count"), [STATUS]), `{{${STATUS}}}`)],
    },
    {
      title: "Which hooks are slow?",
      description: "Nineteen of twenty runs of hooks took less, by event.",
      kind: "ranking",
      unit: "s",
      width: 8,
      queries: [
        now(`histogram_quantile(0.95, sum by (le, ${EVENT}) (${bucketsInRange(HOOK_DURATION)})) >= 0`, `{{${EVENT}}}`),
      ],
    },
    {
      title: "What came of it?",
      description:
        "Lines added and removed, commits, subagents and compactions in the range, as far as the agents tell of them.",
      kind: "ranking",
      unit: "short",
      width: 8,
      queries: [
        now(inRange(series("hookspan.code.line.count"), [labelOf("codeChange")]), `lines {{${labelOf("codeChange")}}}`),
        now(inRange(series("hookspan.commit.count")), "commits"),
        now(inRange(series("hookspan.subagent.count")), "subagents"),
        now(inRange(series("hookspan.compaction.count")), "compactions"),
      ],
    },
    {
      title: "Which calls took more than half a minute?",
      description: "The newest tool calls of that kind. Click the session, or the name for its trace.",
      kind: "table",
      unit: "short",
      width: 12,
      ifNone: "no call took that long",
      links: SPAN_ROWS,
      queries: [
        traces(
          `{ ${hasOperation("executeTool")} && span:duration > 30s && ${CHOSEN_AGENT} } | ${select("conversationId", "toolName", "toolOutcome")}`,
          "spans",
        ),
      ],
    },
    {
      title: "In which runs did a tool fail?",
      description:
        "The newest failed calls whose run is in the same block of Tempo. Click the session, or the name for its trace.",
      kind: "table",
      unit: "short",
      width: 12,
      ifNone: "in none",
      links: SPAN_ROWS,
      queries: [
        traces(
          `{ ${RUN} && ${CHOSEN} } >> { ${hasOperation("executeTool")} && span:status = error } | ${select("conversationId", "toolName", "errorType")}`,
          "spans",
        ),
      ],
    },
  ],
};

function percentile(quantile: number, buckets: string, legend: string, ...by: string[]) {
  const labels = ["le", ...by].join(", ");
  return {
    language: "promql",
    shape: "range",
    expr: `histogram_quantile(${quantile}, sum by (${labels}) (${buckets}))`,
    legend,
  } as const;
}
