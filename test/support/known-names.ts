/** Every metric and label that a query may name: ours by the registry, the others' as the shipped configuration makes them. */

import { readFileSync } from "node:fs";

import { parse } from "yaml";
import * as z from "zod";

import { prometheusName, underscored, type Part } from "../../grafana/queries/prometheus-name.ts";
import { INSTRUMENTS, type MetricName } from "../../src/metric/instruments.ts";
import { RESOURCE_ATTRIBUTES } from "../../src/registry/attributes.ts";
import { METRIC_ATTRIBUTES } from "../../src/registry/metrics.ts";
import { COLLECTOR_CONFIG } from "./collector.ts";
import { PROMETHEUS_CONFIG } from "./prometheus.ts";

const PARTS: readonly Part[] = ["bucket", "sum", "count"];
/** What Prometheus makes of the resource. */
const TARGET = ["job", "instance"];

/** Not ours: their names are their programs', and what asks for them runs against these programs in test/stack. */
const FOREIGN: Record<string, readonly string[]> = {
  up: [],
  otelcol_receiver_accepted_spans_total: ["receiver"],
  otelcol_receiver_accepted_metric_points_total: ["receiver"],
  otelcol_receiver_refused_spans_total: ["receiver"],
  otelcol_receiver_refused_metric_points_total: ["receiver"],
  otelcol_exporter_send_failed_spans_total: ["exporter"],
  otelcol_exporter_send_failed_metric_points_total: ["exporter"],
  otelcol_exporter_enqueue_failed_spans_total: ["exporter"],
  otelcol_exporter_enqueue_failed_metric_points_total: ["exporter"],
  otelcol_exporter_queue_size: ["exporter"],
  otelcol_exporter_queue_capacity: ["exporter"],
  otelcol_process_memory_rss_bytes: [],
  prometheus_tsdb_too_old_samples_total: [],
  prometheus_tsdb_out_of_bound_samples_total: [],
  tempo_discarded_spans_total: ["reason"],
  tempo_distributor_attributes_truncated_total: ["scope"],
};

const prometheusFile = z.looseObject({ otlp: z.looseObject({ promote_resource_attributes: z.array(z.string()) }) });
const collectorFile = z.looseObject({
  connectors: z.looseObject({
    span_metrics: z.looseObject({ dimensions: z.array(z.looseObject({ name: z.string() })) }),
  }),
});

/** The labels of each metric, by its name in Prometheus. */
export function knownNames(): ReadonlyMap<string, ReadonlySet<string>> {
  const promoted = prometheusFile.parse(yaml(PROMETHEUS_CONFIG)).otlp.promote_resource_attributes.map(underscored);
  const { dimensions } = collectorFile.parse(yaml(COLLECTOR_CONFIG)).connectors.span_metrics;
  const ofSpans = ["span.name", "span.kind", "status.code", ...dimensions.map(({ name }) => name)].map(underscored);
  const resource = [...Object.keys(RESOURCE_ATTRIBUTES), "user.id"].map(underscored);
  const known = new Map<string, ReadonlySet<string>>([["target_info", new Set([...TARGET, ...resource])]]);
  for (const [metric, attributes] of METRIC_ATTRIBUTES) {
    if (!isMetric(metric)) throw new Error(`${metric} is in the registry and not in instruments.ts`);
    const labels = [...TARGET, ...promoted, ...attributes.map(underscored)];
    if (INSTRUMENTS[metric].kind !== "histogram") known.set(prometheusName(metric), new Set(labels));
    else for (const part of PARTS) known.set(prometheusName(metric, part), new Set(withBound(part, labels)));
  }
  const spanLabels = [...TARGET, ...promoted, ...ofSpans];
  known.set("traces_span_metrics_calls_total", new Set(spanLabels));
  for (const part of PARTS)
    known.set(`traces_span_metrics_duration_seconds_${part}`, new Set(withBound(part, spanLabels)));
  for (const [name, labels] of Object.entries(FOREIGN)) known.set(name, new Set([...TARGET, ...labels]));
  return known;
}

function withBound(part: Part, labels: string[]): string[] {
  return part === "bucket" ? [...labels, "le"] : labels;
}

function isMetric(name: string): name is MetricName {
  return Object.hasOwn(INSTRUMENTS, name);
}

function yaml(file: string): unknown {
  return parse(readFileSync(file, "utf8"));
}
