/**
 * Finished spans of runs that are not settled: `<trace>.<seq>.<part>.<spans>.json`, where `seq` is the commit that wrote
 * the file. When the run settles, a commit moves its files to the outbox. Names are derived from the commit, so applying
 * one again writes and moves the very same files.
 *
 * Spans that are finished and released by one and the same commit are never held: they go to the outbox at once, many
 * traces in a file, for a file of its own (create, sync, rename, delete) costs a small run more than all else.
 */

import { join } from "node:path";

import type { SpanBatch } from "../trace/record.ts";
import { ifPresent } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { outboxName, SEVERAL_TRACES } from "./outbox-name.ts";
import { BATCH_BYTES, BATCH_SPANS, encodeBatch } from "./span-batch.ts";

const NAME = /^([0-9a-f]{32})\.(\d+)\.(\d+)\.(\d+)\.json$/;
const EARLY_AGE_NS = 600n * 1_000_000_000n;

export type HeldName = { file: string; traceId: string; seq: number; part: number; spans: number };
export type HeldFile = HeldName & { sizeBytes: number; mtimeNs: bigint };

/** The files of one commit. */
export function heldFiles(batches: SpanBatch[], seq: number): (HeldName & { text: string })[] {
  const parts = new Map<string, number>();
  return batches.flatMap((batch) =>
    encodeBatch(batch).map(({ text, spans }) => {
      const { traceId } = batch;
      const part = parts.get(traceId) ?? 0;
      parts.set(traceId, part + 1);
      return { file: `${traceId}.${seq}.${part}.${spans}.json`, traceId, seq, part, spans, text };
    }),
  );
}

/** The files in the outbox for spans that commit `seq` finishes and releases: one for each agent and version, if it holds them. */
export function releasedFiles(batches: SpanBatch[], seq: number): { file: string; text: string }[] {
  const joined = new Map<string, SpanBatch>();
  for (const { spans, ...head } of batches) {
    const key = `${head.agent}\0${head.agentVersion ?? ""}`;
    const batch = joined.get(key) ?? { ...head, traceId: SEVERAL_TRACES, spans: [] };
    batch.spans.push(...spans);
    joined.set(key, batch);
  }
  return [...joined.values()].flatMap(encodeBatch).map(({ text, spans }, n) => ({
    file: outboxName({ seq, traceId: SEVERAL_TRACES, n: String(n).padStart(5, "0"), spans }),
    text,
  }));
}

/** Held files by name alone; what is no held file is left out. */
export function heldNames(disk: Disk, directory: string): HeldName[] {
  return disk.names(directory).flatMap((file) => {
    const [, traceId, seq, part, spans] = NAME.exec(file) ?? [];
    if (traceId === undefined) return [];
    return [{ file, traceId, seq: Number(seq), part: Number(part), spans: Number(spans) }];
  });
}

/** Held files with size and age. */
export function listHeld(disk: Disk, directory: string): HeldFile[] {
  return heldNames(disk, directory).flatMap((name) => {
    const facts = ifPresent(() => disk.facts(join(directory, name.file)));
    return facts ? [{ ...name, sizeBytes: facts.sizeBytes, mtimeNs: facts.mtimeNs }] : [];
  });
}

/** Traces that should not wait for their run to settle: 512 spans, 1 MB, or a file older than 10 minutes. */
export function dueEarly(files: HeldFile[], nowNs: bigint): string[] {
  const traces = new Map<string, { spans: number; sizeBytes: number; old: boolean }>();
  for (const file of files) {
    const trace = traces.get(file.traceId) ?? { spans: 0, sizeBytes: 0, old: false };
    trace.spans += file.spans;
    trace.sizeBytes += file.sizeBytes;
    trace.old ||= nowNs - file.mtimeNs > EARLY_AGE_NS;
    traces.set(file.traceId, trace);
  }
  return [...traces]
    .filter(([, { spans, sizeBytes, old }]) => spans >= BATCH_SPANS || sizeBytes >= BATCH_BYTES || old)
    .map(([traceId]) => traceId);
}

/** Where the held files of some traces go when commit `seq` releases them; in a trace the oldest spans come first. */
export function releaseMoves(held: HeldName[], traceIds: string[], seq: number): { from: string; to: string }[] {
  const wanted = new Set(traceIds);
  const next = new Map<string, number>();
  return held
    .filter(({ traceId }) => wanted.has(traceId))
    .sort((a, b) => a.seq - b.seq || a.part - b.part)
    .map(({ file, traceId, spans }) => {
      const n = next.get(traceId) ?? 0;
      next.set(traceId, n + 1);
      return { from: file, to: outboxName({ seq, traceId, n: String(n).padStart(5, "0"), spans }) };
    });
}
