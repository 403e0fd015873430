/**
 * Durable batches that the Collector has not accepted, oldest first. A file leaves only by `ack` (accepted), by
 * quarantine (it will never be) or by a bound. While a commit is pending only files of earlier ones may be touched: applying
 * it again would bring back a file that was sent meanwhile.
 *
 * A crash between acceptance and `ack` sends a batch twice, with the same ids; no protocol without the Collector's help
 * can avoid that. So `ack` does without a sync of the directory: a power cut costs no more than that crash.
 */

import { join } from "node:path";

import type { SpanBatch } from "../trace/record.ts";
import { isDraft, replaceFile, syncDirectory } from "./atomic-file.ts";
import { ifPresent } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { isAlone, outboxName, parseOutboxName } from "./outbox-name.ts";
import type { OutboxName } from "./outbox-name.ts";
import type { Quarantine } from "./quarantine.ts";
import { BATCH_BYTES, BATCH_SPANS, BATCH_VERSION, decodeBatch, encodeBatch } from "./span-batch.ts";
import { readVersionedFile } from "./versioned-file.ts";

/** One request: the spans of `files`, at most 512 and about 1 MB. `writtenNs`: when the newest of the files was written. */
export type Send = { files: string[]; batch: SpanBatch; sizeBytes: number; writtenNs: bigint };

/** What became of a request that was too large or refused. */
export type Isolated = { status: "split" } | { status: "quarantined"; spans: number };

export type OutboxUsage = { items: number; sizeBytes: number; oldestNs: bigint | undefined };

export type Outbox = {
  /**
   * Requests over one listing, of files of commits before `belowSeq`, oldest first, read as they are asked for. After
   * `isolate` or a failed send, ask anew. What is not `isDue` is passed over, file by file.
   */
  sends(belowSeq?: number, isDue?: (read: Pick<Send, "batch" | "writtenNs">) => boolean): Generator<Send>;
  /** The Collector has them. */
  ack(send: Send): void;
  /**
   * Takes a request apart that the Collector would not have (413, 400): several files are to be sent one by one, one file
   * becomes two halves, a single span goes to quarantine. So the innocent get through, in a few rounds.
   */
  isolate(send: Send, reason: string): Isolated;
  usage(): OutboxUsage;
};

type Part = OutboxName & { file: string };

export function createOutbox({ disk, quarantine }: { disk: Disk; quarantine: Quarantine }, directory: string): Outbox {
  const pathOf = (file: string): string => join(directory, file);
  const remove = (file: string): void => ifPresent(() => disk.unlink(pathOf(file)));

  return {
    *sends(belowSeq = Number.POSITIVE_INFINITY, isDue = () => true) {
      let send: (Send & { last: Part; sizeBytes: number }) | undefined;
      for (const part of finishHalving(listParts().filter(({ seq }) => seq < belowSeq))) {
        const read = readPart(part);
        if (read === undefined || !isDue(read)) continue;
        if (send !== undefined && fits(send, part, read)) {
          send.files.push(part.file);
          send.batch.spans.push(...read.batch.spans);
          send.sizeBytes += read.sizeBytes;
          if (read.writtenNs > send.writtenNs) send.writtenNs = read.writtenNs;
        } else {
          if (send !== undefined) yield send;
          send = { files: [part.file], last: part, ...read };
        }
      }
      if (send !== undefined) yield send;
    },

    ack({ files }) {
      files.forEach(remove);
    },

    isolate({ files, batch }, reason) {
      const [file, ...more] = files;
      if (file === undefined) return { status: "split" };
      if (more.length > 0) files.forEach(setApart);
      else if (batch.spans.length > 1) halve(file, batch);
      else {
        // Named after the span: names of files recur once the outbox was empty.
        const [span] = batch.spans;
        quarantine.setAside(
          pathOf(file),
          span ? `${span.traceId}.${span.spanId}.1` : file.replace(".json", ""),
          reason,
        );
        return { status: "quarantined", spans: batch.spans.length };
      }
      return { status: "split" };
    },

    usage() {
      const usage: OutboxUsage = { items: 0, sizeBytes: 0, oldestNs: undefined };
      for (const { file } of listParts()) {
        const facts = ifPresent(() => disk.facts(pathOf(file)));
        if (facts === undefined) continue;
        usage.items += 1;
        usage.sizeBytes += facts.sizeBytes;
        if (usage.oldestNs === undefined || facts.mtimeNs < usage.oldestNs) usage.oldestNs = facts.mtimeNs;
      }
      return usage;
    },
  };

  function listParts(): Part[] {
    return disk
      .names(directory)
      .sort()
      .flatMap((file): Part[] => {
        const name = parseOutboxName(file);
        return name ? [{ ...name, file }] : [];
      });
  }

  /** Brings a halving to its end that a crash cut short: both halves there: the whole is spent; one: the whole counts. */
  function finishHalving(parts: Part[]): Part[] {
    for (const draft of disk.names(directory).filter(isDraft)) remove(draft);
    const byKey = new Map(parts.map((part) => [keyOf(part), part]));
    const spent = new Set<Part>();
    for (const part of parts) {
      const key = keyOf(part);
      const halves = [byKey.get(`${key}a`), byKey.get(`${key}b`)].filter((half) => half !== undefined);
      if (halves.length === 2) spent.add(part);
      else for (const half of halves) spent.add(half);
    }
    if (spent.size > 0) {
      for (const { file } of spent) remove(file);
      syncDirectory(disk, directory);
    }
    return parts.filter((part) => !spent.has(part));
  }

  function readPart({ file }: Part): Omit<Send, "files"> | undefined {
    const read = readVersionedFile({ disk, quarantine }, pathOf(file), BATCH_VERSION, decodeBatch);
    if (read.status !== "found") return undefined;
    const { sizeBytes, mtimeNs } = disk.facts(pathOf(file));
    return { batch: read.value, sizeBytes, writtenNs: mtimeNs };
  }

  function setApart(file: string): void {
    const name = parseOutboxName(file);
    if (name && !isAlone(name)) {
      ifPresent(() => disk.rename(pathOf(file), pathOf(outboxName({ ...name, n: `${name.n}x` }))));
    }
  }

  function halve(file: string, batch: SpanBatch): void {
    const name = parseOutboxName(file);
    if (name === undefined) return;
    const middle = Math.ceil(batch.spans.length / 2);
    for (const [letter, spans] of [
      ["a", batch.spans.slice(0, middle)],
      ["b", batch.spans.slice(middle)],
    ] as const) {
      const half = outboxName({ ...name, n: name.n + letter, spans: spans.length });
      // One text: the whole fitted into one file already.
      const [encoded] = encodeBatch({ ...batch, spans });
      if (encoded) replaceFile(disk, pathOf(half), encoded.text);
    }
    syncDirectory(disk, directory);
    // From here on the halves count. Synced, or a power cut after one of them was sent would bring the whole back.
    remove(file);
    syncDirectory(disk, directory);
  }
}

function keyOf({ seq, traceId, n }: OutboxName): string {
  return `${seq}.${traceId}.${n}`;
}

function fits(
  send: Send & { last: Part; sizeBytes: number },
  part: Part,
  { batch, sizeBytes }: { batch: SpanBatch; sizeBytes: number },
): boolean {
  return (
    !isAlone(send.last) &&
    !isAlone(part) &&
    batch.traceId === send.batch.traceId &&
    batch.agent === send.batch.agent &&
    batch.agentVersion === send.batch.agentVersion &&
    send.batch.spans.length + batch.spans.length <= BATCH_SPANS &&
    send.sizeBytes + sizeBytes <= BATCH_BYTES
  );
}
