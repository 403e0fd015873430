/**
 * Puts envelopes of many clients into the spool, durably: those that come while others are being synced wait for the next
 * group, and a group is synced as one file (group.ts). So a slow disk makes groups larger and not the queue longer.
 */

import { randomUUID } from "node:crypto";
import { join } from "node:path";

import { ifPresent } from "../store/disk.ts";
import type { Disk } from "../store/disk.ts";
import { encodeGroup, type GroupMember } from "./group.ts";

export type GroupPut = {
  /**
   * Puts one envelope: the bytes that `format` makes of the id it gets, in the format of `event/envelope.ts`. Ids never recur, and
   * sort as they were given. Resolves once the envelope would survive a power cut. Rejects with the disk's error; then nothing of
   * it stays, unless the bridge has taken it in meanwhile.
   */
  put(format: (id: string) => Uint8Array): Promise<void>;
  /** Resolves when nothing waits. */
  settled(): Promise<void>;
};

type Waiting = { format: (id: string) => Uint8Array; done: () => void; failed: (error: unknown) => void };

const GROUP = 256;
/** Above it an envelope is a group of its own: nothing is gained by writing much twice in one go. */
const GROUP_BYTES = 4 * 1024 * 1024;

export function createGroupPut(disk: Disk, spool: string): GroupPut {
  const life = randomUUID();
  let count = 0;
  let waiting: Waiting[] = [];
  let running: Promise<void> | undefined;

  return {
    put: (format) =>
      new Promise((done, failed) => {
        waiting.push({ format, done, failed });
        running ??= work();
      }),
    settled: async () => running,
  };

  async function work(): Promise<void> {
    // What arrives in the same turn of the event loop goes along.
    await new Promise(setImmediate);
    while (waiting.length > 0) await putGroup();
    running = undefined;
  }

  async function putGroup(): Promise<void> {
    count += 1;
    const group = `${life}.${String(count).padStart(9, "0")}`;
    const taken: Waiting[] = [];
    const members: GroupMember[] = [];
    let sizeBytes = 0;
    while (waiting.length > 0 && taken.length < GROUP && sizeBytes < GROUP_BYTES) {
      const [next] = waiting.splice(0, 1);
      if (next === undefined) break;
      const id = `${group}.${String(taken.length).padStart(3, "0")}`;
      try {
        const bytes = next.format(id);
        taken.push(next);
        members.push({ id, bytes });
        sizeBytes += bytes.length;
      } catch (error) {
        next.failed(error);
      }
    }
    const name = `${group}.grp`;
    try {
      await putSynced(join(spool, name), encodeGroup(members));
    } catch (error) {
      remove(join(spool, name));
      for (const { failed } of taken) failed(error);
      return;
    }
    for (const { done } of taken) done();
  }

  /** Content and name at once, for neither waits for the other: all that counts is that both are there before anybody is told. */
  async function putSynced(path: string, bytes: Uint8Array): Promise<void> {
    const fd = disk.open(path, "wx");
    try {
      disk.write(fd, bytes);
      const ends = await Promise.allSettled([disk.fsyncAside(fd), syncNames()]);
      for (const end of ends) if (end.status === "rejected") throw end.reason;
    } finally {
      disk.close(fd);
    }
  }

  async function syncNames(): Promise<void> {
    // Windows opens no directories; its file system keeps its names in order by itself.
    if (process.platform === "win32") return;
    const fd = disk.open(spool, "r");
    try {
      await disk.fsyncAside(fd);
    } finally {
      disk.close(fd);
    }
  }

  function remove(path: string): void {
    try {
      ifPresent(() => disk.unlink(path));
    } catch {
      // The error that led here is the one to tell.
    }
  }
}
