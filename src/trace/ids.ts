/**
 * Trace and span ids are derived, never drawn: the same events give the same ids in any process, at any time, however
 * often they are folded. So a replay after a crash repeats a span instead of adding one.
 */

import { createHash } from "node:crypto";

import type { SpanContext } from "./record.ts";

/** 32 hex digits out of the parts of a key. Parts are joined with NUL, which no part contains. */
function traceId(...key: string[]): string {
  return digest(32, key);
}

/** 16 hex digits out of the parts of a key. */
export function spanId(...key: string[]): string {
  return digest(16, key);
}

/** The context of a run's root span. The key is the agent's turn id, or the time (ns) of the run's first event. */
export function runContext(agent: string, sessionId: string, runKey: string): SpanContext {
  return { traceId: traceId("run", agent, sessionId, runKey), spanId: spanId("run", agent, sessionId, runKey) };
}

/** The context of a session span. A session that is taken up again gets a new segment: the time of its first event. */
export function sessionContext(agent: string, sessionId: string, segmentNs: bigint): SpanContext {
  const key = [agent, sessionId, segmentNs.toString()];
  return { traceId: traceId("session", ...key), spanId: spanId("session", ...key) };
}

/** What a session remembers of a thing that has ended: 8 bytes in hex, enough to tell 2,048 keys apart. */
export function endedKey(kind: string, key: string): string {
  return digest(16, ["ended", kind, key]);
}

function digest(length: 16 | 32, key: readonly string[]): string {
  const hex = createHash("sha256").update(key.join("\0")).digest("hex").slice(0, length);
  // All zero means "no id" to every OpenTelemetry program.
  return /^0+$/.test(hex) ? `${"0".repeat(length - 1)}1` : hex;
}
