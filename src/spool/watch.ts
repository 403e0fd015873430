import { statSync, watch } from "node:fs";
import type { FSWatcher } from "node:fs";

/**
 * A hook's file is seen when it is created, when it is written and when it is whole, and hooks seldom come alone: one look is
 * enough for what comes within this.
 */
const GATHER_MS = 20;

/**
 * Calls `onChange` soon after a file came into the directory; also now and then when none did, and once more for one
 * file, so it must be cheap. Events of the file system do not exist everywhere (NFS, a watch limit that is used up), so
 * the directory's mtime is looked at every `pollMs` besides: one `stat`, with events or without.
 */
export function watchSpool(directory: string, onChange: () => void, pollMs = 1000): { close(): void } {
  let gathering: NodeJS.Timeout | undefined;
  const watcher = tryToWatch(directory, () => {
    gathering ??= setTimeout(() => {
      gathering = undefined;
      onChange();
    }, GATHER_MS);
  });
  let seenMs = mtimeOf(directory);
  let changedBefore = false;
  const timer = setInterval(() => {
    const mtimeMs = mtimeOf(directory);
    const changed = mtimeMs !== seenMs;
    seenMs = mtimeMs;
    // Once more after a change: a file that came in the same tick of the file system's clock moved no mtime.
    if (changed || changedBefore) onChange();
    changedBefore = changed;
  }, pollMs);
  return {
    close() {
      clearInterval(timer);
      clearTimeout(gathering);
      watcher?.close();
    },
  };
}

function tryToWatch(directory: string, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, () => onChange());
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}

function mtimeOf(directory: string): number {
  return statSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
