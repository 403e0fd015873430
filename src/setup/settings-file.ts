/**
 * Files of other programs, and our own beside them: read with what an edit has to keep, and replaced whole. Past the disk port of
 * `store`, whose files have one owner and one mode: these have links, owners and modes that stay.
 */

import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

import { codeOf } from "../store/disk.ts";

/** A file as it was read. `real` is the file behind links; `reason` follows the path in a sentence. */
export type SettingsFile =
  | { status: "absent"; path: string; real: string; locked: string | undefined }
  | { status: "present"; path: string; real: string; bytes: Buffer; locked: string | undefined }
  | { status: "unusable"; path: string; reason: string };

/** A file that is to become other bytes, or to go (`after` undefined). */
export type Replacement = {
  path: string;
  real: string;
  before: Buffer | undefined;
  after: Buffer | undefined;
  /** Of a new file, under the user's umask; a file that is there keeps its own. */
  mode: number;
};

/** Reads a file. `locked` says why it must not be changed, or cannot be made. */
export function readSettings(path: string): SettingsFile {
  try {
    const link = lstatSync(path, { throwIfNoEntry: false });
    if (link === undefined) return { status: "absent", path, real: path, locked: unmakeable(path) };
    const real = realpathSync(path);
    const stat = statSync(real);
    if (!stat.isFile()) return { status: "unusable", path, reason: "is not a file" };
    return { status: "present", path, real, bytes: readFileSync(real), locked: lockedBy(real, stat.mode) };
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOTDIR") return { status: "unusable", path, reason: "lies below something that is no directory" };
    if (code === "ENOENT" || code === "ELOOP") return { status: "unusable", path, reason: "is a link to nothing" };
    if (code === "EACCES" || code === "EPERM") return { status: "unusable", path, reason: "cannot be read by you" };
    throw error;
  }
}

/**
 * Makes the change at one stroke: who reads sees the old bytes or the new ones. Links, permissions and owner stay. Missing
 * directories are made. @throws if the file is no longer as it was read, and the disk's own errors.
 */
export function replaceSettings({ path, real, before, after, mode }: Replacement): void {
  const now = readSettings(path);
  const isSame = before === undefined ? now.status === "absent" : now.status === "present" && now.bytes.equals(before);
  if (!isSame || now.status === "unusable")
    throw new Error(`${path} has changed meanwhile; it is left alone. Run the command again`);
  if (after === undefined) {
    rmSync(path);
    return;
  }
  makeDirectories(dirname(real));
  const draft = `${real}.hookspan.tmp`;
  rmSync(draft, { force: true });
  try {
    writeDurably(draft, after, before === undefined ? mode : 0o600);
    if (now.status === "present") keepOwner(draft, real);
    renameSync(draft, real);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** The directories above a path that are not there, outermost first. */
export function missingDirectories(path: string): string[] {
  const above = dirname(path);
  if (above === path || statSync(above, { throwIfNoEntry: false }) !== undefined) return [];
  return [...missingDirectories(above), above];
}

/** The text of a file's bytes without a byte order mark; undefined if they are not UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The bytes of a text, with a byte order mark if the old bytes had one. */
export function bytesOf(text: string, old: Uint8Array | undefined): Buffer {
  const hadMark = old !== undefined && old[0] === 0xef && old[1] === 0xbb && old[2] === 0xbf;
  return Buffer.from(hadMark ? `\uFEFF${text}` : text);
}

/** Root may write anything, but a file that its owner has made read-only stays so. */
function lockedBy(real: string, mode: number): string | undefined {
  if ((mode & 0o222) === 0) return "is read-only; make it writable, or add the hooks by hand";
  return canWrite(real) && canWrite(dirname(real)) ? undefined : "cannot be written by you";
}

/** Where directories are missing, the one above them has to take them. */
function unmakeable(path: string): string | undefined {
  const above = dirname(missingDirectories(path)[0] ?? path);
  return canWrite(above) ? undefined : `cannot be made by you, for ${above} is not yours to write in`;
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function writeDurably(path: string, bytes: Uint8Array, mode: number): void {
  const fd = openSync(path, "wx", mode);
  try {
    writeFileSync(fd, bytes);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function keepOwner(draft: string, real: string): void {
  const old = statSync(real);
  const own = statSync(draft);
  if (process.platform !== "win32" && (old.uid !== own.uid || old.gid !== own.gid)) chownSync(draft, old.uid, old.gid);
  chmodSync(draft, old.mode & 0o7777);
}

/** Not by mkdir's `recursive`: where a parent takes no directory (`/proc`), Node 20 tries for ever. */
function makeDirectories(path: string): void {
  for (const directory of missingDirectories(`${path}/x`)) mkdirSync(directory);
}
