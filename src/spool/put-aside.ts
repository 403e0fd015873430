import { dirname, join } from "node:path";

import { ifPresent, type Disk } from "../store/disk.ts";

/**
 * Puts one envelope into the spool as `putEnvelope` does, beside other work: the process goes on while the disk syncs. Durable when
 * it resolves; rejects with the disk's error, and then nothing of it stays that the bridge has not taken in already.
 */
export async function putEnvelopeAside(disk: Disk, spool: string, id: string, bytes: Uint8Array): Promise<void> {
  const path = join(spool, `${id}.evt`);
  const fd = disk.open(path, "wx");
  try {
    await synced(disk, fd, bytes);
    // Windows opens no directories; its file system keeps its names in order by itself.
    if (process.platform !== "win32") await synced(disk, disk.open(dirname(path), "r"));
  } catch (error) {
    try {
      ifPresent(() => disk.unlink(path));
    } catch {
      // The error that led here is the one to tell.
    }
    throw error;
  }
}

async function synced(disk: Disk, fd: number, bytes?: Uint8Array): Promise<void> {
  try {
    if (bytes !== undefined) disk.write(fd, bytes);
    await disk.fsyncAside(fd);
  } finally {
    disk.close(fd);
  }
}
