/**
 * Groups: `spool/<group>.grp` holds envelopes that came together by HTTP, whole, one after the other. One file, one sync and one
 * deletion serve all of them; file systems are slow at making and deleting files by the thousand. Whoever lists the spool sees
 * the envelopes as if each had a file of its own, `<group>.<n>.evt`.
 *
 * A commit that takes any envelope of a group away takes the group; those that it does not take have become files of their own
 * by then. So an envelope is in the spool until a commit takes it, and not after.
 */

import { join } from "node:path";

import { syncDirectory } from "../store/atomic-file.ts";
import { ifPresent } from "../store/disk.ts";
import type { Disk } from "../store/disk.ts";

export type GroupMember = { id: string; bytes: Uint8Array };

/** Names in a spool, and what they stand for. */
export type Groups = {
  /** The envelopes of a group by the names that their files would have. Read once, as long as it lies there. */
  membersOf(name: string): ReadonlyMap<string, Uint8Array>;
  /** Forgets all that is not among these names. */
  keep(names: readonly string[]): void;
  /**
   * The groups that a commit must take which deletes `gone` and moves `moved`, names of envelopes. What else is in them is made
   * durable as files. @throws the disk's own error; then nothing has changed but that some are files already.
   */
  finish(gone: readonly string[], moved: readonly string[]): string[];
};

const GROUP = /^[0-9a-f-]{36}\.\d{9}\.grp$/;
const MEMBER = /^([0-9a-f-]{36}\.\d{9})\.\d{3}\.evt$/;
const HEAD = /^([0-9a-f-]{36}\.\d{9}\.\d{3}) (\d{1,12})$/;
const MAX_HEAD_BYTES = 100;

export function isGroup(name: string): boolean {
  return GROUP.test(name);
}

/** The name of the group that an envelope of this name belongs to, if it belongs to one. */
export function groupOf(name: string): string | undefined {
  const group = MEMBER.exec(name)?.[1];
  return group === undefined ? undefined : `${group}.grp`;
}

/** Of each envelope its id and length on a line, then its bytes. */
export function encodeGroup(members: readonly GroupMember[]): Uint8Array {
  return Buffer.concat(members.flatMap(({ id, bytes }) => [Buffer.from(`${id} ${bytes.length}\n`), bytes]));
}

export function createGroups(disk: Disk, spool: string): Groups {
  const read = new Map<string, ReadonlyMap<string, Uint8Array>>();

  return {
    membersOf,
    keep(names) {
      const there = new Set(names);
      for (const name of read.keys()) if (!there.has(name)) read.delete(name);
    },
    finish(gone, moved) {
      const touched = new Set([...gone, ...moved].flatMap((name) => groupOf(name) ?? []));
      if (touched.size === 0) return [];
      const names = new Set(disk.names(spool));
      const finished = [...touched].filter((name) => names.has(name));
      const taken = new Set(gone);
      const left = finished.flatMap((name) => [...membersOf(name)].filter(([member]) => !taken.has(member)));
      for (const [name, bytes] of left) if (!names.has(name)) write(name, bytes);
      if (left.length > 0) syncDirectory(disk, spool);
      return finished;
    },
  };

  function membersOf(name: string): ReadonlyMap<string, Uint8Array> {
    const known = read.get(name);
    if (known !== undefined) return known;
    const bytes = ifPresent(() => disk.read(join(spool, name)));
    const members = new Map(decodeGroup(bytes ?? Buffer.alloc(0)).map((one) => [`${one.id}.evt`, one.bytes] as const));
    if (bytes !== undefined) read.set(name, members);
    return members;
  }

  /** By way of a draft: half a file under its own name would hide what the group holds. */
  function write(name: string, bytes: Uint8Array): void {
    const draft = join(spool, `${name}.tmp`);
    const fd = disk.open(draft, "w");
    try {
      disk.write(fd, bytes);
      disk.fsync(fd);
    } finally {
      disk.close(fd);
    }
    disk.rename(draft, join(spool, name));
  }
}

/** A tail that is cut off was never acknowledged. */
function decodeGroup(bytes: Buffer): GroupMember[] {
  const members: GroupMember[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.subarray(at, at + MAX_HEAD_BYTES).indexOf("\n");
    const [, id, length] = HEAD.exec(bytes.toString("latin1", at, at + Math.max(0, end))) ?? [];
    const start = at + end + 1;
    if (id === undefined || start + Number(length) > bytes.length) break;
    at = start + Number(length);
    members.push({ id, bytes: bytes.subarray(start, at) });
  }
  return members;
}
