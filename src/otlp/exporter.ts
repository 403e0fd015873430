import type { InstrumentationScope } from "@opentelemetry/core";
import { AggregationTemporalityPreference, OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import type { Resource } from "@opentelemetry/resources";
import type { MetricPoints } from "../metric/point.ts";
import type { SpanBatch } from "../trace/record.ts";
import { ATTR } from "../trace/semconv.ts";
import { deliver } from "./delivery.ts";
import { toResourceMetrics } from "./metric.ts";
import type { Outcome } from "./outcome.ts";
import { createResources, type ResourceIdentity } from "./resource.ts";
import { toReadableSpan } from "./span.ts";
import { createWire, type TlsFiles } from "./wire.ts";
import { worstOutcome } from "./worst-outcome.ts";

export type ExporterOptions = ResourceIdentity & {
  /** Full URLs, with the path of the signal. */
  endpoints: { traces: string; metrics: string };
  headers: Readonly<Record<string, string>>;
  /** A hard deadline for each request, to the last byte of its answer. */
  timeoutMs: number;
  compression: "none" | "gzip";
  tls: TlsFiles;
  /** Attributes that say who the user of a session is; they stand on the resource of its spans. */
  identityOf?: (sessionId: string) => Readonly<Record<string, string>>;
};

export type Exporter = {
  /** One request with all the spans. */
  sendSpans(batches: readonly SpanBatch[]): Promise<Outcome>;
  /**
   * One request for each agent, in turn; the outcome is the worst of them. After `retry` and `unauthorized` the rest is
   * left: what keeps one request from the receiver keeps the others too. `unseen` holds for all of them, or is missing.
   */
  sendMetrics(points: readonly MetricPoints[]): Promise<Outcome>;
  /** Waits for what is under way, at most until its deadline, and closes the connections. */
  close(): Promise<void>;
};

type TraceExporterOptions = NonNullable<ConstructorParameters<typeof OTLPTraceExporter>[0]>;

/**
 * Sends spans and metrics over OTLP/HTTP (JSON) by the official exporters and tells what became of each request. It keeps
 * nothing, retries nothing, prints nothing and takes nothing from the environment.
 *
 * @throws if a TLS file cannot be read.
 */
export function createExporter(options: ExporterOptions): Exporter {
  const scope: InstrumentationScope = { name: "hookspan", version: options.version };
  const resources = createResources(options);
  const wire = createWire(options.tls);
  const settings = {
    headers: { ...options.headers },
    userAgent: `hookspan/${options.version}`,
    httpAgentOptions: wire.agent,
    // The exporter packages declare an enum of these two words and do not export it.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion, typescript/no-unsafe-enum-assignment
    compression: options.compression as NonNullable<TraceExporterOptions["compression"]>,
    // The least there is: the exporter's own retries end with its timeout, and the deadline is ours.
    timeoutMillis: 1,
  };
  const { traces, metrics } = withoutOtelVariables(() => ({
    traces: new OTLPTraceExporter({ ...settings, url: options.endpoints.traces }),
    metrics: new OTLPMetricExporter({
      ...settings,
      url: options.endpoints.metrics,
      temporalityPreference: AggregationTemporalityPreference.CUMULATIVE,
    }),
  }));
  const terms = { wire, deadlineMs: options.timeoutMs, secrets: Object.values(options.headers) };

  return {
    sendSpans: async (batches) => {
      const spans = batches.flatMap(({ agent, agentVersion, spans: records }) => {
        const resourceOf = (sessionId: unknown): Resource =>
          resources.forSpans(agent, agentVersion, options.identityOf?.(String(sessionId)));
        return records.map((record) => toReadableSpan(record, resourceOf(record.attributes[ATTR.sessionId]), scope));
      });
      return spans.length === 0 ? { status: "accepted" } : deliver(traces, spans, terms);
    },
    sendMetrics: async (points) => {
      let worst: Outcome = { status: "accepted" };
      let isFirst = true;
      for (const [agent, ofAgent] of byAgent(points)) {
        const request = toResourceMetrics(ofAgent, resources.forMetrics(agent), scope);
        worst = worstOutcome(worst, await deliver(metrics, request, terms));
        if (worst.status === "retry" || worst.status === "unauthorized") return isFirst ? worst : seen(worst);
        isFirst = false;
      }
      return worst;
    },
    close: async () => {
      await Promise.all([traces.shutdown(), metrics.shutdown()]);
      wire.close();
    },
  };
}

/**
 * The official exporters merge `OTEL_EXPORTER_OTLP_*` into what they are given, headers above all. The environment belongs
 * to the project whose agent started this process, so the variables are out of sight while the exporters are made.
 */
function withoutOtelVariables<T>(make: () => T): T {
  const hidden = Object.entries(process.env).filter(([name]) => name.startsWith("OTEL_"));
  for (const [name] of hidden) delete process.env[name];
  try {
    return make();
  } finally {
    Object.assign(process.env, Object.fromEntries(hidden));
  }
}

/** A request before this one has arrived. */
function seen(outcome: Outcome & { status: "retry" | "unauthorized" }): Outcome {
  if (outcome.status === "unauthorized") return outcome;
  const { unseen: _unseen, ...rest } = outcome;
  return rest;
}

function byAgent(points: readonly MetricPoints[]): Map<string, MetricPoints[]> {
  const groups = new Map<string, MetricPoints[]>();
  for (const group of points) groups.set(group.agent, [...(groups.get(group.agent) ?? []), group]);
  return groups;
}
