/**
 * Runs a registered command as its agent does, with a payload of our own and a state directory of our own, which goes afterwards.
 * Nothing of it is ever sent: the bridge that starts there has an endpoint that nobody listens on.
 */

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { announced } from "../../bridge/announcement.ts";
import { isAlive } from "../../bridge/process-alive.ts";
import type { Environment } from "../../config/env.ts";
import { realDisk } from "../../store/disk.ts";
import { stateDirectory } from "../../store/state-directory.ts";
import { readTroubles } from "../../store/trouble-file.ts";
import type { AgentName } from "../agents.ts";
import type { Finding } from "./finding.ts";

/** A registered command, and the event that it is registered for. */
export type HookCommand = { agent: AgentName; event: string; command: string };

const RUNS = 3;
const HOOK_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 20_000;
const LEAVE_TIMEOUT_MS = 5000;
const POLL_MS = 20;
/** Beyond it the agent is kept waiting to no purpose. */
const SLOW_MS = 1000;

/** Whether the command puts an event into the spool, and how long it takes for that: the median of three runs. */
export async function hookFinding(hook: HookCommand, env: Environment): Promise<Finding> {
  const base = { hop: "hook", agent: hook.agent } as const;
  return inTemporaryState(async (home) => {
    const times: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const began = performance.now();
      const end = await ran(hook, home, { ...env, HOOKSPAN_AUTOSTART: "0" });
      times.push(performance.now() - began);
      if (end !== "0") return { ...base, verdict: "fail", text: `${hook.command}: ${end}`, fix: "hookspan install" };
    }
    const wrote = envelopesIn(home).filter(isWhole);
    if (wrote.length < RUNS)
      return {
        ...base,
        verdict: "fail",
        text: `${hook.command} writes no event`,
        fix: `hookspan install ${hook.agent}`,
      };
    const ms = Math.round(times.sort((a, b) => a - b)[1] ?? 0);
    if (ms > SLOW_MS)
      return { ...base, verdict: "warn", text: `takes ${ms} ms`, fix: "look what keeps this machine busy", ms };
    return { ...base, verdict: "ok", text: `writes an event in ${ms} ms`, ms };
  });
}

/** Whether the hook gets a bridge started that takes its event in. */
export async function startFinding(hook: HookCommand, env: Environment): Promise<Finding> {
  const base = { hop: "start" } as const;
  if (env["HOOKSPAN_AUTOSTART"] === "0")
    return {
      ...base,
      verdict: "unknown",
      text: "HOOKSPAN_AUTOSTART=0 stands here: a hook starts no bridge, so one must run already",
    };
  return inTemporaryState(async (home) => {
    const began = performance.now();
    await ran(hook, home, env);
    const { bridge } = stateDirectory(home);
    const hasTaken = () => announced(realDisk, bridge) !== undefined && envelopesIn(home).length === 0;
    while (!hasTaken() && performance.now() - began < START_TIMEOUT_MS && !existsSync(join(home, "no-node")))
      await sleep(POLL_MS);
    const ms = Math.round(performance.now() - began);
    if (hasTaken()) return { ...base, verdict: "ok", text: `a hook gets a bridge started in ${ms} ms`, ms };
    const trouble = readTroubles(realDisk, stateDirectory(home).trouble).find(({ kind }) => kind === "bridge");
    const why = existsSync(join(home, "no-node")) ? "it finds no node" : (trouble?.text ?? `none in ${ms} ms`);
    return { ...base, verdict: "fail", text: `a hook gets no bridge started: ${why}`, fix: "hookspan install" };
  });
}

/** "0" for a good end, else what happened. */
function ran({ command, event }: HookCommand, home: string, env: Environment): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(command, {
      shell: true,
      cwd: dirname(home),
      stdio: ["pipe", "pipe", "pipe"],
      timeout: HOOK_TIMEOUT_MS,
      killSignal: "SIGKILL",
      env: {
        ...env,
        HOOKSPAN_HEADERS: undefined,
        HOOKSPAN_HOME: home,
        HOOKSPAN_CONFIG: join(home, "no-config.json"),
        HOOKSPAN_ENDPOINT: "http://127.0.0.1:1",
      },
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (said += text));
    // A command that is not there takes no payload.
    child.stdin.on("error", () => undefined);
    child.stdin.end(JSON.stringify({ session_id: "hookspan-doctor", hook_event_name: event, cwd: dirname(home) }));
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(said === "" ? "0" : "prints something, which agents take for an answer");
      const words = said.replaceAll(/\s+/g, " ").trim().slice(0, 200);
      resolve(signal === null ? `ends with ${code}${words === "" ? "" : ` (${words})`}` : "does not end");
    });
  });
}

async function inTemporaryState(look: (home: string) => Promise<Finding>): Promise<Finding> {
  const root = mkdtempSync(join(tmpdir(), "hookspan-doctor-"));
  const home = join(root, "state");
  try {
    return await look(home);
  } finally {
    await endBridgeOf(home);
    rmSync(root, { recursive: true, force: true });
  }
}

async function endBridgeOf(home: string): Promise<void> {
  const pid = announced(realDisk, stateDirectory(home).bridge)?.pid;
  if (pid === undefined || !isAlive(pid)) return;
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    for (const from = performance.now(); isAlive(pid) && performance.now() - from < LEAVE_TIMEOUT_MS;)
      await sleep(POLL_MS);
  }
}

function envelopesIn(home: string): string[] {
  const spool = join(home, "spool");
  return existsSync(spool) ? readdirSync(spool).map((name) => join(spool, name)) : [];
}

function isWhole(path: string): boolean {
  return /\nend=[^\n]+\n$/.test(readFileSync(path, "utf8"));
}
