/**
 * `npm run proof`: nothing lost, nothing counted twice, for as long as one likes. Rounds of real processes that are killed,
 * receivers that fail, the real Collector where it is built, bounds that drop; then a table. Exit code 1 if anything is off,
 * with the seed that repeats the round (the workload and the aims; the instants are the machine's).
 *
 *     npm run proof -- [--minutes 10] [--seed N] [--only spool|outbox|kills|collector|model]
 */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { startCollector } from "../support/collector.ts";
import { COLLECTOR, stackProgram } from "../support/stack-program.ts";
import type { AtEnd } from "../support/start-program.ts";
import { tempDirectory } from "../support/temp-state.ts";
import { runOutboxRound, runSpoolRound } from "./bounds-round.ts";
import { runKillRound } from "./kill-round.ts";
import { printTable, type Row } from "./table.ts";

const ROOT = join(import.meta.dirname, "../..");
const KINDS = ["spool", "outbox", "kills", "collector", "model"] as const;
type Kind = (typeof KINDS)[number];

/** So many runs of the model test for each minute of the proof. */
const MODEL_RUNS_PER_MINUTE = 100;

const { values } = parseArgs({
  options: { minutes: { type: "string" }, seed: { type: "string" }, only: { type: "string" } },
});
const minutes = Number(values.minutes ?? 10);
const firstSeed = Number(values.seed ?? Date.now() % 1_000_000);
if (!(minutes > 0) || !Number.isInteger(firstSeed)) throw new Error("--minutes and --seed take numbers");
const collector = stackProgram(COLLECTOR);
const kinds = KINDS.filter((kind) => (values.only === undefined || kind === values.only) && isHere(kind));
if (kinds.length === 0) throw new Error(`--only takes one of ${KINDS.join(", ")}, and what it needs must be here`);

const endMs = performance.now() + minutes * 60_000;
const rows: Row[] = [];
for (let n = 0; n === 0 || performance.now() < endMs; n += 1) {
  // Each kind once, then on as long as there is time. The model has its share in one go.
  const now = kinds.filter((kind) => n === 0 || kind !== "model");
  if (now.length === 0) break;
  for (const kind of now) {
    if (n > 0 && performance.now() >= endMs) break;
    const row = await runRound(kind, firstSeed + n);
    rows.push(row);
    for (const fault of row.faults) say(`FAULT (--only ${kind} --seed ${row.seed}): ${fault.slice(0, 2000)}`);
  }
}
printTable(rows);
process.exitCode = rows.some(({ faults, lost, doubled }) => faults.length + lost + doubled > 0) ? 1 : 0;

/** Says so where something is not. */
function isHere(kind: Kind): boolean {
  if (kind === "collector" && collector === undefined) {
    say("no Collector is built, so its rounds are left out (test/support/build-collector.sh)");
    return false;
  }
  return kind !== "model" || existsSync(join(ROOT, "test/model"));
}

/** A round that cannot be brought to its end has failed. */
async function runRound(kind: Kind, seed: number): Promise<Row> {
  say(`${kind}, seed ${seed}`);
  const cleaning: (() => void | Promise<void>)[] = [];
  try {
    return { kind, seed, doubled: 0, ...(await play(kind, seed, (clean) => cleaning.push(clean))) };
  } catch (error) {
    const fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind, seed, lost: 0, doubled: 0, faults: [fault] };
  } finally {
    for (const clean of cleaning.toReversed()) await clean();
  }
}

async function play(kind: Kind, seed: number, atEnd: AtEnd): Promise<Omit<Row, "kind" | "seed" | "doubled">> {
  const root = tempDirectory(atEnd);
  const kills = { seed, root, events: 2000, sessions: 20, kills: 100, hookKillPercent: 10, onProgress: say };
  switch (kind) {
    case "spool":
      return runSpoolRound({ seed, root, events: 600, kills: 15 });
    case "outbox":
      return runOutboxRound({ seed, root, events: 600 });
    case "kills":
      // Now with many real hooks, now with few.
      return runKillRound({ ...kills, troublePercent: 20 + (seed % 4) * 20, realHooksEvery: 2 + (seed % 7) });
    case "collector": {
      const toFiles = ["traces", "metrics", "metrics/spans"] as const;
      const running = await startCollector({ program: collector ?? "", toFiles }, atEnd);
      return runKillRound({ ...kills, troublePercent: 30, realHooksEvery: 5, collector: running });
    }
    case "model":
      return runModel();
  }
}

/** The same promises against a model of the disk, in memory: thousands of crashes at chosen operations. */
function runModel(): { lost: number; note: string; faults: string[] } {
  const runs = Math.round(minutes * MODEL_RUNS_PER_MINUTE);
  const env = { ...process.env, HOOKSPAN_MODEL_RUNS: String(runs) };
  const { status } = spawnSync("npx", ["vitest", "run", "test/model"], { cwd: ROOT, env, stdio: ["ignore", 2, 2] });
  const faults = status === 0 ? [] : ["the model test failed; it says above how to repeat it"];
  return { lost: 0, note: `${runs} runs`, faults };
}

function say(text: string): void {
  process.stderr.write(`proof: ${text}\n`);
}
