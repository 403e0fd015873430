import type { Board } from "../board.ts";
import { now, over } from "../panel.ts";
import { inRange, newest, pace } from "../queries/headline.ts";
import { labelOf } from "../queries/prometheus-name.ts";
import { orZero, series } from "../queries/series.ts";
import { ofUsers } from "../queries/users.ts";

/** The bridge tells of itself each minute: a rate needs two of its points. */
const EACH_MINUTE = { minStep: "1m" };
const OUTCOME = labelOf("eventOutcome");
const HEARTBEAT = series("hookspan.bridge.heartbeat");
const EVENTS = series("hookspan.bridge.event.count");
const DROPPED = series("hookspan.bridge.dropped.count");
const EXPORTS = series("hookspan.bridge.export.item.count");
const LAG = series("hookspan.bridge.fold.lag", { part: "bucket" });
const SIGNAL = labelOf("exportSignal");
const EXPORTED = labelOf("exportOutcome");

export const bridge: Board = {
  name: "bridge",
  title: "hookspan: bridge health",
  description: "Is the pipe healthy, and are the numbers complete?",
  variables: ["user"],
  panels: [
    {
      title: "Was anything dropped?",
      description:
        "Envelopes, spans and points that a bound dropped. Above 0, figures are incomplete; docs/delivery.md lists the bounds.",
      kind: "stat",
      unit: "short",
      width: 6,
      decimals: 0,
      warnFrom: 1,
      queries: [now(orZero(inRange(DROPPED), inRange(EVENTS)))],
    },
    {
      title: "What waits for the Collector?",
      description: "Batches that were not accepted yet, of all bridges that reported in the last five minutes.",
      kind: "stat",
      unit: "short",
      width: 6,
      decimals: 0,
      warnFrom: 100,
      ifNone: "no bridge at work",
      queries: [now(`sum(${newest(series("hookspan.bridge.outbox.items"))})`)],
    },
    {
      title: "How many bridges are at work?",
      description: "That reported in the last five minutes. A bridge leaves when its agents are idle.",
      kind: "stat",
      unit: "short",
      width: 6,
      decimals: 0,
      ifNone: "none at work",
      queries: [now(`sum(${newest(HEARTBEAT)})`)],
    },
    {
      title: "How many machines have gone silent?",
      description: "That reported in the last week and not in the last day: on holiday, or broken.",
      kind: "stat",
      unit: "short",
      width: 6,
      decimals: 0,
      warnFrom: 1,
      queries: [now(`${machines("7d")} - (${machines("1d")} or ${machines("7d")} * 0)`)],
    },
    {
      title: "What becomes of events?",
      description:
        "Per second, by outcome: `folded` is as it should be, `duplicate` and `late` do no harm; the others are explained in docs/metrics.md.",
      kind: "lines",
      unit: "cps",
      width: 12,
      ...EACH_MINUTE,
      queries: [over(`sum by (${OUTCOME}) (${pace(EVENTS)})`, `{{${OUTCOME}}}`)],
    },
    {
      title: "How late are events taken in?",
      description: "From the hook to the fold: nineteen of twenty took less. Long where no bridge was at work.",
      kind: "lines",
      unit: "s",
      width: 12,
      ...EACH_MINUTE,
      queries: [over(`histogram_quantile(0.95, sum by (le) (${pace(LAG)}))`, "nineteen of twenty")],
    },
    {
      title: "What becomes of exports?",
      description:
        "Spans and points in the range, by the Collector's answer. `retry` is sent again; `rejected` and `refused` are not.",
      kind: "ranking",
      unit: "short",
      width: 12,
      queries: [now(inRange(EXPORTS, [SIGNAL, EXPORTED]), `{{${SIGNAL}}} {{${EXPORTED}}}`)],
    },
    {
      title: "What was dropped, and why?",
      description: "By the bound that dropped it.",
      kind: "ranking",
      unit: "short",
      width: 12,
      ifNone: "nothing was dropped",
      queries: [now(inRange(DROPPED, [labelOf("dropReason")]), `{{${labelOf("dropReason")}}}`)],
    },
    {
      title: "How much lies on the machines' disks?",
      description: "The greatest spool, and the greatest outbox, of any machine.",
      kind: "lines",
      unit: "bytes",
      width: 12,
      queries: [
        over(`max(${newest(series("hookspan.bridge.spool.size"))})`, "spool"),
        over(`max(${newest(series("hookspan.bridge.outbox.size"))})`, "outbox"),
      ],
    },
    {
      title: "How old is what lies there?",
      description: "The oldest envelope in a spool, and the oldest batch in an outbox, of any machine.",
      kind: "lines",
      unit: "s",
      width: 12,
      queries: [
        over(`max(${newest(series("hookspan.bridge.spool.oldest.age"))})`, "spool"),
        over(`max(${newest(series("hookspan.bridge.outbox.oldest.age"))})`, "outbox"),
      ],
    },
    {
      title: "What does the Collector take, and refuse?",
      description: "Spans and points per second. What it refuses, the bridge sends again.",
      kind: "lines",
      unit: "cps",
      width: 12,
      queries: [
        over("sum(rate(otelcol_receiver_accepted_spans_total[$__rate_interval]))", "spans"),
        over("sum(rate(otelcol_receiver_accepted_metric_points_total[$__rate_interval]))", "points"),
        over("sum(rate(otelcol_receiver_refused_spans_total[$__rate_interval]))", "spans refused"),
        over("sum(rate(otelcol_receiver_refused_metric_points_total[$__rate_interval]))", "points refused"),
      ],
    },
    {
      title: "What does the Collector fail to deliver?",
      description: "Per second, by exporter. These series exist only after a first failure.",
      kind: "lines",
      unit: "cps",
      width: 12,
      ifNone: "nothing",
      queries: [
        over(
          "sum by (exporter) (rate(otelcol_exporter_send_failed_spans_total[$__rate_interval]))",
          "{{exporter}}: spans",
        ),
        over(
          "sum by (exporter) (rate(otelcol_exporter_send_failed_metric_points_total[$__rate_interval]))",
          "{{exporter}}: points",
        ),
        over(
          "sum by (exporter) (rate(otelcol_exporter_enqueue_failed_spans_total[$__rate_interval]))",
          "{{exporter}}: spans, queue full",
        ),
        over(
          "sum by (exporter) (rate(otelcol_exporter_enqueue_failed_metric_points_total[$__rate_interval]))",
          "{{exporter}}: points, queue full",
        ),
      ],
    },
    {
      title: "How full are the Collector's queues?",
      description: "By exporter. A full queue refuses; the bridges then keep what they have.",
      kind: "lines",
      unit: "percentunit",
      width: 8,
      queries: [
        over("max by (exporter) (otelcol_exporter_queue_size / otelcol_exporter_queue_capacity)", "{{exporter}}"),
      ],
    },
    {
      title: "How much memory does the Collector have?",
      description: "Resident.",
      kind: "lines",
      unit: "bytes",
      width: 8,
      queries: [over("max(otelcol_process_memory_rss_bytes)", "Collector")],
    },
    {
      title: "Are the Collector, Prometheus and Tempo there?",
      description: "1 while Prometheus can ask them about themselves.",
      kind: "lines",
      unit: "short",
      width: 8,
      queries: [over("min by (job) (up)", "{{job}}")],
    },
    {
      title: "Does Prometheus refuse anything?",
      description:
        "Samples in the range that were older than its window, or outside of what it holds. It refuses a request whole for one.",
      kind: "stat",
      unit: "short",
      width: 12,
      decimals: 0,
      warnFrom: 1,
      queries: [
        now("sum(increase(prometheus_tsdb_too_old_samples_total[$__range]))", "too old"),
        now("sum(increase(prometheus_tsdb_out_of_bound_samples_total[$__range]))", "out of bound"),
      ],
    },
    {
      title: "Does Tempo discard or cut anything?",
      description: "Spans in the range that were discarded, by reason, and attributes that were cut.",
      kind: "stat",
      unit: "short",
      width: 12,
      decimals: 0,
      warnFrom: 1,
      ifNone: "nothing",
      queries: [
        now("sum by (reason) (increase(tempo_discarded_spans_total[$__range]))", "{{reason}}"),
        now("sum by (scope) (increase(tempo_distributor_attributes_truncated_total[$__range]))", "cut: {{scope}}"),
      ],
    },
  ],
};

/** How many reported. */
function machines(range: string): string {
  return `count(${ofUsers(`last_over_time(${HEARTBEAT}[${range}])`, `[${range}]`)})`;
}
