/**
 * `npm run proof`: nothing lost, nothing counted twice, for as long as one likes. Rounds of real processes that are killed,
 * receivers that fail, the real Collector where it is built, bounds that drop; then a table. Exit code 1 if anything is off,
 * with the seed that repeats the round (the workload and the aims; the instants are the machine's).
 *
 *     npm run proof -- [--minutes 10] [--seed N] [--only kills|collector|spool|outbox|model]
 */

import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { startCollector } from "../support/collector.ts";
import { COLLECTOR, stackProgram } from "../support/stack-program.ts";
import { tempDirectory } from "../support/temp-state.ts";
import { runOutboxRound, runSpoolRound } from "./bounds-round.ts";
import { runKillRound } from "./kill-round.ts";
import { printTable, type Row } from "./table.ts";

const ROOT = join(import.meta.dirname, "../..");
const KINDS = ["kills", "collector", "spool", "outbox", "model"] as const;
type Kind = (typeof KINDS)[number];

/** So many runs of the model test for each minute of the proof. */
const MODEL_RUNS_PER_MINUTE = 100;

const { values } = parseArgs({
  options: { minutes: { type: "string" }, seed: { type: "string" }, only: { type: "string" } },
});
const minutes = Number(values.minutes ?? 10);
const firstSeed = Number(values.seed ?? Date.now() % 1_000_000);
if (!(minutes > 0) || !Number.isInteger(firstSeed)) throw new Error("--minutes and --seed take numbers");
const kinds = KINDS.filter((kind) => values.only === undefined || kind === values.only);
if (kinds.length === 0) throw new Error(`--only takes one of ${KINDS.join(", ")}`);

const collector = stackProgram(COLLECTOR);
if (collector === undefined) say("no Collector is built, so its rounds are left out (test/support/build-collector.sh)");
const endMs = performance.now() + minutes * 60_000;
const rows: Row[] = [];
for (let n = 0; rows.length === 0 || performance.now() < endMs; n += 1) {
  for (const kind of kinds) {
    if (kind === "model" ? n > 0 : rows.length > 0 && performance.now() >= endMs) continue;
    const row = await runRound(kind, firstSeed + n);
    if (row === undefined) continue;
    rows.push(row);
    for (const fault of row.faults) say(`FAULT (--only ${kind} --seed ${row.seed}): ${fault.slice(0, 2000)}`);
  }
  if (n > 0 && kinds.every((kind) => kind === "model")) break;
}
printTable(rows);
process.exitCode = rows.some(({ faults, lost, doubled }) => faults.length + lost + doubled > 0) ? 1 : 0;

async function runRound(kind: Kind, seed: number): Promise<Row | undefined> {
  say(`${kind}, seed ${seed}`);
  const cleaning: (() => void | Promise<void>)[] = [];
  const root = tempDirectory((clean) => cleaning.push(clean));
  const kills = { seed, root, events: 2000, sessions: 20, kills: 100, hookKillPercent: 10, onProgress: say };
  try {
    switch (kind) {
      case "kills":
        // Now with many real hooks, now with few.
        return {
          kind,
          seed,
          ...(await runKillRound({ ...kills, troublePercent: 20 + (seed % 4) * 20, realHooksEvery: 2 + (seed % 7) })),
        };
      case "collector": {
        if (collector === undefined) return undefined;
        const toFiles = ["traces", "metrics", "metrics/spans"] as const;
        const running = await startCollector({ program: collector, toFiles }, (clean) => cleaning.push(clean));
        const options = { ...kills, troublePercent: 30, realHooksEvery: 5, collector: running };
        return { kind, seed, ...(await runKillRound(options)) };
      }
      case "spool":
        return { kind, seed, doubled: 0, ...(await runSpoolRound({ seed, root, events: 600, kills: 15 })) };
      case "outbox":
        return { kind, seed, doubled: 0, ...(await runOutboxRound({ seed, root, events: 600 })) };
      case "model":
        return runModel(seed);
    }
  } finally {
    for (const clean of cleaning.toReversed()) await clean();
    rmSync(root, { recursive: true, force: true });
  }
}

/** The same promises against a model of the disk, in memory: thousands of crashes at chosen operations. */
function runModel(seed: number): Row | undefined {
  if (!existsSync(join(ROOT, "test/model"))) return undefined;
  const runs = Math.round(minutes * MODEL_RUNS_PER_MINUTE);
  const env = { ...process.env, HOOKSPAN_MODEL_RUNS: String(runs) };
  const { status } = spawnSync("npx", ["vitest", "run", "test/model"], { cwd: ROOT, env, stdio: ["ignore", 2, 2] });
  const faults = status === 0 ? [] : ["the model test failed; it says above how to repeat it"];
  return { kind: "model", seed, lost: 0, doubled: 0, note: `${runs} runs`, faults };
}

function say(text: string): void {
  process.stderr.write(`proof: ${text}\n`);
}
