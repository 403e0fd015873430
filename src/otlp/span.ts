import { SpanKind, SpanStatusCode, TraceFlags, type SpanContext as OtelContext } from "@opentelemetry/api";
import type { InstrumentationScope } from "@opentelemetry/core";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-node";
import type { SpanContext, SpanRecord } from "../trace/record.ts";
import { toHrTime } from "./hr-time.ts";

const KINDS = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT } as const;

/**
 * A finished span as the official exporter takes it. It is written down, not traced: a Tracer would invent ids, cut
 * attributes by its limits and ask a sampler.
 */
export function toReadableSpan(record: SpanRecord, resource: Resource, scope: InstrumentationScope): ReadableSpan {
  const context = sampled(record);
  return {
    name: record.name,
    kind: KINDS[record.kind],
    spanContext: () => context,
    ...parent(record),
    startTime: toHrTime(record.startNs),
    endTime: toHrTime(record.endNs),
    duration: toHrTime(record.endNs - record.startNs),
    ended: true,
    status: record.error
      ? { code: SpanStatusCode.ERROR, message: record.error.message }
      : { code: SpanStatusCode.UNSET },
    attributes: record.attributes,
    links: record.links.map((link) => ({ context: sampled(link), attributes: link.attributes })),
    events: [],
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function parent(record: SpanRecord): { parentSpanContext?: OtelContext } {
  if (record.parentSpanId === undefined) return {};
  const context = sampled({ traceId: record.traceId, spanId: record.parentSpanId });
  return {
    parentSpanContext: record.parentIsRemote === true ? { ...context, isRemote: true } : context,
  };
}

/** Every span is sampled: who wants fewer samples in the Collector, where whole runs can be judged. */
function sampled({ traceId, spanId }: SpanContext): OtelContext {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
}
