/** Runs a sequence of commands on a machine with a bridge that may die at any moment, and compares it with the truth. */

import { join } from "node:path";

import type { OpenBridge } from "../../src/bridge/open-bridge.ts";
import type { Exporter } from "../../src/otlp/exporter.ts";
import { Crash, mortalDisk, roomlessDisk, type Fuse } from "../support/faulty-disk.ts";
import type { OtlpRecorder } from "../support/otlp-recorder.ts";
import type { Command } from "./command.ts";
import { drain, mortalExporter, openOn } from "./life.ts";
import { createAgents, createMachine, type Put } from "./machine.ts";
import { createReceiver, type Receiver } from "./receiver.ts";
import { checkReadable, committedSums, waitingSpans } from "./state-check.ts";
import { happeningsOf, type Session } from "./story.ts";
import { createTruth, isAlike, type Truth } from "./truth.ts";

/** What does not change from one sequence to the next. */
export type Stage = { recorder: OtlpRecorder; exporter: Exporter; folder: string };

export type Result = { receiver: Receiver; truth: Truth; puts: Put[]; deaths: number; recoveries: number };

type Span = { traceId: string; what: string };
type Life = { open: OpenBridge; isDead(): boolean; kill(): void };

export async function runSequence(
  { recorder, exporter, folder }: Stage,
  sessions: readonly Session[],
  commands: readonly Command[],
): Promise<Result> {
  const machine = createMachine();
  const { disk, directory } = machine;
  const receiver = createReceiver(recorder);
  const truth = createTruth();
  const agents = createAgents(
    machine,
    sessions.map((session, i) => {
      const file = join(folder, `session-${i}.jsonl`);
      return { file, happenings: happeningsOf(session, `session-${i}`, file) };
    }),
    (facts) => truth.note(facts),
  );
  const underWay = new Map<string, Promise<void>>();
  const failures: unknown[] = [];
  let life: Life | undefined;
  let fuse: Fuse | undefined;
  let writesToFail = 0;
  let deaths = 0;
  let recoveries = 0;

  for (const command of commands) {
    await perform(command);
    await checked();
  }
  await finish();
  return { receiver, truth, puts: agents.puts, deaths, recoveries };

  async function perform(command: Command): Promise<void> {
    switch (command.do) {
      case "happen":
        return command.together ? machine.together(() => happen(command)) : happen(command);
      case "repeat":
        return agents.repeat(command.back);
      case "tear":
        return agents.tear(command.back);
      case "step":
        return withBridge((open) => {
          open.enforceBounds(machine.nowNs());
          open.bridge.step(machine.nowNs(), { commitNow: command.commitNow });
        });
      case "commit":
        return withBridge(({ bridge }) => void bridge.commit(machine.nowNs()));
      case "send spans":
        return send("spans", command.beside, async ({ delivery }) => void (await delivery.sendSpans()));
      case "send metrics":
        return send("metrics", command.beside, async (open) => {
          const own = command.own ? open.gauges(machine.nowNs()) : undefined;
          await open.delivery.sendMetrics(machine.nowNs(), { everything: command.everything, own });
        });
      case "crash":
        fuse = { callsLeft: command.after, when: command.when };
        return;
      case "kill":
        life?.kill();
        return;
      case "power cut":
        return cutPower(command.keeps);
      case "restart":
        return restart();
      case "fill disk":
        writesToFail = command.writes;
        return;
      case "Collector":
        receiver.be(command.is);
        return;
      case "clock":
        // What a hook has begun to write is there long before this much time has passed.
        agents.deliverLate();
        machine.setClock(machine.nowNs() + BigInt(command.moves * 1000) * 1_000_000n);
    }
  }

  function happen({ session, times, late, tears }: Command & { do: "happen" }): void {
    for (let i = 0; i < times; i += 1) if (!agents.happen(session, late)) break;
    if (tears) agents.tear(0);
  }

  /** The bridge works; one that has died is started again first. */
  async function withBridge(work: (open: OpenBridge) => void | Promise<void>): Promise<void> {
    if (life === undefined || life.isDead()) await start();
    const current = life;
    if (current === undefined || current.isDead()) return;
    try {
      await work(current.open);
    } catch (error) {
      if (!current.isDead() && !isNoRoom(error)) throw error;
    }
  }

  async function send(signal: string, beside: boolean, work: (open: OpenBridge) => Promise<void>): Promise<void> {
    // One at a time of each signal, as the export clock has it.
    await underWay.get(signal);
    await withBridge((open) => {
      const current = life;
      const sending = work(open).catch((error: unknown) => {
        if (current?.isDead() !== true && !isNoRoom(error)) failures.push(error);
      });
      underWay.set(signal, sending);
      return beside ? undefined : sending;
    });
  }

  async function settled(): Promise<void> {
    await Promise.all(underWay.values());
  }

  async function restart(): Promise<void> {
    await settled();
    life?.kill();
    await start();
  }

  /** A new process on the old disk; and what it found there must be all that there was. */
  async function start(): Promise<void> {
    await settled();
    const isFirst = life === undefined;
    if (!isFirst) receiver.series.loseSender();
    const roomless = roomlessDisk(disk, () => writesToFail-- > 0);
    const mortal = mortalDisk(
      roomless,
      () => fuse,
      () => {
        deaths += 1;
        fuse = undefined;
        sender.died();
      },
    );
    const sender = mortalExporter(exporter, receiver, () => mortal.isDead());
    try {
      const open = openOn(mortal, directory, sender.exporter, join(folder, "log"));
      life = { open, isDead: () => mortal.isDead(), kill: () => mortal.kill() };
    } catch (error) {
      if (!mortal.isDead() && !isNoRoom(error)) throw error;
      mortal.kill();
      life = undefined;
      return;
    }
    if (!isFirst) checkRecovered(life);
  }

  /** Everything that ever reached the disk is in the totals once, and no span is in two places. */
  function checkRecovered(current: Life): void {
    const { open } = current;
    agents.deliverLate();
    try {
      for (let i = 0; i < 3; i += 1) open.bridge.step(machine.nowNs(), { commitNow: true });
      // Who is about to send brings a halving to its end that a crash cut short.
      open.outbox.sends().next();
    } catch (error) {
      if (!current.isDead()) throw error;
    }
    if (current.isDead() || open.isCommitPending()) return;
    recoveries += 1;
    const { sums } = truth.totals();
    const committed = committedSums(disk, directory);
    const expected = Object.fromEntries(Object.entries(sums).filter(([name]) => isSaidAtOnce(name)));
    if (!isAlike(committed, expected))
      throw new Error(`after a recovery the totals are ${show(committed)}, and should be ${show(expected)}`);
    const held = waitingSpans(disk, directory.held);
    const released = waitingSpans(disk, directory.outbox);
    const waiting = [...held, ...released];
    const whats = waiting.map(({ what }) => what);
    const twice = whats.filter((what, i) => whats.indexOf(what) !== i);
    const extra = whats.filter((what) => !truth.spans().has(what));
    const forgotten = forgottenSpans(held, released);
    if (forgotten.length > 0) throw new Error(`after a recovery nobody sends ${forgotten.join()}`);
    if (twice.length + extra.length > 0)
      throw new Error(`after a recovery spans wait twice: ${twice.join()}; from nowhere: ${extra.join()}`);
  }

  /** A run's own span comes last: nothing of its trace waits for it any more. */
  function forgottenSpans(held: Span[], released: Span[]): string[] {
    const roots = [...released, ...receiver.taken.values()].filter(({ what }) => /^(run|session) /.test(what));
    const ended = new Set(roots.map(({ traceId }) => traceId));
    return held.filter(({ traceId }) => ended.has(traceId)).map(({ what }) => what);
  }

  async function cutPower(keeps: readonly boolean[]): Promise<void> {
    life?.kill();
    await settled();
    const before = new Set(disk.names(directory.outbox));
    let i = 0;
    disk.powerCut(() => keeps[i++ % keeps.length] ?? false);
    // A note of acceptance is not synced: what it deleted may be there again.
    const back = disk.names(directory.outbox).filter((name) => !before.has(name));
    if (back.length > 0) receiver.mayRepeat(waitingSpans(disk, directory.outbox).map(({ spanId }) => spanId));
  }

  async function checked(): Promise<void> {
    checkReadable(disk, directory);
    const [failure] = failures;
    if (failure !== undefined) throw failure;
    if (receiver.faults.length > 0) throw new Error(receiver.faults.join("\n"));
  }

  /** The Collector is up, the disk has room, nobody dies any more: what has happened must come out, to the last of it. */
  async function finish(): Promise<void> {
    agents.deliverLate();
    [fuse, writesToFail] = [undefined, 0];
    receiver.be("up");
    await restart();
    await withBridge(async (open) => drain(open, machine));
    await checked();
  }
}

function isSaidAtOnce(name: string): boolean {
  return /^hookspan\.(session\.count|token\.usage|cost|unpriced)/.test(name);
}

function show(sums: Record<string, number>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(sums).sort(([a], [b]) => (a < b ? -1 : 1))));
}

function isNoRoom(error: unknown): boolean {
  if (error instanceof Crash) return false;
  return error instanceof Error && (error.message.includes("ENOSPC") || isNoRoom(error.cause));
}
