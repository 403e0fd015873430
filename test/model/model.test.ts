/**
 * The promise that nothing is lost and nothing counted twice, under everything that can happen at once: sequences of hooks,
 * transcript lines, steps, exports, crashes at any disk operation, power cuts, a full disk, a Collector of every mood and a
 * clock that jumps; compared with a plain count of what has happened, and with an undisturbed run of the same events.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { expect, test } from "vitest";

import { createExporter, type Exporter } from "../../src/otlp/exporter.ts";
import { exporterOptions } from "../support/otlp-exporter.ts";
import { createOtlpRecorder } from "../support/otlp-recorder.ts";
import { anyCommand, type Command } from "./command.ts";
import { drain, openOn } from "./life.ts";
import { createMachine, type Put } from "./machine.ts";
import { createReceiver, type Receiver } from "./receiver.ts";
import { anySession, type Session } from "./story.ts";
import { isAlike } from "./truth.ts";
import { runSequence, type Result, type Stage } from "./world.ts";

const USUAL_RUNS = 250;
/** Sequences in a run of the test. The long proof asks for more of them, and they are longer then. */
const RUNS = Number(process.env["HOOKSPAN_MODEL_RUNS"] ?? USUAL_RUNS);
const LONGEST = RUNS > USUAL_RUNS ? 200 : 80;

/** Short, for a silent Collector costs all of it. */
const DEADLINE_MS = 150;

const CALL: Session["runs"][number]["turns"][number]["call"] = {
  model: "claude-opus-5-5",
  tokens: { input: 3, cacheRead: 100, cacheWrite: 10, cacheWriteHour: 0, output: 7 },
  grown: 2,
};
const PLAIN: Session[] = [
  {
    runs: [{ turns: [{ call: CALL, tools: [{ name: "Bash", end: "success" }] }], end: "said" }],
    ends: true,
    unseenUsd: 0,
  },
];
const step: Command = { do: "step", commitNow: true };
const sendMetrics: Command = { do: "send metrics", everything: false, own: false, beside: false };

function happen(times: number): Command {
  return { do: "happen", session: 0, times, late: false, together: false, tears: false };
}

/** The short form is the same in every run; the long one looks for what nobody has seen. */
const SEED = process.env["HOOKSPAN_MODEL_RUNS"] === undefined ? { seed: 20261121 } : {};

/** Sequences that once went wrong. They are run first. */
const KNOWN: Command[][] = [
  // Lines were moved to before their session, and not counted.
  [happen(4), { do: "clock", moves: -90 }, happen(1)],
  // A start told of twice made two sessions.
  [happen(2), step, { do: "repeat", back: 1 }],
  // A series began without a zero, for its first request was turned away. It may, where it never left.
  [happen(1), step, { do: "Collector", is: "busy" }, sendMetrics],
  [happen(2), step, { do: "crash", after: 4, when: "after" }, sendMetrics],
];

test("whatever happens, the spans and totals are those of what has happened", async () => {
  await using stage = await createStage();
  const sequences = fc.tuple(
    fc.array(anySession, { minLength: 3, maxLength: 3 }),
    fc.array(anyCommand, { minLength: 1, maxLength: LONGEST, size: "max" }),
  );
  const all = { sequences: 0, envelopes: 0, spans: 0, deaths: 0, recoveries: 0, repeats: 0 };
  await fc.assert(
    fc.asyncProperty(sequences, async ([sessions, commands]) => {
      const result = await runSequence(stage, sessions, commands);
      compare(result, await runUndisturbed(stage, result.puts));
      all.sequences += 1;
      all.envelopes += result.puts.length;
      all.spans += result.receiver.taken.size;
      all.deaths += result.deaths;
      all.recoveries += result.recoveries;
      all.repeats += result.receiver.repeats();
    }),
    { numRuns: RUNS, ...SEED, examples: KNOWN.map((commands) => [[PLAIN, commands]]) },
  );
  console.info(`model test: ${JSON.stringify(all)}`);
  // A test in which nothing happens proves nothing.
  expect(Math.min(...Object.values(all))).toBeGreaterThan(0);
});

function compare({ receiver, truth }: Result, undisturbed: Receiver): void {
  const ids = idsByWhat(receiver);
  const undisturbedIds = idsByWhat(undisturbed);
  const refused = new Set(
    [...undisturbed.taken].filter(([id]) => receiver.refused.has(id)).map(([, { what }]) => what),
  );
  const expected = truth.spans();
  expect([...undisturbedIds.keys()].sort()).toEqual([...expected].sort());
  expect([...ids.keys()].filter((what) => !expected.has(what))).toEqual([]);
  expect([...expected].filter((what) => !ids.has(what) && !refused.has(what))).toEqual([]);
  for (const [what, spanIds] of ids) expect([what, spanIds]).toEqual([what, undisturbedIds.get(what)]);

  const { sums, observed } = receiver.series.totals();
  const told = truth.totals();
  expect(observed).toEqual(told.observed);
  expect(isAlike(sums, told.sums), `${JSON.stringify(sums)} instead of ${JSON.stringify(told.sums)}`).toBe(true);
}

function idsByWhat({ taken }: Receiver): Map<string, string[]> {
  const ids = new Map<string, string[]>();
  for (const [id, { what }] of taken) ids.set(what, [...(ids.get(what) ?? []), id]);
  return ids;
}

/** The same envelopes and lines through the same code: one after the other, each at its time, and nothing ever fails. */
async function runUndisturbed(room: Room, puts: readonly Put[]): Promise<Receiver> {
  const { recorder, patient, folder } = room;
  room.clear();
  const machine = createMachine();
  const receiver = createReceiver(recorder);
  const open = openOn(machine.disk, machine.directory, patient, join(folder, "log"));
  for (const { nowNs, write } of puts) {
    machine.setClock(nowNs);
    write(machine);
    open.bridge.step(nowNs, { commitNow: true });
  }
  await drain(open, machine);
  expect(receiver.faults).toEqual([]);
  return receiver;
}

/** `patient`: an exporter that waits even on a busy machine. */
type Room = Stage & { patient: Exporter; clear(): void; [Symbol.asyncDispose](): Promise<void> };

async function createStage(): Promise<Room> {
  const recorder = await createOtlpRecorder();
  const exporter = createExporter(exporterOptions(recorder.endpoints, { timeoutMs: DEADLINE_MS }));
  const patient = createExporter(exporterOptions(recorder.endpoints));
  const folder = mkdtempSync(join(tmpdir(), "hookspan-model-"));
  return {
    recorder,
    exporter,
    patient,
    folder,
    clear() {
      for (const i of [0, 1, 2]) rmSync(join(folder, `session-${i}.jsonl`), { force: true });
      recorder.requests.length = 0;
    },
    async [Symbol.asyncDispose]() {
      await recorder.close();
      await exporter.close();
      await patient.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
