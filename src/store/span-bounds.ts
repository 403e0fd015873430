import { join } from "node:path";

import { ifPresent } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { heldNames } from "./held.ts";
import { parseOutboxName } from "./outbox-name.ts";

/** What a bound took: a number of spans, counted by the caller. */
export type DroppedSpans = { reason: "outbox_old" | "outbox_full"; spans: number };

/**
 * Deletes batches in `held/` and `outbox/` that are too old or, oldest first, more than fits. Not while a commit is
 * pending: applying it again would bring them back.
 */
export function enforceSpanBounds(
  disk: Disk,
  directories: { held: string; outbox: string },
  bounds: { outboxBytes: number; ageMs: number },
  nowNs: bigint,
): DroppedSpans[] {
  const files = [
    ...heldNames(disk, directories.held).map(({ file, spans, seq, part }) => ({
      path: join(directories.held, file),
      spans,
      order: orderOf(seq, String(part).padStart(5, "0")),
    })),
    ...disk.names(directories.outbox).flatMap((file) => {
      const name = parseOutboxName(file);
      if (name === undefined) return [];
      return [
        {
          path: join(directories.outbox, file),
          spans: name.spans,
          order: orderOf(name.seq, name.n),
        },
      ];
    }),
  ]
    .flatMap((file) => {
      const facts = ifPresent(() => disk.facts(file.path));
      return facts ? [{ ...file, sizeBytes: facts.sizeBytes, mtimeNs: facts.mtimeNs }] : [];
    })
    // Files of one moment in the order of their names, which tell which was written first.
    .sort((a, b) => Number(a.mtimeNs - b.mtimeNs) || (a.order < b.order ? -1 : 1));

  let sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const dropped: DroppedSpans[] = [];
  for (const file of files) {
    const old = nowNs - file.mtimeNs > BigInt(bounds.ageMs) * 1_000_000n;
    if (!old && sizeBytes <= bounds.outboxBytes) break;
    ifPresent(() => disk.unlink(file.path));
    sizeBytes -= file.sizeBytes;
    dropped.push({ reason: old ? "outbox_old" : "outbox_full", spans: file.spans });
  }
  return dropped;
}

function orderOf(seq: number, part: string): string {
  return `${String(seq).padStart(12, "0")}.${part}`;
}
