/**
 * `lease`: tells hooks, which have no time to ask, that a bridge lives. Line 1 is the pid, line 2 the host. Its mtime lies
 * in the future; a hook compares it with the mtime of a file it has just written, so only the clock of the file system
 * counts, also over NFS and between containers.
 */

import { writeFileAtomically } from "./atomic-file.ts";
import { ifPresent } from "./disk.ts";
import type { Disk } from "./disk.ts";

/** How far ahead the mtime is set. The bridge refreshes every 20 s, so two refreshes may fail. */
const AHEAD_NS = 60n * 1_000_000_000n;

export type Lease = {
  /** Creates the lease or puts it 60 s ahead again. */
  refresh(): void;
  /** Removes the lease if it is ours. To be done before the lock is released: after that it may be another's. */
  remove(): void;
};

export function createLease(disk: Disk, path: string, owner: { pid: number; host: string }): Lease {
  const content = `${owner.pid}\n${owner.host}\n`;
  return {
    refresh() {
      // The time is set before the rename: at no instant is there a lease that has run out.
      writeFileAtomically(disk, path, content, (draft) => disk.setTime(draft, disk.facts(draft).mtimeNs + AHEAD_NS));
    },
    remove() {
      if (ifPresent(() => disk.read(path))?.toString() === content) ifPresent(() => disk.unlink(path));
    },
  };
}
