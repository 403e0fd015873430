import { rmdirSync } from "node:fs";
import { join } from "node:path";

import { codeOf, type Disk, ifPresent } from "../store/disk.ts";
import { stateDirectory } from "../store/state-directory.ts";

/** What hooks and bridges put into a state directory beside what its layout names. */
const OTHER = /^(?:no-node|dropped|log\.1|intake-token|lock\.\d+|lock-.*\.tmp|.*\.tmp)$/;

/** Removes a state directory. Gives what stays, for it is not hookspan's. */
export function removeState(disk: Disk, home: string): string[] {
  const layout = stateDirectory(home);
  const ours: ReadonlySet<string> = new Set(Object.values(layout));
  const left = names(disk, layout.home).flatMap((name) => {
    const path = join(layout.home, name);
    return ours.has(path) || OTHER.test(name) ? removed(disk, path) : [path];
  });
  if (left.length === 0) ifPresent(() => rmdirSync(layout.home));
  return left;
}

/** A file, or a directory of files: deeper goes no state. */
function removed(disk: Disk, path: string): string[] {
  if (disk.facts(path).kind !== "directory") {
    ifPresent(() => disk.unlink(path));
    return [];
  }
  const inner = names(disk, path).map((name) => join(path, name));
  const deeper = inner.filter((one) => disk.facts(one).kind === "directory");
  for (const file of inner.filter((one) => !deeper.includes(one))) ifPresent(() => disk.unlink(file));
  if (deeper.length === 0) rmdirSync(path);
  return deeper;
}

function names(disk: Disk, path: string): string[] {
  try {
    return disk.names(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}
