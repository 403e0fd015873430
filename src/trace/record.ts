/** What the core hands out: finished spans and metric increments, as plain data. */

import type { MetricName } from "../metric/instruments.ts";

export type AttributeValue = string | number | boolean | string[];
export type Attributes = Record<string, AttributeValue>;

/** The identity of a span: 32 and 16 lower-case hex digits, never all zero. */
export type SpanContext = { traceId: string; spanId: string };

export type SpanLink = SpanContext & { attributes: Attributes };

/** A finished span. Times are nanoseconds since the epoch; `endNs` is never before `startNs`. */
export type SpanRecord = SpanContext & {
  parentSpanId?: string;
  /** The parent was made by another program (an inbound TRACEPARENT). */
  parentIsRemote?: boolean;
  name: string;
  kind: "internal" | "client";
  startNs: bigint;
  endNs: bigint;
  /** Absent: UNSET. We never say OK. The message comes from our own list of words. */
  error?: { message: string };
  attributes: Attributes;
  links: SpanLink[];
};

/** Spans of one resource, and of one trace; in the outbox `traceId` may stand for several (`SEVERAL_TRACES`). */
export type SpanBatch = { agent: string; agentVersion?: string; traceId: string; spans: SpanRecord[] };

/** One step of a metric: an amount added to a counter, or one observation of a histogram. */
export type Increment = { metric: MetricName; agent: string; attributes: Attributes; value: number };
