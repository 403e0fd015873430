/** The test span and the test metric, sent by the exporter that a bridge uses, to the endpoint that a bridge takes. */

import { randomBytes } from "node:crypto";

import type { Exporter } from "../../otlp/exporter.ts";
import type { Outcome } from "../../otlp/outcome.ts";
import type { MetricPoints } from "../../metric/point.ts";
import type { SpanBatch } from "../../trace/record.ts";
import type { Finding } from "./finding.ts";

/** How the two are found again: by the trace, and by the value, which no other probe has. */
export type Probe = { traceId: string; value: number; span: SpanBatch; metric: MetricPoints };

export const PROBE_SPAN = "hookspan doctor";
export const PROBE_METRIC = "hookspan.doctor.probe.time";

/** `nowMs` is the probe's time, and the metric's value in seconds. */
export function createProbe(nowMs: number): Probe {
  const traceId = randomBytes(16).toString("hex");
  const atNs = BigInt(nowMs) * 1_000_000n;
  const value = nowMs / 1000;
  return {
    traceId,
    value,
    span: {
      agent: "hookspan",
      traceId,
      spans: [
        {
          traceId,
          spanId: randomBytes(8).toString("hex"),
          name: PROBE_SPAN,
          kind: "internal",
          startNs: atNs - 1_000_000n,
          endNs: atNs,
          attributes: {},
          links: [],
        },
      ],
    },
    metric: {
      agent: "hookspan",
      metric: PROBE_METRIC,
      points: [{ attributes: {}, startNs: atNs, atNs, value }],
    },
  };
}

/** Sends both, the span first. */
export async function collectorFindings(
  exporter: Pick<Exporter, "sendSpans" | "sendMetrics">,
  probe: Probe,
  endpoints: { traces: string; metrics: string },
): Promise<Finding[]> {
  const traces = await exporter.sendSpans([probe.span]);
  const isOneServer = new URL(endpoints.traces).origin === new URL(endpoints.metrics).origin;
  if (isOneServer && isUnseen(traces))
    return [
      finding("traces", endpoints.traces, traces),
      { hop: "metrics", verdict: "unknown", text: "not sent, for it is the same server" },
    ];
  const metrics = await exporter.sendMetrics([probe.metric]);
  return [
    finding("traces", endpoints.traces, traces),
    finding("metrics", endpoints.metrics, metrics, traces.status === "accepted"),
  ];
}

function finding(hop: "traces" | "metrics", url: string, outcome: Outcome, isOtherTaken = false): Finding {
  if (outcome.status === "accepted") return { hop, verdict: "ok", text: `${url} accepts them` };
  if (outcome.status === "partly_rejected")
    return { hop, verdict: "fail", text: `${url} took the request and threw the data away: ${outcome.reason}` };
  const { reason } = outcome;
  if (reason.startsWith("HTTP 404 ")) return notFound(hop, url, reason, isOtherTaken);
  const fix =
    outcome.status === "unauthorized"
      ? "correct the headers: hookspan config set headersFile FILE"
      : "start the Collector there, or name yours: hookspan config set endpoint URL";
  const what = isUnseen(outcome) ? "cannot be reached" : "does not accept them";
  return { hop, verdict: "fail", text: `${url} ${what}: ${reason}`, fix };
}

/** A Collector has the path of a signal only if one of its pipelines takes that signal. */
function notFound(hop: "traces" | "metrics", url: string, reason: string, isOtherTaken: boolean): Finding {
  if (!isOtherTaken)
    return {
      hop,
      verdict: "fail",
      text: `${url} is no path of this server (${reason}): the endpoint is wrong, or the Collector has no ${hop} pipeline with the otlp receiver`,
      fix: `hookspan config set endpoint URL, or add service.pipelines.${hop} to the Collector's configuration`,
    };
  return {
    hop,
    verdict: "fail",
    text: `the Collector has no ${hop} pipeline with the otlp receiver: ${url} answers 404, though the other signal is taken`,
    fix: `add service.pipelines.${hop} to the Collector's configuration`,
  };
}

/** No connection was made. */
function isUnseen(outcome: Outcome): boolean {
  return outcome.status === "retry" && outcome.unseen === true;
}
