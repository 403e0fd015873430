/**
 * Puts an event into a spool. `runHook` is the real hook in a process of its own; under dash, whose EPOCHREALTIME is that of
 * its environment, it takes the time that it is told. `putEnvelope` writes the file that this hook would write, byte for
 * byte but for its ids, where processes would be too many.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { randomUUID } from "node:crypto";
import { renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const HOOK = join(import.meta.dirname, "../../hooks/hookspan.sh");

export type HookCall = { state: string; payload: string; atMs: number };

/** How a hook is killed: `group`: with what it started, as when the machine's memory is full; else the shell alone. */
export type HookKill = { afterMs: number; group: boolean; halfway: boolean };

/** @throws Error if the hook said something or failed, where it was not killed. */
export async function runHook({ state, payload, atMs }: HookCall, kill?: HookKill): Promise<void> {
  const env = {
    PATH: process.env["PATH"],
    HOOKSPAN_HOME: state,
    HOOKSPAN_AUTOSTART: "0",
    EPOCHREALTIME: secondsOf(atMs),
    ...markers(),
  };
  const child = spawn("dash", [HOOK, "claude-code"], {
    env,
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
    cwd: "/",
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (said += text.toString()));
  // A hook that is killed leaves a broken pipe.
  child.stdin.on("error", () => {});
  const closed = once(child, "close");
  if (kill === undefined) {
    child.stdin.end(payload);
  } else {
    if (kill.halfway) child.stdin.write(payload.slice(0, payload.length / 2));
    else child.stdin.end(payload);
    await sleep(kill.afterMs);
    const target = kill.group ? -(child.pid ?? 0) : child.pid;
    if (child.exitCode === null && target) tryToKill(target);
    child.stdin.end();
  }
  await closed;
  if (kill === undefined && (child.exitCode !== 0 || said !== ""))
    throw new Error(`a hook ended with ${child.exitCode ?? child.signalCode} and said "${said}"`);
}

export function putEnvelope({ state, payload, atMs }: HookCall): void {
  const id = `${process.pid}.${randomUUID()}`;
  const marks = Object.entries(markers()).map(([name, value]) => `env.${name}=${value}\n`);
  const header = `v=1\nid=${id}\nagent=claude-code\ntime=${secondsOf(atMs)}\npid=${process.pid}\nppid=${process.ppid}\ncwd=/\n`;
  const text = `${header}${marks.join("")}\n${payload}\nend=${id}\n`;
  const draft = join(state, `${id}.draft`);
  writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
  // As if written then, but never before the header's time, or that would be clamped. Moved, for a bridge may be quick.
  utimesSync(draft, (atMs + 1) / 1000, (atMs + 1) / 1000);
  renameSync(draft, join(state, "spool", `${id}.evt`));
}

/** An agent that lives, so that nothing is taken for abandoned. */
function markers(): Record<string, string> {
  return { CLAUDE_PID: String(process.pid), CLAUDE_CODE_ENTRYPOINT: "sdk-cli" };
}

function secondsOf(ms: number): string {
  return `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, "0")}000`;
}

function tryToKill(target: number): void {
  try {
    process.kill(target, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
