/** Replays a recording from outside, as an agent and a CI job would: the real hook script, then the built program's flush. */

import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import type { Recording } from "../../src/view/load-recording.ts";
import { relocate } from "../../src/view/replay.ts";
import { runProgram } from "../../src/view/run-program.ts";

const ROOT = join(import.meta.dirname, "../..");
const HOOK = join(ROOT, "hooks/hookspan.sh");
const PROGRAM = join(ROOT, "dist/hookspan.cjs");

/**
 * `root` gets the state directory and the home that takes the place of the recorded user's; a configuration is there if
 * `root` has a `config.json`.
 */
export async function replayThroughHook(recording: Recording, root: string, agent = "claude-code"): Promise<void> {
  const home = join(root, "home");
  const { path, env } = environment(root);
  writeTranscripts(recording, home);
  const project = join(home, "project");
  mkdirSync(project, { recursive: true });
  const before = new Set(envelopes(root));
  for (const hook of recording.hooks) {
    const stdin = relocate(hook.stdin, recording.home, home);
    const around = { ...env, PATH: path, ...markersOf(hook.env ?? {}) };
    const result = await runProgram("sh", [HOOK, agent], { env: around, cwd: project, stdin });
    if (result.code !== 0) throw new Error(`the hook ended with ${result.code}: ${result.stderr}`);
    const made = envelopes(root).filter((name) => !before.has(name));
    if (made.length !== 1) throw new Error(`the hook put ${made.length} envelopes for one ${hook.event}`);
    for (const name of made) {
      moveTo(join(spoolOf(root), name), hook.atNs);
      before.add(name);
    }
  }
}

/** Resolves when all was accepted. @throws Error if the program says that it was not. */
export async function flushTo(endpoint: string, root: string): Promise<void> {
  const { path, env } = environment(root);
  await promisify(execFile)(process.execPath, [PROGRAM, "flush", "--close", "--timeout", "60"], {
    cwd: root,
    env: { ...env, PATH: path, HOOKSPAN_ENDPOINT: endpoint },
  });
}

function environment(root: string): { path: string; env: Record<string, string> } {
  return {
    path: process.env["PATH"] ?? "",
    env: {
      HOME: join(root, "home"),
      HOOKSPAN_HOME: join(root, "state"),
      HOOKSPAN_CONFIG: join(root, "config.json"),
      HOOKSPAN_AUTOSTART: "0",
      // An agent that lives: nothing is taken for abandoned.
      CLAUDE_PID: String(process.pid),
      CLAUDE_CODE_ENTRYPOINT: "sdk-cli",
    },
  };
}

/** Of what was recorded around a hook: what its adapter reads. */
function markersOf({ HERMES_INTERACTIVE: isInteractive, TRACEPARENT: traceparent }: Record<string, string>) {
  return {
    ...(isInteractive === undefined ? {} : { HERMES_INTERACTIVE: isInteractive }),
    ...(traceparent === undefined ? {} : { TRACEPARENT: traceparent }),
  };
}

function writeTranscripts({ transcripts, metas, home: recorded }: Recording, home: string): void {
  const files = [
    ...metas,
    ...transcripts.map(({ path, lines }) => ({ path, text: lines.map(({ text }) => `${text}\n`).join("") })),
  ];
  for (const { path, text } of files) {
    const file = path.replace(recorded, home);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, relocate(text, recorded, home));
  }
}

function spoolOf(root: string): string {
  return join(root, "state", "spool");
}

function envelopes(root: string): string[] {
  try {
    return readdirSync(spoolOf(root));
  } catch {
    return [];
  }
}

/** The hook's clock cannot be moved, so its envelope is: header and file say the recorded time, which some shells leave out. */
function moveTo(envelope: string, atNs: bigint): void {
  const bytes = readFileSync(envelope);
  const headerEnd = bytes.indexOf("\n\n");
  const header = bytes.toString("utf8", 0, headerEnd).replace(/\ntime=.*/, "");
  const time = `${atNs / 1_000_000_000n}.${String(atNs % 1_000_000_000n).padStart(9, "0")}`;
  writeFileSync(envelope, Buffer.concat([Buffer.from(`${header}\ntime=${time}`), bytes.subarray(headerEnd)]));
  // Not before the header's time, or that would be clamped.
  const fileTime = Number(atNs) / 1e9 + 0.001;
  utimesSync(envelope, fileTime, fileTime);
}
