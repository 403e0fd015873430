import type { Board } from "../board.ts";
import { SPAN_ROWS } from "../links.ts";
import { traces } from "../panel.ts";
import { CHOSEN, hasOperation, IN_SESSION, RUN, select, spanAttribute } from "../queries/spans.ts";

const NO_SESSION = "no session chosen, or nothing of it in this range";

export const session: Board = {
  name: "session",
  title: "hookspan: session explorer",
  description:
    "What happened in a session? Choose it in the table of runs, by its id above, or come from a cost or a latency.",
  variables: ["agent", "repository", "model", "user", "session", "trace"],
  panels: [
    {
      title: "Which runs were there?",
      description:
        "The newest runs that began in the range. Click the session to see all of it, the name to see its trace.",
      kind: "table",
      unit: "short",
      width: 24,
      links: SPAN_ROWS,
      queries: [
        traces(
          `{ ${RUN} && ${CHOSEN} } | ${select("conversationId", "repository", "requestModel", "runOutcome", "toolCalls", "costUsd")}`,
          "spans",
        ),
      ],
    },
    {
      title: "What did this session do?",
      description: "Its traces: one for each run, and one for the session itself, which ends last.",
      kind: "table",
      unit: "short",
      width: 12,
      ifNone: NO_SESSION,
      queries: [traces(`{ ${IN_SESSION} }`, "traces")],
    },
    {
      title: "What went wrong in it?",
      description: "Its failed runs, calls, tools and hooks. Denied and cancelled tools are no failures.",
      kind: "table",
      unit: "short",
      width: 12,
      ifNone: "nothing, or no session chosen",
      links: SPAN_ROWS,
      queries: [
        traces(
          `{ ${IN_SESSION} && span:status = error } | ${select("conversationId", "errorType", "toolName")}`,
          "spans",
        ),
      ],
    },
    {
      title: "What happened in this run?",
      description: "The trace that was chosen: its model calls, tools, subagents and hooks, one below the other.",
      kind: "trace",
      unit: "short",
      width: 24,
      height: 16,
      ifNone: "no trace chosen: click the name of a run above",
      queries: [traces("$trace", "trace")],
    },
    {
      title: "Which tools did it use?",
      description: "Calls of the session by tool.",
      kind: "ranking",
      unit: "short",
      width: 8,
      ifNone: NO_SESSION,
      queries: [
        traces(
          `{ ${IN_SESSION} && ${hasOperation("executeTool")} } | count_over_time() by (${spanAttribute("toolName")})`,
          "metrics",
        ),
      ],
    },
    {
      title: "When was it written how much?",
      description: "Output tokens of the session's model calls over time, by model.",
      kind: "bars",
      unit: "short",
      width: 8,
      ifNone: NO_SESSION,
      queries: [
        traces(
          `{ ${IN_SESSION} && ${hasOperation("chat")} && ${spanAttribute("outputTokens")} != nil } | sum_over_time(${spanAttribute("outputTokens")}) by (${spanAttribute("requestModel")})`,
          "metrics",
        ),
      ],
    },
    {
      title: "When did it cost how much?",
      description: "Estimated cost of the session's model calls over time, by model.",
      kind: "bars",
      unit: "currencyUSD",
      width: 8,
      ifNone: NO_SESSION,
      queries: [
        traces(
          `{ ${IN_SESSION} && ${hasOperation("chat")} && ${spanAttribute("costUsd")} != nil } | sum_over_time(${spanAttribute("costUsd")}) by (${spanAttribute("requestModel")})`,
          "metrics",
        ),
      ],
    },
    {
      title: "Which runs took more than half an hour?",
      description: "Long ones, or such as got stuck. Time spent waiting for a permission counts.",
      kind: "table",
      unit: "short",
      width: 24,
      ifNone: "no run took that long",
      links: SPAN_ROWS,
      queries: [
        traces(
          `{ ${RUN} && span:duration > 30m && ${CHOSEN} } | ${select("conversationId", "repository", "requestModel", "runOutcome")}`,
          "spans",
        ),
      ],
    },
  ],
};
