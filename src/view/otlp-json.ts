/** Reads the part of OTLP/JSON that the terminal view shows. Integers come as strings or numbers, fields may be absent. */

import * as z from "zod";
import type { Attributes, AttributeValue } from "../trace/record.ts";

/** A finished span as it came over the wire. `remoteParent`: the parent was made by another program. */
export type ReceivedSpan = {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  remoteParent: boolean;
  name: string;
  startNs: bigint;
  endNs: bigint;
  failed: boolean;
  attributes: Attributes;
};

/** One point of a sum. `series` is the same for all points of one series: resource, metric and attributes. */
export type ReceivedPoint = {
  series: string;
  metric: string;
  attributes: Attributes;
  atNs: bigint;
  value: number;
};

export type Read<T> = { status: "read"; items: T[] } | { status: "malformed"; reason: string };

/** The spans of one `ExportTraceServiceRequest`. */
export function readSpans(body: unknown): Read<ReceivedSpan> {
  const request = traceRequest.safeParse(body);
  if (!request.success) return malformed("an OTLP trace request", request.error);
  return {
    status: "read",
    items: request.data.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans.map(toSpan))),
  };
}

/** The points of all sums of one `ExportMetricsServiceRequest`; gauges and histograms are left out. */
export function readSums(body: unknown): Read<ReceivedPoint> {
  const request = metricRequest.safeParse(body);
  if (!request.success) return malformed("an OTLP metric request", request.error);
  const items = request.data.resourceMetrics.flatMap((r) => {
    const resource = seriesKey(attributesOf(r.resource?.attributes ?? []));
    return r.scopeMetrics.flatMap((s) =>
      s.metrics.flatMap((m) => (m.sum?.dataPoints ?? []).map((p) => toPoint(resource, m.name, p))),
    );
  });
  return { status: "read", items };
}

const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;
const STATUS_ERROR = 2;

const integer = z.union([z.string().regex(/^-?\d+$/), z.number()]);
const nanoseconds = integer.transform((value) => BigInt(typeof value === "string" ? value : Math.trunc(value)));
const scalar = z.looseObject({
  stringValue: z.string().optional(),
  boolValue: z.boolean().optional(),
  intValue: integer.optional(),
  doubleValue: z.union([z.number(), z.string()]).optional(),
});
const value = z.looseObject({
  ...scalar.shape,
  arrayValue: z.looseObject({ values: z.array(scalar).default([]) }).optional(),
});
const keyValues = z.array(z.looseObject({ key: z.string(), value: value.optional() })).default([]);
const resource = z.looseObject({ attributes: keyValues }).optional();

const span = z.looseObject({
  traceId: z.string().toLowerCase(),
  spanId: z.string().toLowerCase(),
  parentSpanId: z.string().toLowerCase().optional(),
  flags: z.number().default(0),
  name: z.string(),
  startTimeUnixNano: nanoseconds,
  endTimeUnixNano: nanoseconds,
  attributes: keyValues,
  status: z.looseObject({ code: z.union([z.number(), z.string()]).optional() }).optional(),
});
const traceRequest = z.looseObject({
  resourceSpans: z.array(
    z.looseObject({
      scopeSpans: z.array(z.looseObject({ spans: z.array(span).default([]) })).default([]),
    }),
  ),
});

const point = z.looseObject({
  attributes: keyValues,
  timeUnixNano: nanoseconds,
  asDouble: z.union([z.number(), z.string()]).optional(),
  asInt: integer.optional(),
});
const metric = z.looseObject({
  name: z.string(),
  sum: z.looseObject({ dataPoints: z.array(point).default([]) }).optional(),
});
const metricRequest = z.looseObject({
  resourceMetrics: z.array(
    z.looseObject({
      resource,
      scopeMetrics: z.array(z.looseObject({ metrics: z.array(metric).default([]) })).default([]),
    }),
  ),
});

function malformed(what: string, error: z.ZodError): { status: "malformed"; reason: string } {
  const issue = error.issues[0];
  return {
    status: "malformed",
    reason: `not ${what}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`,
  };
}

function toSpan(wire: z.infer<typeof span>): ReceivedSpan {
  return {
    traceId: wire.traceId,
    spanId: wire.spanId,
    parentSpanId: wire.parentSpanId === "" ? undefined : wire.parentSpanId,
    remoteParent: (wire.flags & HAS_IS_REMOTE) !== 0 && (wire.flags & IS_REMOTE) !== 0,
    name: wire.name,
    startNs: wire.startTimeUnixNano,
    endNs: wire.endTimeUnixNano,
    failed: wire.status?.code === STATUS_ERROR || wire.status?.code === "STATUS_CODE_ERROR",
    attributes: attributesOf(wire.attributes),
  };
}

function toPoint(resourceKey: string, name: string, wire: z.infer<typeof point>): ReceivedPoint {
  const attributes = attributesOf(wire.attributes);
  return {
    series: `${resourceKey} ${name} ${seriesKey(attributes)}`,
    metric: name,
    attributes,
    atNs: wire.timeUnixNano,
    value: Number(wire.asDouble ?? wire.asInt ?? 0),
  };
}

function attributesOf(wire: z.infer<typeof keyValues>): Attributes {
  const attributes: Attributes = {};
  for (const { key, value: any } of wire) {
    const read = any && (any.arrayValue ? any.arrayValue.values.map((v) => String(scalarOf(v) ?? "")) : scalarOf(any));
    if (read !== undefined) attributes[key] = read;
  }
  return attributes;
}

function scalarOf(wire: z.infer<typeof scalar>): Exclude<AttributeValue, string[]> | undefined {
  if (wire.stringValue !== undefined) return wire.stringValue;
  if (wire.boolValue !== undefined) return wire.boolValue;
  const number = wire.intValue ?? wire.doubleValue;
  return number === undefined ? undefined : Number(number);
}

function seriesKey(attributes: Attributes): string {
  return JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
}
