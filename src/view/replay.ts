/** Replays a recording at its own pace: hooks are called and transcripts grow as they did, with times moved to now. */

import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Recording } from "./load-recording.ts";

/** One thing that happened, at its recorded time. */
export type ReplayStep =
  | { kind: "hook"; atNs: bigint; event: string; stdin: string; env?: Record<string, string> }
  | { kind: "line"; atNs: bigint; path: string; text: string }
  | { kind: "meta"; atNs: bigint; path: string; text: string };

/** `root` takes the place of the recorded home directory. `runHook` hands one payload to a hook and waits for its end. */
export type ReplayOptions = {
  root: string;
  runHook: (call: { event: string; stdin: string; cwd: string }) => Promise<void>;
  signal?: AbortSignal;
};

/** All steps in the order of their time; what a file says comes before a hook of the same instant. */
export function replaySteps(recording: Recording): ReplayStep[] {
  const steps: ReplayStep[] = [
    ...recording.metas.map((meta) => ({ kind: "meta" as const, ...meta })),
    ...recording.transcripts.flatMap(({ path, lines }) =>
      lines.map((line) => ({ kind: "line" as const, path, ...line })),
    ),
    ...recording.hooks.map((hook) => ({ kind: "hook" as const, ...hook })),
  ];
  return steps.sort((a, b) => (a.atNs < b.atNs ? -1 : a.atNs > b.atNs ? 1 : 0));
}

/** Puts `root` in place of the recorded home directory, in JSON text. */
export function relocate(text: string, home: string, root: string): string {
  return text.replaceAll(`${home}/`, `${JSON.stringify(root).slice(1, -1)}/`);
}

/** Moves the times in a transcript line by `byNs`; a client's own start time, which must stay one and the same, by `startByNs`. */
export function moveTimes(text: string, byNs: bigint, startByNs: bigint): string {
  const moved = text.replaceAll(/"timestamp":"(\d{4}-\d\d-\d\dT[\d:.]+Z)"/g, (_, at: string) => {
    return `"timestamp":"${new Date(Date.parse(at) + toMs(byNs)).toISOString()}"`;
  });
  if (!text.startsWith('{"type":"cost-state"')) return moved;
  return moved.replace(/"startTime":(\d+)/, (_, at: string) => `"startTime":${Number(at) + toMs(startByNs)}`);
}

/**
 * Runs all steps; ends early, by an `AbortError`, when the signal says so. Where the machine is slower than the recorded
 * one, everything after moves by the delay, so that each line's time is that of its writing, as in life.
 */
export async function replay(recording: Recording, { root, runHook, signal }: ReplayOptions): Promise<void> {
  const cwd = `${root}/project`;
  mkdirSync(cwd, { recursive: true });
  const startByNs = nowNs() - recording.startNs;
  let byNs = startByNs;
  for (const step of replaySteps(recording)) {
    const aheadNs = step.atNs + byNs - nowNs();
    if (aheadNs > 0n) await sleep(Math.ceil(Number(aheadNs) / 1e6), undefined, signal ? { signal } : {});
    else byNs -= aheadNs;
    signal?.throwIfAborted();
    if (step.kind === "hook")
      await runHook({ event: step.event, stdin: relocate(step.stdin, recording.home, root), cwd });
    else writeStep(step, recording.home, { root, byNs, startByNs });
  }
}

/** Writes what an agent wrote: a line of a transcript, or a small file beside one. Times move as `moveTimes` says. */
export function writeStep(
  step: Exclude<ReplayStep, { kind: "hook" }>,
  home: string,
  { root, byNs, startByNs }: { root: string; byNs: bigint; startByNs: bigint },
): void {
  const path = step.path.replace(home, root);
  mkdirSync(dirname(path), { recursive: true });
  const text = relocate(step.text, home, root);
  if (step.kind === "meta") writeFileSync(path, text);
  else appendFileSync(path, `${moveTimes(text, byNs, startByNs)}\n`);
}

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

function toMs(ns: bigint): number {
  return Math.round(Number(ns) / 1e6);
}
