/**
 * `bridge.json`: which process is the bridge of this directory, for `status` and `flush`, and where its intake listens, with the
 * token that it asks for (`intake/discovery.ts` reads that). 0600, replaced as a whole, removed only by its owner.
 */

import * as z from "zod";

import type { IntakeAddress } from "../intake/discovery.ts";
import { writeFileAtomically } from "../store/atomic-file.ts";
import { ifPresent, type Disk } from "../store/disk.ts";

const schema = z.looseObject({ pid: z.number(), startedAt: z.string(), version: z.string() });

export type Announcement = { pid: number; startedAt: string; version: string };

export function announce(disk: Disk, path: string, announcement: Announcement, intake?: IntakeAddress): void {
  writeFileAtomically(disk, path, `${JSON.stringify({ v: 1, ...announcement, ...intake })}\n`);
}

export function withdraw(disk: Disk, path: string, pid: number): void {
  if (announced(disk, path)?.pid === pid) ifPresent(() => disk.unlink(path));
}

/** What the file says, whether its process lives or not. */
export function announced(disk: Disk, path: string): Announcement | undefined {
  const bytes = ifPresent(() => disk.read(path));
  if (bytes === undefined) return undefined;
  try {
    const { pid, startedAt, version } = schema.parse(JSON.parse(bytes.toString()));
    return { pid, startedAt, version };
  } catch {
    return undefined;
  }
}
