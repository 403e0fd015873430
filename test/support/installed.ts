/** The built package in a directory of its own, with a state directory, a user's home and a receiver: as a user has it. */

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { onTestFinished, vi } from "vitest";

import { createHookTree, type HookRun, type HookTree } from "./hook-tree.ts";
import { plain, type OtlpMetric, type OtlpSpan } from "./otlp-json.ts";
import { createOtlpRecorder, type OtlpRecorder } from "./otlp-recorder.ts";

const PACKAGE = join(import.meta.dirname, "..", "..");
const BUNDLE = join(PACKAGE, "dist", "hookspan.cjs");

/** How a command ended, and what it said. */
export type Ended = { code: number | null; stdout: string; stderr: string };

export type Installed = {
  tree: HookTree;
  state: string;
  /** The agent's and the commands' environment. */
  env: NodeJS.ProcessEnv;
  recorder: OtlpRecorder;
  /** Runs the hook with a payload, as the agent does. It may start a bridge. */
  hook(payload: object | string | Uint8Array, env?: NodeJS.ProcessEnv): Promise<HookRun>;
  /** Runs a command to its end. */
  run(args: string[], env?: NodeJS.ProcessEnv): Promise<Ended>;
  /** Starts a command that runs until it is told to end. */
  start(args: string[], env?: NodeJS.ProcessEnv): { child: ChildProcess; ended: Promise<Ended> };
  /** Processes that run the package's bundle. */
  bridges(): Promise<number[]>;
  /** The pid of the bridge that has the directory, once it has it. */
  bridge(): Promise<number>;
  spool(): string[];
  spans(): OtlpSpan[];
  /** The newest value of a counter at the receiver, added up over its series. */
  counted(metric: string): number;
};

/** Fails if the package is not built. Every process that it starts is ended after the test. */
export async function install(): Promise<Installed> {
  if (!existsSync(BUNDLE)) throw new Error(`${BUNDLE} is missing; run "npm run build" first, as "npm test" does`);
  const script = join(PACKAGE, "hooks", "hookspan.sh");
  const tree = createHookTree({ name: "sh", place: "hooks/hookspan.sh", source: script, runner: ["sh"] });
  cpSync(BUNDLE, tree.bundle);
  cpSync(join(dirname(BUNDLE), "recording"), join(dirname(tree.bundle), "recording"), { recursive: true });
  const home = join(tree.root, "home");
  mkdirSync(home);
  const recorder = await createOtlpRecorder();
  const { state } = tree;
  const env = {
    PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
    HOME: home,
    HOOKSPAN_HOME: state,
    HOOKSPAN_CONFIG: join(home, "config.json"),
    HOOKSPAN_ENDPOINT: recorder.url,
    CLAUDE_PID: String(process.pid),
    CLAUDE_CODE_ENTRYPOINT: "cli",
  };
  const bridges = (): Promise<number[]> => processesOf(tree.bundle);
  onTestFinished(async () => {
    for (const pid of await bridges()) kill(pid, "SIGTERM");
    await vi.waitFor(async () => {
      if ((await bridges()).length > 0) throw new Error("a bridge does not leave");
    }, WAIT);
    await recorder.close();
  });
  const start: Installed["start"] = (args, more = {}) => {
    const child = spawn(process.execPath, [tree.bundle, ...args], { env: { ...env, ...more }, cwd: tree.root });
    return { child, ended: endOf(child) };
  };

  return {
    tree,
    state,
    env,
    recorder,
    hook: (payload, more = {}) => {
      const isBytes = typeof payload === "string" || payload instanceof Uint8Array;
      return tree.run(isBytes ? payload : `${JSON.stringify(payload)}\n`, { env: { ...env, ...more } });
    },
    run: (args, more) => start(args, more).ended,
    start,
    bridges,
    bridge: () =>
      vi.waitFor(() => {
        const pid = Number(readFileSync(join(state, "lease"), "utf8").split("\n")[0]);
        if (!kill(pid, 0) || !existsSync(join(state, "bridge.json"))) throw new Error("no bridge has the directory");
        return pid;
      }, WAIT),
    spool: () => (existsSync(join(state, "spool")) ? readdirSync(join(state, "spool")) : []),
    spans: () => spansIn(recorder.requests),
    counted: (name) => newestIn(recorder.requests, name),
  };
}

/** As `install`, with all that `hookspan install` copies from its package. */
export async function installWhole(): Promise<Installed> {
  const installed = await install();
  const root = dirname(dirname(installed.tree.bundle));
  cpSync(join(PACKAGE, "dist", "hook.cjs"), join(root, "dist", "hook.cjs"));
  cpSync(join(PACKAGE, "hooks"), join(root, "hooks"), { recursive: true });
  return installed;
}

type Requests = readonly Pick<OtlpRecorder["requests"][number], "body">[];

export function spansIn(requests: Requests): OtlpSpan[] {
  return requests.flatMap(({ body }) =>
    (body.resourceSpans ?? []).flatMap((one) => one.scopeSpans.flatMap(({ spans }) => spans)),
  );
}

/** The newest value of a counter in requests, added up over its series. */
export function newestIn(requests: Requests, name: string): number {
  const series = new Map<string, number>();
  const metrics: OtlpMetric[] = requests.flatMap(({ body }) =>
    (body.resourceMetrics ?? []).flatMap((one) => one.scopeMetrics.flatMap((scope) => scope.metrics)),
  );
  for (const metric of metrics.filter((one) => one.name === name)) {
    for (const point of metric.sum?.dataPoints ?? []) {
      series.set(JSON.stringify(plain(point.attributes)), Number(point.asInt ?? point.asDouble));
    }
  }
  return [...series.values()].reduce((sum, value) => sum + value, 0);
}

/** Long enough for a machine that is busy with other tests. */
export const WAIT = { timeout: 20_000, interval: 20 };

/** Sends a signal; false if there is no such process. */
export function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

async function endOf(child: ChildProcess): Promise<Ended> {
  const said = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (said.stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (said.stderr += text));
  await once(child, "close");
  return { code: child.exitCode, ...said };
}

async function processesOf(bundle: string): Promise<number[]> {
  // The hook names the bundle by a path with "..": what the two have in common is the package's own directory.
  const { stdout } = await promisify(execFile)("ps", ["-eo", "pid=,stat=,args="], { maxBuffer: 2 ** 26 });
  const root = dirname(dirname(bundle));
  return stdout
    .split("\n")
    .filter((line) => line.includes(root) && line.includes("hookspan.cjs") && !/^\s*\d+\s+Z/.test(line))
    .map((line) => Number.parseInt(line, 10));
}
