import { createLog } from "../log.ts";
import { reasonOf } from "../reason-of.ts";
import type { Disk } from "../store/disk.ts";
import { createStateDirectory } from "../store/state-directory.ts";
import { createTroubleFile } from "../store/trouble-file.ts";

/**
 * A bridge that a hook started has nobody to tell why it ended but its log and `status`. Said once, for each hook tries
 * again. `home` is the state directory. Never throws.
 */
export function leaveWord(disk: Disk, home: () => string, error: unknown): void {
  try {
    const directory = createStateDirectory(disk, home());
    const reason = reasonOf(error);
    if (!createTroubleFile(disk, directory.trouble, Date.now).note("bridge", reason)) return;
    createLog({ level: "error", file: directory.log }).error("the bridge ended with an error", { reason });
  } catch {
    // Without a state directory there is no place to say it.
  }
}
