/**
 * A bridge in small, for tests of the store: it takes in envelopes, folds them into one session, one counter and one span
 * each, commits, sends and marks what it exported, all through a `Disk`. Run it again on what an interrupted run left, and
 * `accounts` must not show that anything happened.
 */

import { join } from "node:path";

import type { Series } from "../../src/metric/totals.ts";
import type { SpanRecord } from "../../src/trace/record.ts";
import { syncDirectory } from "../../src/store/atomic-file.ts";
import type { Changes } from "../../src/store/commit-record.ts";
import { createCommit } from "../../src/store/commit.ts";
import type { CommitResult } from "../../src/store/commit.ts";
import type { Disk } from "../../src/store/disk.ts";
import { codeOf, ifPresent } from "../../src/store/disk.ts";
import { emptyIndex, loadIndex } from "../../src/store/index-file.ts";
import { createOutbox } from "../../src/store/outbox.ts";
import { createQuarantine } from "../../src/store/quarantine.ts";
import { createSessionStore } from "../../src/store/session-store.ts";
import { createStateDirectory, sessionFile, stateDirectory } from "../../src/store/state-directory.ts";
import { loadTotals, saveSent } from "../../src/store/totals-file.ts";

const AGENT = "stand-in";
const ENVELOPES = Array.from({ length: 9 }, (_, i) => `e${String(i).padStart(2, "0")}.evt`);
const POISON = "e05.evt";
const PER_COMMIT = 3;
const KEY = "counter";

/** What the Collector got, by span id. A send that was cut off before its acknowledgement was durable may come twice. */
export type Ledger = { received: Map<string, number>; inFlight: string[]; mayComeTwice: Set<string> };

type Folded = { v: number; folded: string[] };

export function createLedger(): Ledger {
  return { received: new Map(), inFlight: [], mayComeTwice: new Set() };
}

/** Envelopes as hooks leave them, already on disk for good. */
export function fillSpool(disk: Disk, home: string): void {
  const { spool } = createStateDirectory(disk, home);
  for (const name of ENVELOPES) disk.close(disk.open(join(spool, name), "wx"));
  syncDirectory(disk, spool);
}

/** Takes in all there is. Disk full: tries again. Any other error ends it, as a crash would. */
export function runStandIn(disk: Disk, home: string, ledger: Ledger): void {
  for (const id of ledger.inFlight) ledger.mayComeTwice.add(id);
  const directory = retrying(() => createStateDirectory(disk, home));
  const quarantine = createQuarantine(disk, directory.quarantine, { quarantineBytes: 1e9, ageMs: 1e12 });
  const deps = { disk, quarantine };
  const commit = createCommit(deps, directory);
  const outbox = createOutbox(deps, directory.outbox);
  const store = createSessionStore(deps, directory.sessions, 1, decodeFolded);
  settle(commit.applyPending(), () => commit.applyPending());

  for (;;) {
    sendAll();
    markSent();
    const names = disk.names(directory.spool).sort().slice(0, PER_COMMIT);
    if (names.length === 0) return;
    settle(commit.commit(fold(names)), () => commit.applyPending());
  }

  function fold(names: string[]): Changes {
    const read = store.load(AGENT, "child");
    const session: Folded = read.status === "found" ? read.value : { v: 1, folded: [] };
    const totals = loadTotals(deps, directory.totals);
    const series = totals.status === "found" ? totals.value.series.get(KEY) : undefined;
    const index = loadIndex(deps, directory.index);
    const good = names.filter((name) => name !== POISON);
    const value = (typeof series?.value === "number" ? series.value : 0) + good.length;
    const next: Series = { metric: "hookspan.run.count", agent: AGENT, attributes: {}, ...series, value };
    const costStates = index.status === "found" ? { ...index.value.costStates } : {};
    for (const name of good) costStates[name] = { totalUsd: 1, linesAdded: 0, linesRemoved: 0, atMs: 0 };
    return {
      sessions: [
        { file: sessionFile(AGENT, "root"), session: { ...session, folded: [...session.folded, ...good] } },
        { file: sessionFile(AGENT, "child"), root: "root" },
        { file: sessionFile(AGENT, "old"), deleted: true },
      ],
      series: [[KEY, next]],
      index: { ...emptyIndex(), costStates },
      held: good.flatMap((name) =>
        [spanOf(name, traceOf(name), "0"), spanOf(name, shortTraceOf(name), "1")].map((span) => ({
          agent: AGENT,
          traceId: span.traceId,
          spans: [span],
        })),
      ),
      // A trace settles with its fourth envelope, so a release takes spans of this and of earlier commits. Each envelope
      // brings a short trace besides, which settles at once: several of one commit are released together.
      release: [...good.filter((name) => ENVELOPES.indexOf(name) % 4 === 3).map(traceOf), ...good.map(shortTraceOf)],
      envelopes: good,
      quarantine: names.filter((name) => name === POISON).map((name) => ({ name, reason: "Unknown agent!" })),
    };
  }

  function sendAll(): void {
    for (const send of outbox.sends()) {
      const ids = send.batch.spans.map(({ spanId }) => spanId);
      for (const id of ids) ledger.received.set(id, (ledger.received.get(id) ?? 0) + 1);
      ledger.inFlight = ids;
      outbox.ack(send);
      retrying(() => syncDirectory(disk, directory.outbox));
      ledger.inFlight = [];
    }
  }

  function markSent(): void {
    const totals = loadTotals(deps, directory.totals);
    if (totals.status !== "found") return;
    const sent = new Map([...totals.value.series].map(([key, { value }]) => [key, { startNs: 5n, atNs: 7n, value }]));
    retrying(() => saveSent(deps, directory.totals, { atNs: 9n, sent }));
  }
}

/** The state of a directory after a run, in a form in which two runs can be compared. */
export function accounts(disk: Disk, home: string, ledger: Ledger): unknown {
  const directory = stateDirectory(home);
  const text = (path: string): string | undefined => ifPresent(() => disk.read(path))?.toString();
  const twice = [...ledger.received]
    .filter(([id, times]) => times > 1 && !ledger.mayComeTwice.has(id))
    .map(([id]) => id);
  return {
    home: disk
      .names(directory.home)
      .filter((name) => name.endsWith(".json"))
      .sort(),
    sessions: disk
      .names(directory.sessions)
      .sort()
      .map((name) => [name, text(join(directory.sessions, name))]),
    totals: text(directory.totals)?.replace(/"(startNs|atNs)":"\d+"/g, ""),
    index: text(directory.index),
    held: disk
      .names(directory.held)
      .map((name) => text(join(directory.held, name)) ?? "")
      .sort(),
    outbox: disk.names(directory.outbox),
    spool: disk.names(directory.spool),
    quarantine: disk.names(directory.quarantine).sort(),
    received: [...ledger.received.keys()].sort(),
    twice,
  };
}

function settle(result: CommitResult, again: () => CommitResult): void {
  for (let tries = 0; result.status === "pending" && tries < 50; tries += 1) {
    if (!isDiskFull(result.error)) throw result.error;
    result = again();
  }
  if (result.status !== "applied") throw new Error(`commit ended as ${result.status}`);
}

function retrying<T>(call: () => T): T {
  for (let tries = 0; ; tries += 1) {
    try {
      return call();
    } catch (error) {
      if (!isDiskFull(error) || tries > 50) throw error;
    }
  }
}

function isDiskFull(error: unknown): boolean {
  return codeOf(error) === "ENOSPC" || (error instanceof Error && isDiskFull(error.cause));
}

function decodeFolded(json: unknown): Folded {
  if (typeof json !== "object" || json === null || !("folded" in json) || !Array.isArray(json.folded))
    throw new Error("bad");
  return { v: 1, folded: json.folded.map(String) };
}

function traceOf(name: string): string {
  return String(Math.floor(ENVELOPES.indexOf(name) / 4) + 1).padStart(32, "0");
}

function shortTraceOf(name: string): string {
  return name.slice(1, 3).padStart(32, "a");
}

function spanOf(name: string, traceId: string, letter: string): SpanRecord {
  return {
    traceId,
    spanId: name.slice(1, 3).padStart(16, letter),
    name: "execute_tool Bash",
    kind: "internal",
    startNs: 1_795_196_713_872_299_000n,
    endNs: 1_795_196_713_972_299_001n,
    attributes: { "gen_ai.tool.name": "Bash", ok: true, n: 1.5, list: ["a"] },
    links: [{ traceId: "f".repeat(32), spanId: "e".repeat(16), attributes: {} }],
  };
}
