import { dirname, join } from "node:path";

import { createFile, syncDirectory } from "../store/atomic-file.ts";
import type { Disk } from "../store/disk.ts";

/**
 * Puts one envelope (bytes in the format of `event/envelope.ts`) into the spool as `<id>.evt`. Durable when it returns.
 * Throws `EEXIST` if the id was used, `ENOSPC` and the like if the disk will not; then nothing of it stays.
 *
 * There is no draft and no rename: a file is an envelope only if it ends with its own end line, so a reader that comes
 * too early sees that it is not whole.
 */
export function putEnvelope(disk: Disk, spool: string, id: string, bytes: Uint8Array): void {
  const path = join(spool, `${id}.evt`);
  createFile(disk, path, bytes);
  syncDirectory(disk, dirname(path));
}
