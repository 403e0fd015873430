/**
 * The one port to the disk: every file that must survive a crash goes through it, so that a test can put a disk
 * underneath which fails, fills up or loses power at any call. The real one is a thin pass-through. Past it go only reads
 * of what others write (transcripts, git's files, /proc, configuration) and the log, of which nothing depends.
 */

import {
  chmodSync,
  closeSync,
  fsync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";

/** What `lstat` tells. `ctimeNs` moves on a rename, `mtimeNs` does not. */
export type FileFacts = {
  kind: "file" | "directory" | "link" | "other";
  sizeBytes: number;
  mtimeNs: bigint;
  ctimeNs: bigint;
  uid: number;
  /** Permission bits only. */
  mode: number;
};

/** Calls throw the `ErrnoException` of node:fs. None of them follows a link at the end of its path, except `open`. */
export type Disk = {
  /** New files get mode 0600. */
  open(path: string, flags: "r" | "w" | "wx"): number;
  /** Writes all of it, or throws. */
  write(fd: number, bytes: Uint8Array): void;
  fsync(fd: number): void;
  /** The same beside other work: several at a time share what the device needs for one. */
  fsyncAside(fd: number): Promise<void>;
  close(fd: number): void;
  read(path: string): Buffer;
  names(directory: string): string[];
  facts(path: string): FileFacts;
  rename(from: string, to: string): void;
  link(existing: string, created: string): void;
  unlink(path: string): void;
  /** Parents too; new directories get mode 0700. */
  makeDirectory(path: string): void;
  chmod(path: string, mode: number): void;
  /** To no bytes at all. */
  empty(path: string): void;
  /** Sets access and modification time. */
  setTime(path: string, atNs: bigint): void;
};

export const realDisk: Disk = {
  open: (path, flags) => openSync(path, flags, 0o600),
  write(fd, bytes) {
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
  },
  fsync: fsyncSync,
  fsyncAside: promisify(fsync),
  close: closeSync,
  read: (path) => readFileSync(path),
  names: (directory) => readdirSync(directory),
  facts(path) {
    const stat = lstatSync(path, { bigint: true });
    const kind = stat.isFile() ? "file" : stat.isDirectory() ? "directory" : stat.isSymbolicLink() ? "link" : "other";
    return {
      kind,
      sizeBytes: Number(stat.size),
      mtimeNs: stat.mtimeNs,
      ctimeNs: stat.ctimeNs,
      uid: Number(stat.uid),
      mode: Number(stat.mode) & 0o777,
    };
  },
  rename: renameSync,
  link: linkSync,
  unlink: unlinkSync,
  // Not by mkdir's `recursive`: where the parent is there and takes no directory (`/proc`), Node 20 tries for ever.
  makeDirectory(path) {
    if (isDirectory(path)) return;
    if (dirname(path) !== path && !isDirectory(dirname(path))) realDisk.makeDirectory(dirname(path));
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      if (!isDirectory(path)) throw error;
    }
  },
  chmod: chmodSync,
  empty: (path) => truncateSync(path, 0),
  setTime: (path, atNs) => utimesSync(path, Number(atNs) / 1e9, Number(atNs) / 1e9),
};

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** The error code of a failed call: `ENOENT`, `ENOSPC`, ... */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** A full or read-only disk, for one: nothing that a stack trace would explain. */
export function isDiskError(error: unknown): boolean {
  return codeOf(error) !== undefined || (error instanceof Error && codeOf(error.cause) !== undefined);
}

/** What `call` gives, or undefined if the file is not there. */
export function ifPresent<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
