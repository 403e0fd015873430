/**
 * Shows what would be sent, and sends none of it: the real bridge works on a copy, in a temporary directory, and exports to a
 * receiver in this very process. So what is shown is what would have left, byte for byte, and the state directory, where a
 * bridge may be at work, is only read.
 */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { copyState } from "./copy-state.ts";
import { layOut } from "./lay-out.ts";
import { loadRecording } from "./load-recording.ts";
import { type PreviewRequest, previewText } from "./preview-text.ts";
import { createReceiver } from "./receive.ts";
import { runProgram } from "./run-program.ts";
import type { Out } from "./screen.ts";

/** What is shown: all that waits in a state directory, or a recorded session (a folder with `hooks.jsonl`). */
export type PreviewOf = { kind: "waiting"; home: string } | { kind: "recorded"; folder: string; agent: string };

/**
 * `program` is the path of the bundled `hookspan.cjs`, `env` the user's environment. `json` prints the request bodies as they would be sent, one in a line, else readable text.
 */
export type PreviewOptions = {
  program: string;
  env: Record<string, string | undefined>;
  of: PreviewOf;
  capture: string;
  json: boolean;
  out: Out;
};

export type PreviewEnd = { status: "shown" } | { status: "nothing" } | { status: "failed"; reason: string };

/** @throws if the recording cannot be read, or the disk has no room for the copy. */
export async function runPreview(options: PreviewOptions): Promise<PreviewEnd> {
  const { of } = options;
  if (of.kind === "recorded" && !existsSync(join(of.folder, "hooks.jsonl")))
    return { status: "failed", reason: `no recording in ${of.folder}: it has no hooks.jsonl` };
  const requests: PreviewRequest[] = [];
  const keep = (signal: PreviewRequest["signal"]) => (body: unknown) => {
    requests.push({ signal, body });
    return { status: "taken" } as const;
  };
  const receiver = createReceiver({ port: 0, onTraces: keep("traces"), onMetrics: keep("metrics") });
  const listening = await receiver.listen();
  if (listening.status === "failed") return listening;
  const root = mkdtempSync(join(tmpdir(), "hookspan-preview-"));
  try {
    const home = join(root, "state");
    prepare(of, root, home);
    const failure = await flushInto(options, root, home, listening.url);
    if (failure !== undefined) return { status: "failed", reason: failure };
  } finally {
    await receiver.close();
    rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
  // Where there are no spans, totals say nothing about a session: they are sent again and again.
  if (requests.every(({ signal }) => signal === "metrics")) return { status: "nothing" };
  options.out.write(
    options.json ? requests.map(({ body }) => `${JSON.stringify(body)}\n`).join("") : previewText(requests),
  );
  return { status: "shown" };
}

const LIMIT_S = 30;

function prepare(of: PreviewOf, root: string, home: string): void {
  if (of.kind === "waiting") copyState(of.home, home);
  else layOut(loadRecording(of.folder), { agent: of.agent, root, home });
}

/** The reason if something failed. */
async function flushInto(
  { program, env, capture, of }: PreviewOptions,
  root: string,
  home: string,
  url: string,
): Promise<string | undefined> {
  const args = [program, "flush", "--close", "--timeout", String(LIMIT_S), "--log-level", "error"];
  const { code, stderr } = await runProgram(process.execPath, args, {
    env: {
      ...known(env),
      // Nothing of a destination but this one, though the rest of the configuration counts: it decides what is sent.
      HOOKSPAN_ENDPOINT: url,
      HOOKSPAN_HOME: home,
      HOOKSPAN_DISABLED: "",
      OTEL_SDK_DISABLED: "",
      HOOKSPAN_CAPTURE: capture,
    },
    cwd: of.kind === "recorded" ? root : dirname(program),
  });
  return code === 0 ? undefined : stderr.trim().replace(/^hookspan: /, "");
}

function known(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
}
