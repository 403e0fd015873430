/**
 * The content of `commit.json`: a redo log of one commit. It names files below the state directory and says what they
 * shall hold, never what to add to them, so carrying it out once or five times ends the same.
 */

import * as z from "zod";

import type { Series } from "../metric/totals.ts";
import type { SpanBatch } from "../trace/record.ts";
import type { HeldName } from "./held.ts";
import { heldFiles, releasedFiles, releaseMoves } from "./held.ts";
import type { Index } from "./index-file.ts";
import { boundedIndex } from "./index-file.ts";
import { toJson } from "./json.ts";
import { quarantineName } from "./quarantine.ts";
import { pointerTo } from "./session-store.ts";

export const COMMIT_VERSION = 1;

/** What the steps of a bridge add up to. `file` is a name in `sessions/`, `envelopes` and `quarantine` name files in `spool/`. */
export type Changes = {
  sessions: SessionChange[];
  /** Absolute values by key. */
  series: [string, Series][];
  index?: Index;
  /** Finished spans. */
  held: SpanBatch[];
  /** Traces whose held spans, those of this commit included, are to be sent. */
  release: string[];
  /** Envelopes that are done with: folded, or dropped by a bound. */
  envelopes: string[];
  quarantine: { name: string; reason: string }[];
};

export type SessionChange =
  | { file: string; session: unknown }
  /** A child session, which lives in the file of its root. */
  | { file: string; root: string }
  | { file: string; deleted: true };

/** Paths stay inside the state directory whatever the file says. */
const path = z
  .string()
  .regex(/^(?:(?:sessions|held|outbox|spool|quarantine)\/(?!\.{1,2}$)[A-Za-z0-9._-]+|index\.json)$/);

const recordSchema = z.strictObject({
  v: z.literal(COMMIT_VERSION),
  seq: z.number(),
  writes: z.array(z.strictObject({ path, text: z.string() })),
  series: z.array(z.tuple([z.string(), z.unknown()])),
  moves: z.array(z.strictObject({ from: path, to: path })),
  removes: z.array(path),
});

export type CommitRecord = z.output<typeof recordSchema>;

/** Throws on anything that is not a record of this version. */
export function decodeRecord(json: unknown): CommitRecord {
  return recordSchema.parse(json);
}

/** `known` are the files that lie in `held/` before this commit. */
export function recordOf(changes: Changes, seq: number, known: HeldName[]): CommitRecord {
  const released = new Set(changes.release);
  const isReleased = ({ traceId }: SpanBatch): boolean => released.has(traceId);
  const record: CommitRecord = { v: COMMIT_VERSION, seq, writes: [], series: changes.series, moves: [], removes: [] };
  for (const change of changes.sessions) {
    const file = `sessions/${change.file}`;
    if ("deleted" in change) record.removes.push(file);
    else if ("root" in change) record.writes.push({ path: file, text: toJson(pointerTo(change.root)) });
    else record.writes.push({ path: file, text: toJson(change.session) });
  }
  const kept = changes.held.filter((batch) => !isReleased(batch));
  for (const { file, text } of heldFiles(kept, seq)) record.writes.push({ path: `held/${file}`, text });
  for (const { file, text } of releasedFiles(changes.held.filter(isReleased), seq)) {
    record.writes.push({ path: `outbox/${file}`, text });
  }
  if (changes.index) record.writes.push({ path: "index.json", text: toJson(boundedIndex(changes.index)) });
  for (const { from, to } of releaseMoves(known, changes.release, seq)) {
    record.moves.push({ from: `held/${from}`, to: `outbox/${to}` });
  }
  for (const { name, reason } of changes.quarantine) {
    record.moves.push({
      from: `spool/${name}`,
      to: `quarantine/${quarantineName(name.replace(/\.evt$/, ""), reason)}`,
    });
  }
  for (const name of changes.envelopes) record.removes.push(`spool/${name}`);
  return record;
}

export function isEmpty(record: CommitRecord): boolean {
  return record.writes.length + record.series.length + record.moves.length + record.removes.length === 0;
}
