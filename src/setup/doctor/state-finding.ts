/** Whether hooks and bridge can work in the state directory: whose it is, who may write, and whether there is room. */

import { accessSync, constants, lstatSync, readdirSync, rmSync, statfsSync, type Stats, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { codeOf } from "../../store/disk.ts";
import { stateDirectory } from "../../store/state-directory.ts";
import type { Finding } from "./finding.ts";

const PROBE_BYTES = 64 * 1024;
const LITTLE_BYTES = 64 * 1024 * 1024;
/** What the owner needs to make and remove files. */
const OWNER_MAY = 0o700;

type Said = Pick<Finding, "verdict" | "text" | "fix">;

/** Writes a file there and removes it again, if the directory is there. */
export function stateFinding(home: string): Finding {
  try {
    return { hop: "state", ...looked(home) };
  } catch (error) {
    if (codeOf(error) !== "EACCES") throw error;
    return { hop: "state", verdict: "fail", text: `you may not look into ${home}`, fix: `chmod 700 ${home}` };
  }
}

function looked(home: string): Said {
  const stat = lstatSync(home, { throwIfNoEntry: false });
  if (stat === undefined) return absent(home);
  const wrongHere = wrongWith(home, stat);
  if (wrongHere !== undefined) return wrongHere;
  const paths = stateDirectory(home);
  const inner = [paths.spool, paths.sessions, paths.held, paths.outbox, paths.quarantine];
  const there = [home, ...inner].flatMap((path): [string, Stats][] => {
    const found = lstatSync(path, { throwIfNoEntry: false });
    return found === undefined ? [] : [[path, found]];
  });
  const [wrong] = there.flatMap(([path, one]) => wrongWith(path, one) ?? []);
  if (wrong !== undefined) return wrong;
  const others = readdirSync(home).find((name) => isAnothers(lstatSync(join(home, name), { throwIfNoEntry: false })));
  if (others !== undefined) return anothers(join(home, others));
  const full = written(join(home, `doctor-${process.pid}.tmp`));
  if (full !== undefined) return full;
  const open = there.find(([, { mode }]) => process.platform !== "win32" && (mode & 0o077) !== 0);
  if (open !== undefined)
    return {
      verdict: "warn",
      text: `${open[0]} is open to other users`,
      fix: `chmod 700 ${open[0]}; the next bridge does it too`,
    };
  return room(home);
}

function absent(home: string): Said {
  const above = existingAbove(home);
  try {
    accessSync(above, constants.W_OK);
    return { verdict: "ok", text: `${home} is made by the first hook` };
  } catch {
    return {
      verdict: "fail",
      text: `${home} cannot be made, for you cannot write ${above}`,
      fix: `chmod u+w ${above}`,
    };
  }
}

function wrongWith(path: string, stat: Stats): Said | undefined {
  const fix = `move ${path} away, or set HOOKSPAN_HOME to a directory of your own`;
  if (stat.isSymbolicLink()) return { verdict: "fail", text: `${path} is a symbolic link`, fix };
  if (!stat.isDirectory()) return { verdict: "fail", text: `${path} is not a directory`, fix };
  if (isAnothers(stat)) return anothers(path);
  if (process.platform !== "win32" && (stat.mode & OWNER_MAY) !== OWNER_MAY)
    return {
      verdict: "fail",
      text: `you may not write ${path} (mode ${(stat.mode & 0o777).toString(8)}), so hooks drop their events`,
      fix: `chmod 700 ${path}`,
    };
  return undefined;
}

function anothers(path: string): Said {
  const uid = lstatSync(path).uid;
  return {
    verdict: "fail",
    text: `${path} belongs to user ${uid}, not to you (${process.getuid?.() ?? "?"})`,
    fix: `sudo chown -R "$(id -u)" ${path}`,
  };
}

function written(path: string): Said | undefined {
  try {
    writeFileSync(path, Buffer.alloc(PROBE_BYTES), { flag: "wx", mode: 0o600, flush: true });
    return undefined;
  } catch (error) {
    const code = codeOf(error) ?? String(error);
    const home = dirname(path);
    const isFull = code === "ENOSPC" || code === "EDQUOT";
    const text = isFull ? `the disk of ${home} is full (${code})` : `${home} cannot be written (${code})`;
    const fix = isFull ? "make room, or set HOOKSPAN_HOME to another disk" : "see to it that the disk can be written";
    return { verdict: "fail", text, fix };
  } finally {
    rmSync(path, { force: true });
  }
}

function room(home: string): Said {
  const { bavail, bsize } = statfsSync(home);
  const free = bavail * bsize;
  const text = `${home} is yours alone, ${Math.floor(free / 1024 / 1024)} MiB free`;
  return free < LITTLE_BYTES ? { verdict: "warn", text, fix: "make room" } : { verdict: "ok", text };
}

function isAnothers(stat: Stats | undefined): boolean {
  const uid = process.getuid?.();
  return stat !== undefined && uid !== undefined && stat.uid !== uid;
}

function existingAbove(path: string): string {
  const above = dirname(path);
  return above === path || lstatSync(above, { throwIfNoEntry: false }) !== undefined ? above : existingAbove(above);
}
