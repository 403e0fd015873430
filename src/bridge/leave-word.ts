import { createLog } from "../log.ts";
import { reasonOf } from "../reason-of.ts";
import type { Disk } from "../store/disk.ts";
import { acquireLock } from "../store/lock.ts";
import { ownIdentity } from "../store/process-identity.ts";
import { createStateDirectory } from "../store/state-directory.ts";
import { createTroubleFile } from "../store/trouble-file.ts";

/**
 * A bridge that a hook started has nobody to tell why it ended but its log and `status`. Said once, for each hook tries
 * again, several at a time: under the lock, and who does not get it leaves the word to the one who has. `home` is the state
 * directory. Never throws.
 */
export function leaveWord(disk: Disk, home: () => string, error: unknown): void {
  try {
    const directory = createStateDirectory(disk, home());
    const lock = acquireLock(disk, directory, ownIdentity());
    if (lock.status === "busy") return;
    const reason = reasonOf(error);
    if (createTroubleFile(disk, directory.trouble, Date.now).note("bridge", reason))
      createLog({ level: "error", file: directory.log }).error("the bridge ended with an error", { reason });
    lock.release();
  } catch {
    // Without a state directory there is no place to say it.
  }
}
