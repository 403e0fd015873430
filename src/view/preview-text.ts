/**
 * Requests as a person reads them. Everything that has a name and a value is shown, whatever the schema of the views knows:
 * who looks here wants to see what nobody thought of.
 */

import * as z from "zod";

import { printable } from "./cell.ts";

/** One request that would be sent: an `ExportTraceServiceRequest` or an `ExportMetricsServiceRequest`, parsed. */
export type PreviewRequest = { signal: "traces" | "metrics"; body: unknown };

/** Spans in the order of their start, then the points of all metrics; each resource with its attributes before them. */
export function previewText(requests: readonly PreviewRequest[]): string {
  const bodies = requests.map(({ body }) => request.parse(body));
  const resources = new Set(
    bodies.flatMap(({ resourceSpans, resourceMetrics }) =>
      [...resourceSpans, ...resourceMetrics].map((one) => block("resource", one.resource.attributes)),
    ),
  );
  const spans = bodies
    .flatMap(({ resourceSpans }) => resourceSpans.flatMap((one) => one.scopeSpans.flatMap((scope) => scope.spans)))
    .toSorted((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)));
  const metrics = bodies.flatMap(({ resourceMetrics }) =>
    resourceMetrics.flatMap((one) => one.scopeMetrics.flatMap((scope) => scope.metrics)),
  );
  return [...resources, ...spans.map(spanBlock), ...new Set(metrics.flatMap(metricBlocks))].join("\n");
}

const attributes = z.array(z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) })).default([]);
const resource = z.object({ attributes }).default({ attributes: [] });
const span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  name: z.string(),
  startTimeUnixNano: z.string(),
  endTimeUnixNano: z.string(),
  status: z.object({ message: z.string().optional() }).default({}),
  attributes,
  links: z.array(z.object({ attributes })).default([]),
  events: z.array(z.object({ name: z.string(), attributes })).default([]),
});
const point = z.object({
  attributes,
  asDouble: z.number().optional(),
  asInt: z.union([z.string(), z.number()]).optional(),
  sum: z.number().optional(),
  count: z.union([z.string(), z.number()]).optional(),
});
const points = z.object({ dataPoints: z.array(point).default([]) }).optional();
const metric = z.object({ name: z.string(), sum: points, gauge: points, histogram: points });
const request = z.object({
  resourceSpans: z
    .array(z.object({ resource, scopeSpans: z.array(z.object({ spans: z.array(span).default([]) })) }))
    .default([]),
  resourceMetrics: z
    .array(z.object({ resource, scopeMetrics: z.array(z.object({ metrics: z.array(metric).default([]) })) }))
    .default([]),
});

function spanBlock(one: z.infer<typeof span>): string {
  const ms = Number(BigInt(one.endTimeUnixNano) - BigInt(one.startTimeUnixNano)) / 1e6;
  const start = new Date(Number(BigInt(one.startTimeUnixNano) / 1_000_000n)).toISOString();
  const message = one.status.message === undefined ? "" : `, error: ${one.status.message}`;
  const inner = [
    ...one.links.map((link) => block("  link", link.attributes, "    ")),
    ...one.events.map((event) => block(`  event ${event.name}`, event.attributes, "    ")),
  ];
  const head = `span ${one.name}, trace ${one.traceId}, span ${one.spanId}, ${start}, ${ms} ms${message}`;
  return block(head, one.attributes) + inner.join("");
}

function metricBlocks({ name, sum, gauge, histogram }: z.infer<typeof metric>): string[] {
  const all = [sum, gauge, histogram].flatMap((one) => one?.dataPoints ?? []);
  return all.map((one) => {
    const value = one.asDouble ?? one.asInt ?? `sum ${one.sum} of ${one.count}`;
    return block(`metric ${name} ${value}`, one.attributes);
  });
}

function block(head: string, body: z.infer<typeof attributes>, indent = "  "): string {
  const lines = body
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ key, value }) => `${indent}${key} = ${JSON.stringify(valueOf(value))}`);
  return `${[head, ...lines].map(printable).join("\n")}\n`;
}

/** `{ intValue: "3" }` is 3, `{ arrayValue: { values: [...] } }` its values; what is not known is shown as it is. */
function valueOf(value: Record<string, unknown>): unknown {
  const list = arrayValue.safeParse(value);
  if (list.success) return list.data.arrayValue.values.map(valueOf);
  if (typeof value["intValue"] === "string") return Number(value["intValue"]);
  return Object.values(value)[0];
}

const arrayValue = z.object({ arrayValue: z.object({ values: z.array(z.record(z.string(), z.unknown())) }) });
