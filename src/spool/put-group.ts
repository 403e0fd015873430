/**
 * Puts envelopes of many clients into the spool, durably: those that come while others are being synced wait for the next
 * group, and a group shares its syncs. So a slow disk makes groups larger and not the queue longer.
 */

import { dirname, join } from "node:path";

import { ifPresent } from "../store/disk.ts";
import type { Disk } from "../store/disk.ts";

export type GroupPut = {
  /**
   * Puts one envelope (bytes in the format of `event/envelope.ts`) as `<id>.evt`. Resolves once it would survive a power cut.
   * Rejects with the disk's error; then it is taken away again, as far as the bridge has not taken it in.
   */
  put(id: string, bytes: Uint8Array): Promise<void>;
  /** Resolves when nothing waits. */
  settled(): Promise<void>;
};

type Waiting = { path: string; bytes: Uint8Array; done: () => void; failed: (error: unknown) => void };
type Written = Waiting & { fd: number };

/** As many files as are open at once. */
const GROUP = 256;

export function createGroupPut(disk: Disk, spool: string): GroupPut {
  let waiting: Waiting[] = [];
  let running: Promise<void> | undefined;

  return {
    put: (id, bytes) =>
      new Promise((done, failed) => {
        waiting.push({ path: join(spool, `${id}.evt`), bytes, done, failed });
        running ??= work();
      }),
    settled: async () => running,
  };

  async function work(): Promise<void> {
    // What arrives in the same turn of the event loop goes along.
    await new Promise(setImmediate);
    while (waiting.length > 0) await putGroup(waiting.splice(0, GROUP));
    running = undefined;
  }

  async function putGroup(group: readonly Waiting[]): Promise<void> {
    const written = group.flatMap((one) => write(one) ?? []);
    const synced = (await Promise.all(written.map(sync))).filter((one) => one !== undefined);
    const error = synced.length === 0 ? undefined : await syncNames(synced);
    for (const one of synced) {
      if (error === undefined) one.done();
      else fail(one, error.cause);
    }
  }

  function write(one: Waiting): Written | undefined {
    let fd: number | undefined;
    try {
      fd = disk.open(one.path, "wx");
      disk.write(fd, one.bytes);
      return { ...one, fd };
    } catch (error) {
      if (fd !== undefined) disk.close(fd);
      // Nothing of ours lies there if it could not even be made.
      if (fd === undefined) one.failed(error);
      else fail(one, error);
      return undefined;
    }
  }

  async function sync(one: Written): Promise<Written | undefined> {
    try {
      await disk.fsyncAside(one.fd);
      return one;
    } catch (error) {
      fail(one, error);
      return undefined;
    } finally {
      disk.close(one.fd);
    }
  }

  /** The error in a box, for anything may be thrown. */
  async function syncNames([first]: readonly Written[]): Promise<{ cause: unknown } | undefined> {
    // Windows opens no directories; its file system keeps its names in order by itself.
    if (first === undefined || process.platform === "win32") return undefined;
    let fd: number | undefined;
    try {
      fd = disk.open(dirname(first.path), "r");
      await disk.fsyncAside(fd);
      return undefined;
    } catch (cause) {
      return { cause };
    } finally {
      if (fd !== undefined) disk.close(fd);
    }
  }

  function fail(one: Waiting, error: unknown): void {
    try {
      ifPresent(() => disk.unlink(one.path));
    } catch {
      // The error that led here is the one to tell.
    }
    one.failed(error);
  }
}
