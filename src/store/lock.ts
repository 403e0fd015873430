/**
 * One bridge per state directory. The lock is the highest generation among the files `lock.<n>`, each of which names an
 * owner; whoever creates `lock.<n+1>` while the owner of `lock.<n>` is gone is the next one.
 *
 * - Taking it is one `link(2)` of a file that is already whole: it exists for all or fails for this one, and nobody ever
 *   reads half a record. *The link is the commit point.*
 * - A lock file is not deleted to release it, nor to take it over. If it were, one process could find the owner dead, be
 *   held up, and then delete the lock that a second process had taken meanwhile. So a release only marks the file, and
 *   only the holder of a higher generation removes lower ones.
 * - After the link the directory is looked at once more. If a higher generation is there, ours was created in the gap
 *   that such a removal left; it means nothing, and we go back to the start.
 *
 * An owner lives if its process does. If it is on another machine or in another container, its lease decides, or for the
 * first minute, before there is a lease, the age of its lock; both are compared with a file that was just written, so
 * clocks need not agree.
 */

import { randomUUID } from "node:crypto";
import { join } from "node:path";

import * as z from "zod";

import { createFile } from "./atomic-file.ts";
import { codeOf, ifPresent } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { livenessOf } from "./process-identity.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import type { StateDirectory } from "./state-directory.ts";
import { toJson } from "./json.ts";

const GENERATION = /^lock\.(\d+)$/;
const DRAFT = /^lock-.*\.tmp$/;
const GRACE_NS = 60n * 1_000_000_000n;

const ownerSchema = z.strictObject({
  v: z.literal(1),
  pid: z.number(),
  host: z.string(),
  space: z.string(),
  startedAt: z.string(),
  released: z.boolean(),
});

export type LockResult =
  | {
      status: "held";
      /** False once another host has taken over, because our lease had run out (a machine that slept). */
      isOurs(): boolean;
      /** Lets the next one in at once. A holder that dies without it is found out. */
      release(): void;
    }
  | { status: "busy"; owner: ProcessIdentity };

/** Takes the lock or says who has it. Waits for nobody. */
export function acquireLock(disk: Disk, directory: StateDirectory, self: ProcessIdentity): LockResult {
  const draft = writeDraft(disk, directory, self, false);
  try {
    for (;;) {
      const highest = Math.max(0, ...generations(disk, directory));
      const owner = highest === 0 ? undefined : livingOwner(disk, directory, highest, draft);
      // Gone between listing and reading: someone else went on. Every round that fails is one in which another succeeded.
      if (owner === "moved_on") continue;
      if (owner !== undefined) return { status: "busy", owner };
      const generation = highest + 1;
      if (tryLink(disk, draft, pathOf(directory, generation)) && isHighest(disk, directory, generation)) {
        removeLower(disk, directory, generation, draft);
        return held(disk, directory, self, generation);
      }
    }
  } finally {
    ifPresent(() => disk.unlink(draft));
  }
}

function held(disk: Disk, directory: StateDirectory, self: ProcessIdentity, generation: number): LockResult {
  return {
    status: "held",
    isOurs: () => isHighest(disk, directory, generation),
    release() {
      if (!isHighest(disk, directory, generation)) return;
      disk.rename(writeDraft(disk, directory, self, true), pathOf(directory, generation));
    },
  };
}

function writeDraft(disk: Disk, directory: StateDirectory, self: ProcessIdentity, released: boolean): string {
  const path = join(directory.home, `lock-${self.pid}-${randomUUID()}.tmp`);
  createFile(disk, path, Buffer.from(toJson({ v: 1, ...self, released })));
  return path;
}

/** Undefined: nobody holds this generation any more. */
function livingOwner(
  disk: Disk,
  directory: StateDirectory,
  generation: number,
  justWritten: string,
): ProcessIdentity | undefined | "moved_on" {
  const path = pathOf(directory, generation);
  const bytes = ifPresent(() => disk.read(path));
  const facts = ifPresent(() => disk.facts(path));
  if (bytes === undefined || facts === undefined) return "moved_on";
  const record = parseOwner(bytes);
  if (record === undefined || record.released) return undefined;
  const owner = { pid: record.pid, host: record.host, space: record.space, startedAt: record.startedAt };
  const liveness = livenessOf(owner);
  if (liveness !== "elsewhere") return liveness === "alive" ? owner : undefined;
  const nowNs = ifPresent(() => disk.facts(justWritten))?.mtimeNs;
  if (nowNs === undefined) return owner;
  const leaseNs = ifPresent(() => disk.facts(directory.lease))?.mtimeNs ?? 0n;
  return leaseNs > nowNs || facts.mtimeNs + GRACE_NS > nowNs ? owner : undefined;
}

/** A record that cannot be read has no owner: records are linked whole, so a crash of the machine or a hand damaged it. */
function parseOwner(bytes: Buffer): z.output<typeof ownerSchema> | undefined {
  try {
    return ownerSchema.parse(JSON.parse(bytes.toString()));
  } catch {
    return undefined;
  }
}

function tryLink(disk: Disk, draft: string, path: string): boolean {
  try {
    disk.link(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    const why = `${codeOf(error) ?? "unknown error"}; the state directory must be on a file system with hard links`;
    throw new Error(`cannot lock ${path}: ${why}`, { cause: error });
  }
}

function isHighest(disk: Disk, directory: StateDirectory, generation: number): boolean {
  return Math.max(0, ...generations(disk, directory)) === generation;
}

/** Lower generations, and drafts so old that their writer must have died. */
function removeLower(disk: Disk, directory: StateDirectory, generation: number, justWritten: string): void {
  for (const lower of generations(disk, directory).filter((n) => n < generation)) {
    ifPresent(() => disk.unlink(pathOf(directory, lower)));
  }
  const nowNs = disk.facts(justWritten).mtimeNs;
  for (const name of disk.names(directory.home).filter((entry) => DRAFT.test(entry))) {
    const path = join(directory.home, name);
    const writtenNs = ifPresent(() => disk.facts(path))?.mtimeNs ?? nowNs;
    if (writtenNs + GRACE_NS < nowNs) ifPresent(() => disk.unlink(path));
  }
}

function generations(disk: Disk, directory: StateDirectory): number[] {
  return disk.names(directory.home).flatMap((name) => {
    const [, n] = GENERATION.exec(name) ?? [];
    return n === undefined ? [] : [Number(n)];
  });
}

function pathOf(directory: StateDirectory, generation: number): string {
  return join(directory.home, `lock.${generation}`);
}
