/**
 * What could not be understood, kept for a person to look at: `<id>.<reason>.evt`. The name says the reason, so counting
 * needs no second file. Payloads may hold prompts, so they stay 24 h and within a bound; after that the file is emptied
 * and only its name is kept, so that `summary` still counts it.
 */

import { createHash } from "node:crypto";
import { join } from "node:path";

import { isDraft } from "./atomic-file.ts";
import { ifPresent } from "./disk.ts";
import type { Disk } from "./disk.ts";

const PAYLOAD_AGE_NS = 24n * 3600n * 1_000_000_000n;
const NAMES_AT_MOST = 10_000;

/** `byReason` counts files by the reason in their name, emptied ones too. */
export type QuarantineSummary = { items: number; sizeBytes: number; byReason: Record<string, number> };

export type Quarantine = {
  /** Moves a file here. One that is gone was moved before. */
  setAside(path: string, id: string, reason: string): void;
  /** Empties payloads beyond 24 h or the bound, forgets names beyond `ageMs`. Returns how many payloads it emptied. */
  enforce(nowNs: bigint): number;
  summary(): QuarantineSummary;
};

export function createQuarantine(
  disk: Disk,
  directory: string,
  bounds: { quarantineBytes: number; ageMs: number },
): Quarantine {
  return {
    setAside(path, id, reason) {
      ifPresent(() => disk.rename(path, join(directory, quarantineName(id, reason))));
    },

    enforce(nowNs) {
      // Age counts from the move, which sets ctime; mtime is still that of the hook.
      const files = listFiles(disk, directory).sort(byAge);
      let sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
      let emptied = 0;
      for (const [index, file] of files.entries()) {
        const ageNs = nowNs - file.ctimeNs;
        const path = join(directory, file.name);
        const forgotten = files.length - index > NAMES_AT_MOST || ageNs > BigInt(bounds.ageMs) * 1_000_000n;
        if (forgotten) ifPresent(() => disk.unlink(path));
        const spent = forgotten || ageNs > PAYLOAD_AGE_NS || sizeBytes > bounds.quarantineBytes;
        if (file.sizeBytes === 0 || !spent) continue;
        if (!forgotten) ifPresent(() => disk.empty(path));
        sizeBytes -= file.sizeBytes;
        emptied += 1;
      }
      return emptied;
    },

    summary() {
      const byReason: Record<string, number> = {};
      const files = listFiles(disk, directory);
      for (const { name } of files) {
        const reason = name.split(".").at(-2) ?? "unknown";
        byReason[reason] = (byReason[reason] ?? 0) + 1;
      }
      return { items: files.length, sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0), byReason };
    },
  };
}

/** The name of a file in quarantine. It depends on nothing else, so a replayed move finds its own target. */
export function quarantineName(id: string, reason: string): string {
  const slug = reason
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 60)
    .replaceAll(/^-|-$/g, "");
  // A file name has at most 255 bytes; a move that fails for its length would be retried for ever.
  const short =
    id.length <= 120 ? id : `${id.slice(0, 80)}-${createHash("sha256").update(id).digest("hex").slice(0, 16)}`;
  return `${short}.${slug || "unknown"}.evt`;
}

type QuarantinedFile = { name: string; sizeBytes: number; ctimeNs: bigint; mtimeNs: bigint };

/** What one commit moved here came at the same time; then what was written first. */
function byAge(a: QuarantinedFile, b: QuarantinedFile): number {
  return Number(a.ctimeNs - b.ctimeNs) || Number(a.mtimeNs - b.mtimeNs);
}

function listFiles(disk: Disk, directory: string): QuarantinedFile[] {
  return disk.names(directory).flatMap((name) => {
    const facts = isDraft(name) ? undefined : ifPresent(() => disk.facts(join(directory, name)));
    return facts?.kind === "file" ? [{ ...facts, name }] : [];
  });
}
