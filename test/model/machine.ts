/**
 * The computer of a sequence: its clock, its disk, its transcripts, and the agents on it. Transcripts are real files, for
 * they are read past the port to the disk; the state directory lies in memory, where the power can be cut.
 */

import { appendFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { formatEnvelope } from "../../src/event/envelope.ts";
import { encodeGroup } from "../../src/spool/group.ts";
import { putEnvelope } from "../../src/spool/put.ts";
import { createFile, syncDirectory } from "../../src/store/atomic-file.ts";
import { createStateDirectory, type StateDirectory } from "../../src/store/state-directory.ts";
import { createMemoryDisk, type MemoryDisk } from "../support/memory-disk.ts";
import type { Fact, Happening } from "./story.ts";

/** What reached the disk, for the undisturbed run: an envelope, or lines. */
export type Put = { nowNs: bigint; write: (machine: Machine) => void };

type Envelope = { id: string; timeNs: bigint; payload: Record<string, unknown> };

export type Machine = {
  disk: MemoryDisk;
  directory: StateDirectory;
  nowNs(): bigint;
  setClock(ns: bigint): void;
  putEnvelope(envelope: Envelope): void;
  tearEnvelope(envelope: Envelope): void;
  /** What is put meanwhile comes by HTTP: all of it in one file, at the end. */
  together(work: () => void): void;
  appendLines(file: string, lines: readonly Record<string, unknown>[], timeNs: bigint): void;
};

const START_NS = 1_795_200_000_000_000_000n;

export function createMachine(): Machine {
  let nowNs = START_NS;
  const disk = createMemoryDisk(() => nowNs);
  disk.makeDirectory("/state");
  const directory = createStateDirectory(disk, "/state");
  let group: Uint8Array[] | undefined;
  let groups = 0;

  return {
    disk,
    directory,
    nowNs: () => nowNs,
    setClock: (ns) => void (nowNs = ns),
    putEnvelope(envelope) {
      if (group !== undefined) return void group.push(bytesOf(envelope));
      putEnvelope(disk, directory.spool, envelope.id, bytesOf(envelope));
      // A file's time is never before that of its event, or the event would be taken for older than it is.
      disk.setTime(join(directory.spool, `${envelope.id}.evt`), nowNs > envelope.timeNs ? nowNs : envelope.timeNs);
    },
    tearEnvelope(envelope) {
      const bytes = bytesOf(envelope);
      const half = bytes.subarray(0, bytes.length * 0.7);
      if (group === undefined) putEnvelope(disk, directory.spool, envelope.id, half);
      else group.push(half);
    },
    together(work) {
      group = [];
      work();
      const members = group;
      group = undefined;
      if (members.length > 0) putGroup(members);
    },
    appendLines(file, lines, timeNs) {
      const timestamp = new Date(Number(timeNs / 1_000_000n)).toISOString();
      appendFileSync(file, lines.map((line) => `${JSON.stringify({ ...line, timestamp })}\n`).join(""));
    },
  };

  function putGroup(members: readonly Uint8Array[]): void {
    groups += 1;
    const name = `00000000-0000-4000-8000-000000000000.${String(groups).padStart(9, "0")}`;
    const path = join(directory.spool, `${name}.grp`);
    const content = encodeGroup(members.map((bytes, n) => ({ id: `${name}.${String(n).padStart(3, "0")}`, bytes })));
    createFile(disk, path, content);
    disk.setTime(path, nowNs);
    syncDirectory(disk, directory.spool);
  }
}

function bytesOf({ id, timeNs, payload }: Envelope): Uint8Array {
  const env = { CLAUDE_PID: "4242", CLAUDE_CODE_ENTRYPOINT: "cli" };
  return formatEnvelope({ id, agent: "claude-code", timeNs, env, payload: Buffer.from(JSON.stringify(payload)) });
}

export type Agents = {
  /** The next things of a session happen. False once nothing more will, or while the clock is behind the session's own. */
  happen(session: number, late: boolean): boolean;
  repeat(back: number): void;
  tear(back: number): void;
  /** Files that were held up reach the disk. */
  deliverLate(): void;
  puts: Put[];
};

type Live = { file: string; left: Happening[]; firstNs: bigint | undefined; lastNs: bigint };

/** Between two things that an agent does. */
const PAUSE_NS = 37_123_457n;

/** The agents of a sequence. `noted` is called with the facts of what has reached the disk. */
export function createAgents(
  machine: Machine,
  sessions: readonly { file: string; happenings: readonly Happening[] }[],
  noted: (facts: readonly Fact[]) => void,
): Agents {
  const live = sessions.map(({ file, happenings }): Live => ({
    file,
    left: [...happenings],
    firstNs: undefined,
    lastNs: 0n,
  }));
  const puts: Put[] = [];
  const told: Envelope[] = [];
  let late: (() => void)[] = [];
  let count = 0;

  for (const { file } of live) rmSync(file, { force: true });

  return {
    happen(session, isLate) {
      const one = live[session];
      // An agent whose clock is set back waits: what it would write now, lies in the past of what it wrote.
      if (one === undefined || machine.nowNs() < one.lastNs) return false;
      const happening = one.left.shift();
      if (happening === undefined) return false;
      machine.setClock(machine.nowNs() + PAUSE_NS);
      const before = late;
      late = [];
      show(one, happening, isLate);
      for (const deliver of before) deliver();
      return true;
    },
    repeat(back) {
      const one = told.at(-1 - back);
      if (one === undefined) return;
      const again = { ...one, id: nextId(), timeNs: one.timeNs + 1_000_000n };
      put((on) => on.putEnvelope(again));
    },
    tear(back) {
      const one = told.at(-1 - back);
      if (one !== undefined) {
        const half = { ...one, id: nextId() };
        put((on) => on.tearEnvelope(half));
      }
    },
    deliverLate() {
      const before = late;
      late = [];
      for (const deliver of before) deliver();
    },
    puts,
  };

  function show(one: Live, { payload, lines, facts }: Happening, isLate: boolean): void {
    const nowNs = machine.nowNs();
    one.firstNs ??= nowNs;
    one.lastNs = nowNs;
    const startTime = Number(one.firstNs / 1_000_000n);
    const timed = lines.map((line) => (line["type"] === "cost-state" ? { ...line, startTime } : line));
    // Books go first: nobody waits for them once the session's end is known.
    if (timed.length > 0) put((on) => on.appendLines(one.file, timed, nowNs));
    const envelope = payload === undefined ? undefined : { id: nextId(), timeNs: nowNs, payload };
    const deliver = (): void => {
      if (envelope !== undefined) {
        told.push(envelope);
        put((on) => on.putEnvelope(envelope));
      }
      noted(facts);
    };
    if (isLate && lines.length === 0) late.push(deliver);
    else deliver();
  }

  function put(write: (machine: Machine) => void): void {
    puts.push({ nowNs: machine.nowNs(), write });
    write(machine);
  }

  function nextId(): string {
    count += 1;
    return `${String(count).padStart(6, "0")}-model`;
  }
}
