import type { HrTime } from "@opentelemetry/api";

/** Seconds and nanoseconds as the SDK wants them. Exact, where a float of milliseconds would lose the last digits. */
export function toHrTime(atNs: bigint): HrTime {
  return [Number(atNs / 1_000_000_000n), Number(atNs % 1_000_000_000n)];
}
