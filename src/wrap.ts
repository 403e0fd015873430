/**
 * The wrapper's Node twin, for systems without sh: does what `hooks/hookspan-wrap.sh` does, and one contract suite runs
 * against both.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { basename, join } from "node:path";

export type WrapOptions = {
  agent: string;
  event: string;
  name?: string;
  source?: string;
  settings?: string;
  /** Program and arguments; not empty. */
  command: readonly string[];
  /** Where the hook's own Node twin lies. */
  hookFile: string;
};

/** How the wrapped command ended, for the caller to end the same way. */
export type WrapEnd = { code: number } | { signal: NodeJS.Signals };

const SIGNALS = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR2"] as const;
const SIGNAL_CODES: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGKILL: 137 };
/** A decision stands in the first of what a hook prints. */
const MAX_LOOKED_AT = 256 * 1024;
/** The envelope of a larger payload would be dropped. */
const MAX_PAYLOAD = 32 * 1024 * 1024;
/** A child that the hook has left behind may hold its stdout. */
const DRAIN_MS = 200;
const NO = /"(?:decision|permissionDecision|permission)":"(?:block|deny)"|"action":"block"/;
const STOP = '"continue":false';

/** Runs the command as it is, and sees to a report of its run. Never rejects: a command that cannot be started ends with 127. */
export async function wrap(options: WrapOptions): Promise<WrapEnd> {
  const [program = "", ...args] = options.command;
  const beganMs = Date.now();
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], windowsHide: true });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of SIGNALS) process.on(signal, pass);
  const payload = passStdin(child);
  const printed = passStdout(child);
  const end = await ended(child, program);
  const endedMs = Date.now();
  await printed.drained;
  process.stdin.destroy();
  for (const signal of SIGNALS) process.off(signal, pass);
  report(options, Buffer.concat(payload), {
    NAME: options.name || basename(program),
    SOURCE: options.source,
    SETTINGS: options.settings,
    CODE: String("code" in end ? end.code : (SIGNAL_CODES[end.signal] ?? 143)),
    BEGAN: (beganMs / 1000).toFixed(3),
    ENDED: (endedMs / 1000).toFixed(3),
    DECISION: decisionIn(Buffer.concat(printed.chunks).toString("utf8").replaceAll(/\s/g, "")),
  });
  return end;
}

/** The hook gets what comes as it comes. It need not read it, and we read on, for the payload says whose run it is. */
function passStdin(child: ChildProcess): Buffer[] {
  const chunks: Buffer[] = [];
  let size = 0;
  child.stdin?.on("error", () => {});
  process.stdin.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= MAX_PAYLOAD) chunks.push(chunk);
    if (child.stdin?.writable === true && !child.stdin.write(chunk)) {
      process.stdin.pause();
      child.stdin.once("drain", () => process.stdin.resume());
      child.stdin.once("close", () => process.stdin.resume());
    }
  });
  process.stdin.on("end", () => child.stdin?.end());
  process.stdin.on("error", () => child.stdin?.end());
  return chunks;
}

function passStdout(child: ChildProcess): { chunks: Buffer[]; drained: Promise<unknown> } {
  const chunks: Buffer[] = [];
  let size = 0;
  child.stdout?.on("data", (chunk: Buffer) => {
    if (size < MAX_LOOKED_AT) chunks.push(chunk);
    size += chunk.length;
  });
  child.stdout?.pipe(process.stdout, { end: false });
  // Silence after the end, for what was written before it may take its time on a busy machine.
  const exited = new Promise<void>((resolve) => {
    child.on("exit", () => {
      const silence = setTimeout(resolve, DRAIN_MS);
      child.stdout?.on("data", () => silence.refresh());
    });
  });
  const closed = new Promise((resolve) => void child.on("close", resolve).on("error", resolve));
  return { chunks, drained: Promise.race([closed, exited]) };
}

async function ended(child: ChildProcess, program: string): Promise<WrapEnd> {
  try {
    await once(child, "exit");
  } catch (error) {
    process.stderr.write(`hookspan: cannot run ${program}: ${error instanceof Error ? error.message : "unknown"}\n`);
    return { code: error instanceof Error && "code" in error && error.code === "EACCES" ? 126 : 127 };
  }
  return child.signalCode === null ? { code: child.exitCode ?? 1 } : { signal: child.signalCode };
}

/** What an agent takes for a no, or for the word that all shall end, which it heeds first. */
function decisionIn(printed: string): "block" | "stop" | undefined {
  if (!printed.startsWith("{")) return undefined;
  if (printed.includes(STOP)) return "stop";
  return NO.test(printed) ? "block" : undefined;
}

/** By our own hook, in a session of its own, for the agent may kill the group. What goes wrong here, nobody shall notice. */
function report(
  { agent, event, hookFile }: WrapOptions,
  payload: Buffer,
  words: Record<string, string | undefined>,
): void {
  const told = Object.entries(words).map(([name, value]) => [`HOOKSPAN_WRAP_${name}`, value ?? ""]);
  const hook = spawn(process.execPath, [hookFile, agent, event], {
    env: { ...process.env, ...Object.fromEntries(told) },
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
    windowsHide: true,
  });
  hook.on("error", () => {});
  hook.stdin.on("error", () => {});
  hook.stdin.end(payload);
  hook.unref();
}

/** Where the hook's Node twin lies: beside the bundle that runs. */
export function hookBeside(bundleFolder: string): string {
  return join(bundleFolder, "hook.cjs");
}
