/**
 * Shows hookspan at work on a machine where nothing is installed: a recorded session goes through the real hook script
 * and the real bridge, over HTTP, into the view of `tail`. All state lies in a temporary directory, removed at the end.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { calledAs } from "../called-as.ts";
import { endBridge } from "./end-bridge.ts";
import { loadRecording } from "./load-recording.ts";
import { createReceiver } from "./receive.ts";
import { replay } from "./replay.ts";
import { runProgram } from "./run-program.ts";
import { createScreen, type Out, type Screen } from "./screen.ts";

/**
 * `program` is the path of the bundled `hookspan.cjs`; hook script and recording are found beside it. `path` is PATH. `stack` is
 * the base URL of a Collector that gets everything as well.
 */
export type DemoOptions = {
  program: string;
  stack?: string;
  path: string;
  json: boolean;
  color: boolean;
  out: Out;
  signal: AbortSignal;
};

export type DemoOutcome = { status: "done" } | { status: "failed"; reason: string };

/** Takes about 6 s; gives up after 30 s. */
export async function runDemo(options: DemoOptions): Promise<DemoOutcome> {
  const screen = createScreen({ ...options, totals: "end" });
  if (options.stack !== undefined && !(await answers(options.stack))) {
    const how = "start the stack with `npm run stack` in a clone, or with `docker compose up -d`";
    return { status: "failed", reason: `nothing listens at ${options.stack}; ${how}` };
  }
  const receiver = createReceiver({
    port: 0,
    ...(options.stack === undefined ? {} : { next: options.stack }),
    onTraces: screen.takeTraces,
    onMetrics: screen.takeMetrics,
  });
  const listening = await receiver.listen();
  if (listening.status === "failed") return listening;
  const root = mkdtempSync(join(tmpdir(), "hookspan-demo-"));
  const home = join(root, "state");
  try {
    screen.say(INTRODUCTION);
    const failure = await play(options, root, home, listening.url);
    screen.finish();
    if (failure !== undefined) return { status: "failed", reason: failure + lastWords(home) };
    if (screen.runs() === 0)
      return { status: "failed", reason: `no run arrived at ${listening.url}${lastWords(home)}` };
    farewell(screen, options);
    return { status: "done" };
  } finally {
    await endBridge(home);
    await receiver.close();
    rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

const LIMIT_MS = 30_000;

const INTRODUCTION = `A recorded session of Claude Code, replayed through the real hook and bridge: one agent, four subagents,
at the pace at which it was recorded. Spans carry names and numbers, no prompts and no contents.
`;

/** The reason if something failed. */
async function play(
  { program, path, signal }: DemoOptions,
  root: string,
  home: string,
  url: string,
): Promise<string | undefined> {
  const place = dirname(program);
  const recording = loadRecording(join(place, "recording"));
  const env = {
    // The hook starts the bridge with the node of this very process.
    PATH: `${dirname(process.execPath)}:${path}`,
    HOME: root,
    HOOKSPAN_HOME: home,
    HOOKSPAN_CONFIG: join(root, "no-config.json"),
    HOOKSPAN_ENDPOINT: url,
    CLAUDE_PID: String(process.pid),
    CLAUDE_CODE_ENTRYPOINT: "sdk-cli",
  };
  const ends = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  const hook = hookScript(program);
  try {
    await replay(recording, {
      root,
      signal: ends,
      runHook: async ({ stdin, cwd }) => {
        const { code, stderr } = await runProgram("sh", [hook, "claude-code"], {
          env,
          cwd,
          stdin,
          signal: ends,
        });
        ends.throwIfAborted();
        if (code !== 0) throw new Error(`the hook ${hook} failed (exit code ${code}): ${stderr.trim()}`);
      },
    });
    const flush = [program, "flush", "--close", "--timeout", "10"];
    const { code, stderr } = await runProgram(process.execPath, flush, {
      env,
      cwd: root,
      signal: ends,
    });
    ends.throwIfAborted();
    return code === 0 ? undefined : `flush did not deliver everything (exit code ${code}): ${stderr.trim()}`;
  } catch (error) {
    if (signal.aborted) return "stopped";
    if (ends.aborted)
      return `the demo took more than ${LIMIT_MS / 1000} s; this machine is very busy, or the bridge does not answer`;
    return error instanceof Error ? error.message : String(error);
  }
}

function hookScript(program: string): string {
  return join(dirname(program), "..", "hooks", "hookspan.sh");
}

/** The end of the bridge's log, which goes away with the directory. */
function lastWords(home: string): string {
  try {
    const lines = readFileSync(join(home, "log"), "utf8").trimEnd().split("\n").slice(-5);
    return `\nthe bridge's log ends with:\n${lines.join("\n")}`;
  } catch {
    return "";
  }
}

/** Whatever it answers. */
async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(url, { signal: AbortSignal.timeout(5000) })).body?.cancel();
    return true;
  } catch {
    return false;
  }
}

function farewell(screen: Screen, { program, path, stack }: DemoOptions): void {
  if (stack !== undefined) screen.say(`All of it is in the stack behind ${stack}, too.\n`, { type: "sent", to: stack });
  const hookspan = calledAs(program, path);
  screen.say(`For your own sessions:
  ${hookspan} install   # finds your agents, shows what would change, and asks
  ${hookspan} tail      # shows them like this, live, in a Collector's place`);
}
