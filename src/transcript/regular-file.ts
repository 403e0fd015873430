import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, statSync, type Stats } from "node:fs";

/**
 * How far a file that another program named is trusted. Transcripts: `ownOnly`, and the file itself no link, so that a
 * payload cannot make the bridge read what its user did not write. Git's own files may be links and belong to others.
 *
 * Not through the port of store/disk.ts: these files are only read, in parts and without blocking, and no crash or full disk
 * of ours can harm what another program writes.
 */
export type FileTrust = { ownOnly: boolean; followLinks: boolean };

export type Refusal = "not_regular" | "not_owned" | "unreadable";

export type OpenedFile =
  | { status: "opened"; fd: number; stats: Stats }
  | { status: "missing" }
  | { status: "refused"; reason: Refusal };

/**
 * Opens a regular file for reading; the caller closes `fd`. A FIFO or a device is refused unopened, and should one take the
 * file's place in between, the open does not block and the second look finds it.
 */
export function openRegularFile(file: string, trust: FileTrust): OpenedFile {
  let fd: number | undefined;
  try {
    const refusal = refusalOf(trust.followLinks ? statSync(file) : lstatSync(file), trust);
    if (refusal !== undefined) return { status: "refused", reason: refusal };
    fd = openSync(file, openFlags(trust));
    const stats = fstatSync(fd);
    const late = refusalOf(stats, trust);
    if (late === undefined) return { status: "opened", fd, stats };
    closeSync(fd);
    return { status: "refused", reason: late };
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    return failureOf(error);
  }
}

/** The first `maxBytes` bytes as text; undefined if there is no such file or it is not to be read. */
export function readBeginning(file: string, maxBytes: number, trust: FileTrust): string | undefined {
  const opened = openRegularFile(file, trust);
  if (opened.status !== "opened") return undefined;
  try {
    const buffer = Buffer.allocUnsafe(Math.min(maxBytes, opened.stats.size));
    let length = 0;
    while (length < buffer.length) {
      const count = readSync(opened.fd, buffer, length, buffer.length - length, length);
      if (count === 0) break;
      length += count;
    }
    return buffer.toString("utf8", 0, length);
  } catch {
    return undefined;
  } finally {
    closeSync(opened.fd);
  }
}

function refusalOf(stats: Stats, trust: FileTrust): Refusal | undefined {
  if (!stats.isFile()) return "not_regular";
  // Systems without user ids have no getuid; their files cannot be told apart this way.
  if (trust.ownOnly && process.getuid !== undefined && stats.uid !== process.getuid()) return "not_owned";
  return undefined;
}

function openFlags(trust: FileTrust): number {
  return constants.O_RDONLY | constants.O_NONBLOCK | (trust.followLinks ? 0 : constants.O_NOFOLLOW);
}

function failureOf(error: unknown): OpenedFile {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT" || code === "ENOTDIR") return { status: "missing" };
  if (code === "ELOOP" || code === "ENXIO") return { status: "refused", reason: "not_regular" };
  return { status: "refused", reason: "unreadable" };
}
