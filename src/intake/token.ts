import { randomBytes } from "node:crypto";

import { writeFileAtomically } from "../store/atomic-file.ts";
import { ifPresent, type Disk } from "../store/disk.ts";

const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** 32 random bytes, safe in a URL and a header. */
export function newToken(): string {
  return randomBytes(32).toString("base64url");
}

/**
 * The token that outlives a bridge, made once: what names a fixed port in its settings cannot look it up anew. A file that
 * others could have read or written is replaced, for its secret is none. @throws the disk's own error.
 */
export function persistentToken(disk: Disk, path: string): string {
  const known = ifPresent(() => privateText(disk, path));
  if (known !== undefined && TOKEN.test(known)) return known;
  const made = newToken();
  writeFileAtomically(disk, path, `${made}\n`);
  return made;
}

/** What a file says that is the user's own and nobody else's to read; undefined for any other. @throws the disk's own error. */
export function privateText(disk: Disk, path: string): string | undefined {
  const { kind, uid, mode } = disk.facts(path);
  const isOurs = process.platform === "win32" || (uid === process.getuid?.() && (mode & 0o077) === 0);
  return kind === "file" && isOurs ? disk.read(path).toString().trim() : undefined;
}
