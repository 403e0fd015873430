import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { once } from "node:events";

import { type ParsedEnvelope, parseEnvelope } from "../../src/event/envelope.ts";
import { tempDirectory } from "./temp-state.ts";

/** A program that keeps the hook's contract. */
export type Hook = {
  name: string;
  /** Where its file lies in an installed package. */
  place: "hooks/hookspan.sh" | "dist/hook.cjs";
  /** The file to install. */
  source: string;
  /** What runs the file: program and arguments before it. */
  runner: string[];
};

/** How a hook ended. `brokenPipe`: the agent could not write the whole payload. */
export type HookRun = {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  brokenPipe: boolean;
};

/** The one way a hook may end. */
export const QUIET: HookRun = { code: 0, signal: null, stdout: "", stderr: "", brokenPipe: false };

/** A package with a hook in it, a state directory and a user's home, in a directory whose name has what shells stumble on. */
export type HookTree = {
  root: string;
  state: string;
  hookFile: string;
  env: NodeJS.ProcessEnv;
  /** Where the hook looks for the bridge's bundle. It is missing until a test writes it. */
  bundle: string;
  start(options?: RunOptions): ChildProcess;
  run(input?: string | Uint8Array, options?: RunOptions): Promise<HookRun>;
  /** Every envelope in the spool, whole or not. */
  spooled(): ParsedEnvelope[];
};

type RunOptions = {
  args?: string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Runs the hook: program and arguments before the hook's own command. */
  through?: string[];
};

/** Installs `hook` in a fresh tree. Its autostart is off. The tree is removed after the test. */
export function createHookTree(hook: Hook): HookTree {
  const root = join(tempDirectory(), `it's a "tree" $HOME *`);
  const state = join(root, "state");
  const hookFile = join(root, hook.place);
  mkdirSync(dirname(hookFile), { recursive: true });
  mkdirSync(join(root, "dist"), { recursive: true });
  cpSync(hook.source, hookFile);
  const env = { PATH: process.env["PATH"], HOME: join(root, "home"), HOOKSPAN_HOME: state, HOOKSPAN_AUTOSTART: "0" };
  const start = ({ args = ["claude-code"], through = [], ...options }: RunOptions = {}): ChildProcess => {
    const [program = "", ...rest] = [...through, ...hook.runner, hookFile, ...args];
    return spawn(program, rest, {
      env,
      cwd: root,
      ...options,
      // Agents leak descriptors; the fourth stands for those.
      stdio: ["pipe", "pipe", "pipe", "pipe"],
      detached: true,
    });
  };
  return {
    root,
    state,
    hookFile,
    env,
    bundle: join(root, "dist/hookspan.cjs"),
    start,
    run: (input = "{}\n", options) => finish(start(options), input),
    spooled: () => spooled(join(state, "spool")),
  };
}

/** Where a program lies. @throws Error naming the package that brings it. */
export function programPath(name: string): string {
  const directory = (process.env["PATH"] ?? "").split(delimiter).find((each) => existsSync(join(each, name)));
  if (directory === undefined) throw new Error(`this test runs the hook under ${name}; install the package "${name}"`);
  return join(directory, name);
}

/** Writes a lease whose time lies `aheadS` seconds after now, or, negative, before. */
export function writeLease(state: string, content: string, aheadS: number): void {
  mkdirSync(join(state, "spool"), { recursive: true, mode: 0o700 });
  const lease = join(state, "lease");
  writeFileSync(lease, content);
  const time = Date.now() / 1000 + aheadS;
  utimesSync(lease, time, time);
}

async function finish(child: ChildProcess, input: string | Uint8Array): Promise<HookRun> {
  const output = { stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()));
  let brokenPipe = false;
  child.stdin?.on("error", () => (brokenPipe = true));
  child.stdin?.end(input);
  await once(child, "close");
  return { code: child.exitCode, signal: child.signalCode, ...output, brokenPipe };
}

function spooled(spool: string): ParsedEnvelope[] {
  if (!existsSync(spool)) return [];
  return readdirSync(spool).map((name) => {
    const path = join(spool, name);
    return parseEnvelope(readFileSync(path), statSync(path, { bigint: true }).mtimeNs);
  });
}
