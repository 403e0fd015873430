const MS_NS = 1_000_000n;
/** A time in a payload that is this far from the event's own is a mistake. */
const FAR_NS = 86_400_000n * MS_NS;

/** A time in a payload (ms since the epoch) in ns; undefined if it is not within the day before `limitNs`. */
export function before(ms: number | undefined, limitNs: bigint): bigint | undefined {
  if (ms === undefined) return undefined;
  const ns = BigInt(Math.round(ms)) * MS_NS;
  return ns <= limitNs && limitNs - ns < FAR_NS ? ns : undefined;
}
