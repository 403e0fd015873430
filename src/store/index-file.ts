/**
 * `index.json`: what links sessions with each other. Written only by a commit, whole, so it must stay small: the newest
 * 1,000 entries of each kind.
 */

import * as z from "zod";

import type { Disk } from "./disk.ts";
import type { Quarantine } from "./quarantine.ts";
import { readVersionedFile } from "./versioned-file.ts";
import type { FileRead } from "./versioned-file.ts";

const INDEX_VERSION = 1;
const ENTRIES_AT_MOST = 1000;

const indexSchema = z.strictObject({
  v: z.literal(INDEX_VERSION),
  /** The last statement of a client's own books, by the start time (ms) that a fork shares with its parent. */
  costStates: z.record(
    z.string(),
    z.strictObject({ totalUsd: z.number(), linesAdded: z.number(), linesRemoved: z.number(), atMs: z.number() }),
  ),
  /** The last session that a client process worked on, by pid, and the one before it in the same process. */
  processes: z.record(
    z.string(),
    z.strictObject({
      agent: z.string(),
      sessionId: z.string(),
      previousSessionId: z.string().exactOptional(),
      atMs: z.number(),
    }),
  ),
});

export type Index = z.output<typeof indexSchema>;

export function emptyIndex(): Index {
  return { v: INDEX_VERSION, costStates: {}, processes: {} };
}

export function loadIndex(deps: { disk: Disk; quarantine: Quarantine }, path: string): FileRead<Index> {
  return readVersionedFile(deps, path, INDEX_VERSION, (json) => indexSchema.parse(json));
}

/** The index without its oldest entries. */
export function boundedIndex(index: Index): Index {
  return { ...index, costStates: newest(index.costStates), processes: newest(index.processes) };
}

function newest<T extends { atMs: number }>(entries: Record<string, T>): Record<string, T> {
  const all = Object.entries(entries);
  if (all.length <= ENTRIES_AT_MOST) return entries;
  return Object.fromEntries(all.sort(([, a], [, b]) => b.atMs - a.atMs).slice(0, ENTRIES_AT_MOST));
}
