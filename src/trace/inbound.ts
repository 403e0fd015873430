/** An inbound TRACEPARENT (W3C Trace Context level 1), as the environment of the agent carried it. */

import type { SpanContext } from "./record.ts";
import type { Session } from "./session.ts";

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/**
 * The context that surrounds the agent. `adopt`: our run becomes its child. Only a sampled context of a headless agent
 * (a CI job, another agent) may become the parent; a terminal may keep one context for weeks, and is linked to instead.
 */
export function inboundParent(session: Session): { context: SpanContext; adopt: boolean } | undefined {
  const match = TRACEPARENT.exec(session.traceparent ?? "");
  const [, traceId, spanId, flags] = match ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const sampled = (Number.parseInt(flags, 16) & 1) === 1;
  return { context: { traceId, spanId }, adopt: sampled && session.headless === true };
}
