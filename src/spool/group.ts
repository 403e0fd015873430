/**
 * Groups: `spool/<group>.grp` holds envelopes that came together by HTTP, whole, one after the other. One file, one sync and one
 * deletion serve all of them; file systems are slow at making and deleting files by the thousand. Whoever lists the spool sees
 * the envelopes as if each had a file of its own, `<group>.<n>.evt`.
 *
 * A commit that takes any envelope of a group away takes the group; those that it does not take have become files of their own
 * by then. So an envelope is in the spool until a commit takes it, and not after.
 *
 * What cannot be read as envelopes is one more of them, the last of its group: it is not whole, so after a while it goes to
 * quarantine as any other that is not, and the group with it.
 */

import { join } from "node:path";

import { isDraft, replaceFile, syncDirectory } from "../store/atomic-file.ts";
import { ifPresent } from "../store/disk.ts";
import type { Disk } from "../store/disk.ts";

export type GroupMember = { id: string; bytes: Uint8Array };

/** Names in a spool, and what they stand for. */
export type Groups = {
  /** The envelopes of a group by the names that their files would have, and what each takes of it in bytes. */
  membersOf(name: string): ReadonlyMap<string, number>;
  /** The bytes of an envelope of a group; undefined if there is none of this name. */
  read(member: string): Uint8Array | undefined;
  /** Forgets all that is not among these names. */
  keep(names: readonly string[]): void;
  /**
   * What a commit must take besides, that deletes `gone` and moves `moved`, names of envelopes: their groups, and drafts of what
   * is in them. What else is in them is made durable as files of the group's age. @throws the disk's own error; then nothing
   * has changed but that some are files already.
   */
  finish(gone: readonly string[], moved: readonly string[]): string[];
};

type Place = { start: number; length: number; sizeBytes: number };

const GROUP = /^[0-9a-f-]{36}\.\d{9}\.grp$/;
const MEMBER = /^([0-9a-f-]{36}\.\d{9})\.\d{3}\.evt$/;
const HEAD = /^([0-9a-f-]{36}\.\d{9}\.\d{3}) (\d{1,12})$/;
const MAX_HEAD_BYTES = 100;
/** No group has so many. */
const REST = "999";
/** `utimes` cuts off what is below a microsecond, and no envelope may become older than its own time. */
const MICROSECOND_NS = 1000n;

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
  const placed = new Map<string, ReadonlyMap<string, Place>>();
  /** Of one group only: a spool may hold more than the memory. Those of one group are read one after the other. */
  let last: { name: string; bytes: Buffer } | undefined;

  return {
    membersOf: (name) => new Map([...placesIn(name)].map(([member, { sizeBytes }]) => [member, sizeBytes])),
    read,
    keep(names) {
      const there = new Set(names);
      for (const name of placed.keys()) if (!there.has(name)) forget(name);
    },
    finish(gone, moved) {
      const touched = new Set([...gone, ...moved].flatMap((name) => groupOf(name) ?? []));
      if (touched.size === 0) return [];
      const names = new Set(disk.names(spool));
      const finished = [...touched].filter((name) => names.has(name));
      const taken = new Set(gone);
      for (const group of finished) {
        const left = [...placesIn(group).keys()].filter((member) => !taken.has(member));
        for (const member of left) if (!names.has(member)) makeFile(group, member);
        if (left.length > 0) syncDirectory(disk, spool);
      }
      const groups = new Set(finished);
      const drafts = [...names].filter(
        (name) => isDraft(name) && groups.has(groupOf(name.replace(/\.tmp$/, "")) ?? ""),
      );
      return [...finished, ...drafts];
    },
  };

  function read(member: string): Uint8Array | undefined {
    const group = groupOf(member);
    const place = group === undefined ? undefined : placesIn(group).get(member);
    if (group === undefined || place === undefined) return undefined;
    return bytesOf(group)?.subarray(place.start, place.start + place.length);
  }

  function placesIn(name: string): ReadonlyMap<string, Place> {
    const known = placed.get(name);
    if (known !== undefined) return known;
    const bytes = bytesOf(name);
    const places = bytes === undefined ? new Map<string, Place>() : placesOf(name.replace(/\.grp$/, ""), bytes);
    if (bytes !== undefined) placed.set(name, places);
    return places;
  }

  function bytesOf(name: string): Buffer | undefined {
    if (last?.name === name) return last.bytes;
    const bytes = ifPresent(() => disk.read(join(spool, name)));
    last = bytes === undefined ? undefined : { name, bytes };
    return bytes;
  }

  function makeFile(group: string, member: string): void {
    const bytes = read(member);
    if (bytes === undefined) return;
    // As old as it was: by its age it is put in order, and dropped.
    const { mtimeNs } = disk.facts(join(spool, group));
    replaceFile(disk, join(spool, member), bytes, (draft) => disk.setTime(draft, mtimeNs + MICROSECOND_NS));
  }

  function forget(name: string): void {
    placed.delete(name);
    if (last?.name === name) last = undefined;
  }
}

/** `group` is the name without its ending. What a crash cut off was never acknowledged. */
function placesOf(group: string, bytes: Buffer): Map<string, Place> {
  const places = new Map<string, Place>();
  let at = 0;
  while (at < bytes.length) {
    const end = bytes.subarray(at, at + MAX_HEAD_BYTES).indexOf("\n");
    const [, id, length] = HEAD.exec(bytes.toString("latin1", at, at + Math.max(0, end))) ?? [];
    const start = at + end + 1;
    const next = start + Number(length);
    if (id?.startsWith(`${group}.`) !== true || next > bytes.length) break;
    places.set(`${id}.evt`, { start, length: Number(length), sizeBytes: next - at });
    at = next;
  }
  const rest = bytes.length - at;
  if (rest > 0 || bytes.length === 0) places.set(`${group}.${REST}.evt`, { start: at, length: rest, sizeBytes: rest });
  return places;
}
