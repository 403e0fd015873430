/**
 * The only place that replaces a file. At every instant a reader, and a machine that comes back after a power cut, sees
 * the old content or the new one, never a part: the draft lies beside its target, because rename is atomic only inside
 * one file system, and is on disk before the rename, because a rename may reach the disk before the data do.
 *
 * A draft has a fixed name, so what a crash leaves behind is overwritten by the next try. That is safe because one
 * process writes to a state directory at a time (lock.ts).
 */

import { dirname } from "node:path";

import { codeOf, ifPresent } from "./disk.ts";
import type { Disk } from "./disk.ts";

const DRAFT_SUFFIX = ".tmp";

/** True for the name of a draft: something a crash left behind, of no meaning. */
export function isDraft(name: string): boolean {
  return name.endsWith(DRAFT_SUFFIX);
}

/** Replaces `path`, durably. `prepare` gets the draft's path just before the rename, to set what must appear with it. */
export function writeFileAtomically(
  disk: Disk,
  path: string,
  content: string,
  prepare?: (draft: string) => void,
): void {
  replaceFile(disk, path, content, prepare);
  syncDirectory(disk, dirname(path));
}

/**
 * Replaces `path`, but the new name is durable only after `syncDirectory`: for many files of one directory, which need it once.
 */
export function replaceFile(
  disk: Disk,
  path: string,
  content: string | Uint8Array,
  prepare?: (draft: string) => void,
): void {
  const draft = path + DRAFT_SUFFIX;
  try {
    writeDurably(disk, draft, "w", typeof content === "string" ? Buffer.from(content) : content);
    prepare?.(draft);
    disk.rename(draft, path);
  } catch (error) {
    // On a full disk the half-written draft would hold the very bytes that the next try needs.
    tryToRemove(disk, draft);
    throw new Error(`cannot write ${path}: ${reasonOf(error)}; the old content is kept`, { cause: error });
  }
}

/** Creates `path`, content on disk when it returns; throws `EEXIST` if the name is taken. Nothing stays of a failed try. */
export function createFile(disk: Disk, path: string, content: Uint8Array): void {
  try {
    writeDurably(disk, path, "wx", content);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") tryToRemove(disk, path);
    throw error;
  }
}

/** Makes names that were created, renamed or deleted in a directory survive a power cut. */
export function syncDirectory(disk: Disk, directory: string): void {
  // Windows opens no directories; its file system keeps its names in order by itself.
  if (process.platform === "win32") return;
  const fd = disk.open(directory, "r");
  try {
    disk.fsync(fd);
  } finally {
    disk.close(fd);
  }
}

function writeDurably(disk: Disk, path: string, flags: "w" | "wx", content: Uint8Array): void {
  const fd = disk.open(path, flags);
  try {
    disk.write(fd, content);
    disk.fsync(fd);
  } finally {
    disk.close(fd);
  }
}

function tryToRemove(disk: Disk, path: string): void {
  try {
    ifPresent(() => disk.unlink(path));
  } catch {
    // The error that led here is the one to tell; a draft that stays is overwritten later.
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
