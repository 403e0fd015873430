/** Nanoseconds of a later time (April 2262) fit into no store. */
const LATEST_MS = 2 ** 63 / 1e6;

/** An ISO timestamp of a transcript line in nanoseconds since the epoch; undefined for anything else. */
export function nanosecondsOf(timestamp: string | undefined): bigint | undefined {
  const ms = Date.parse(timestamp ?? "");
  return ms >= 0 && ms < LATEST_MS ? BigInt(ms) * 1_000_000n : undefined;
}
