/** A state directory held against the truth, by its files alone: read as JSON, not through src/. */

import { join } from "node:path";

import type { Disk } from "../../src/store/disk.ts";
import type { StateDirectory } from "../../src/store/state-directory.ts";
import { whatIs } from "./receiver.ts";

type StoredSpan = { traceId: string; spanId: string; name: string; attributes: Record<string, unknown> };
type StoredSeries = { metric: string; attributes: Record<string, string>; value: number | { count: number } };

/** Throws if a file that is no draft is not whole. What only `status` reads is no state: it is not synced. */
export function checkReadable(disk: Disk, { sessions, held, outbox, home, activity }: StateDirectory): void {
  const files = [
    ...[sessions, held, outbox].flatMap((directory) => disk.names(directory).map((name) => join(directory, name))),
    ...disk.names(home).flatMap((name) => (name.endsWith(".json") ? [join(home, name)] : [])),
  ];
  for (const file of files.filter((one) => !one.endsWith(".tmp") && one !== activity)) {
    const { v } = parse(disk, file);
    if (v !== 1) throw new Error(`${file} has version ${v}`);
  }
}

/** The spans that wait to be sent, with what they stand for. */
export function waitingSpans(disk: Disk, directory: string): { traceId: string; spanId: string; what: string }[] {
  return disk
    .names(directory)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => parse(disk, join(directory, name)).spans)
    .map(({ traceId, spanId, name, attributes }) => ({ traceId, spanId, what: whatIs(name, attributes) }));
}

/** Committed counters of tokens, cost and sessions, which are counted as soon as they are heard of. */
export function committedSums(disk: Disk, { totals }: StateDirectory): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { metric, attributes, value } of storedSeries(disk, totals)) {
    if (typeof value !== "number") continue;
    const names: Record<string, string[]> = {
      "hookspan.session.count": [],
      "hookspan.token.usage": ["gen_ai.request.model", "hookspan.token.kind"],
      "hookspan.cost": ["hookspan.cost.source"],
      "hookspan.unpriced.token.usage": ["gen_ai.request.model"],
    };
    const told = names[metric];
    if (told === undefined) continue;
    const key = [metric, ...told.map((name) => attributes[name])].join(" ");
    sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
}

function storedSeries(disk: Disk, file: string): StoredSeries[] {
  try {
    return parse(disk, file).series.map(([, one]) => one);
  } catch (error) {
    if (error instanceof Error && error.message.includes("ENOENT")) return [];
    throw error;
  }
}

type Stored = { v: number; spans: StoredSpan[]; series: [string, StoredSeries][] };

/** Taken on trust: what is in it gets checked. */
function parse(disk: Disk, file: string): Stored {
  const value: Stored = JSON.parse(disk.read(file).toString());
  return value;
}
