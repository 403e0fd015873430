/** The layout of a state directory. Everything in it is private: directories 0700, files 0600. */

import { createHash } from "node:crypto";
import { join, resolve } from "node:path";

import { ifPresent } from "./disk.ts";
import type { Disk } from "./disk.ts";

/** Absolute paths of what lies in a state directory. */
export type StateDirectory = {
  home: string;
  spool: string;
  quarantine: string;
  sessions: string;
  held: string;
  outbox: string;
  /** Made by the status line tap where it is in use. */
  statusline: string;
  totals: string;
  index: string;
  commit: string;
  lease: string;
  bridge: string;
  instanceId: string;
  intakeToken: string;
  deliveries: string;
  identity: string;
  log: string;
  trouble: string;
  activity: string;
};

/** The paths below `home`. Touches no disk. */
export function stateDirectory(home: string): StateDirectory {
  // Resolved, for `lstat` follows a link whose name ends in a slash.
  const root = resolve(home);
  return {
    home: root,
    spool: join(root, "spool"),
    quarantine: join(root, "quarantine"),
    sessions: join(root, "sessions"),
    held: join(root, "held"),
    outbox: join(root, "outbox"),
    statusline: join(root, "statusline"),
    totals: join(root, "totals.json"),
    index: join(root, "index.json"),
    commit: join(root, "commit.json"),
    lease: join(root, "lease"),
    bridge: join(root, "bridge.json"),
    instanceId: join(root, "instance-id"),
    intakeToken: join(root, "intake-token"),
    deliveries: join(root, "deliveries.json"),
    identity: join(root, "identity.json"),
    log: join(root, "log"),
    trouble: join(root, "trouble.json"),
    activity: join(root, "activity.json"),
  };
}

/**
 * Creates what is missing and closes to others what is open to them. Throws if the directory, or one of those in it,
 * is a link, no directory, or another user's: who owns it could read prompts or make us write elsewhere.
 */
export function createStateDirectory(disk: Disk, home: string): StateDirectory {
  const paths = stateDirectory(home);
  for (const directory of [paths.home, paths.spool, paths.quarantine, paths.sessions, paths.held, paths.outbox]) {
    if (ifPresent(() => disk.facts(directory)) === undefined) disk.makeDirectory(directory);
    const facts = disk.facts(directory);
    const uid = process.getuid?.();
    if (facts.kind === "link") refuse(directory, "is a symbolic link");
    if (facts.kind !== "directory") refuse(directory, "is not a directory");
    if (uid !== undefined && facts.uid !== uid) refuse(directory, `belongs to user ${facts.uid}, not to ${uid}`);
    if (process.platform !== "win32" && facts.mode !== 0o700) disk.chmod(directory, 0o700);
  }
  return paths;
}

/**
 * The file name of a session. Ids come from outside and may hold slashes, dots or kilobytes; a hash is a safe name of
 * fixed length, and the NUL keeps `a` + `bc` apart from `ab` + `c`.
 */
export function sessionFile(agent: string, sessionId: string): string {
  return `${createHash("sha256").update(`${agent}\0${sessionId}`).digest("hex").slice(0, 32)}.json`;
}

function refuse(directory: string, why: string): never {
  throw new Error(`state directory ${directory} ${why}; remove it or set HOOKSPAN_HOME to a directory of your own`);
}
