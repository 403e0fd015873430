/** Whether the bridge of the state directory does its work, or none is needed just now. Wakes nothing. */

import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { announced } from "../../bridge/announcement.ts";
import { isAlive } from "../../bridge/process-alive.ts";
import { realDisk } from "../../store/disk.ts";
import { stateDirectory, type StateDirectory } from "../../store/state-directory.ts";
import { readTroubles, type Trouble } from "../../store/trouble-file.ts";
import type { Finding } from "./finding.ts";

/** A hook starts a bridge in less. */
const WAITS_TOO_LONG_MS = 60_000;

export function bridgeFinding(home: string, nowMs: number): Finding {
  const directory = stateDirectory(home);
  const troubles = readTroubles(realDisk, directory.trouble);
  const running = announced(realDisk, directory.bridge);
  const base = { hop: "bridge" } as const;
  const waiting = waitingIn(directory, nowMs);
  if (running !== undefined && isAlive(running.pid)) {
    const name = `pid ${running.pid}, since ${running.startedAt}, version ${running.version}`;
    // Renewed every 20 s, to a minute ahead.
    if ((mtimeMs(directory.lease) ?? 0) < nowMs)
      return {
        ...base,
        verdict: "fail",
        text: `the bridge (pid ${running.pid}) has given no sign of life for a minute: it hangs or is stopped`,
        fix: `kill -9 ${running.pid}; the next hook starts another`,
      };
    if (troubles.length > 0) return { ...base, verdict: "warn", text: `${name}; ${wordsOf(troubles)}` };
    return { ...base, verdict: "ok", text: name };
  }
  const last = troubles.find(({ kind }) => kind === "bridge");
  if (last !== undefined)
    return {
      ...base,
      verdict: "fail",
      text: `the last bridge ended with an error at ${last.since}: ${last.text}`,
      fix: "mend that, then `hookspan flush`, which says what is still wrong",
    };
  if (waiting > 0)
    return {
      ...base,
      verdict: "fail",
      text: `no bridge runs, and ${waiting} ${waiting === 1 ? "event waits" : "events wait"} for one longer than a minute`,
      fix: "hookspan flush",
    };
  return { ...base, verdict: "ok", text: "none runs; the next hook starts it" };
}

function waitingIn({ spool }: StateDirectory, nowMs: number): number {
  try {
    const old = (name: string) => nowMs - (mtimeMs(join(spool, name)) ?? nowMs) > WAITS_TOO_LONG_MS;
    return readdirSync(spool).filter(old).length;
  } catch {
    return 0;
  }
}

function mtimeMs(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

function wordsOf(troubles: readonly Trouble[]): string {
  return troubles.map(({ kind, text }) => `${kind}: ${text}`).join("; ");
}
