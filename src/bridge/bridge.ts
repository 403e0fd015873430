/**
 * The bridge: the order of effects, and nothing else.
 *
 * One `step` is: sizes of transcripts, listing of the spool, envelopes folded, transcript lines folded, what is due ended,
 * all of it committed. Why this order: a line must not overtake the hooks that caused it (follow.ts), and time must not
 * overtake the envelopes that wait (nothing expires before what happened earlier was folded).
 *
 * Envelopes are deleted by commits only. Exports see nothing that is not committed.
 */

import type { AgentEvent } from "../event/event.ts";
import type { Log } from "../log.ts";
import type { Totals } from "../metric/totals.ts";
import type { Spool, SpoolEntry } from "../spool/spool.ts";
import type { Commit } from "../store/commit.ts";
import type { Changes } from "../store/commit-record.ts";
import type { Quarantine } from "../store/quarantine.ts";
import { dueNs } from "../trace/expire.ts";
import type { Session } from "../trace/session.ts";
import type { Folding } from "./folding.ts";
import type { Follow } from "./follow.ts";
import { dropped, eventCounted, foldLag } from "./health.ts";
import { takeIn } from "./intake.ts";

export type Bridge = {
  /** Takes in what is there, ends what is due, and commits when it is time, or at once if `commitNow`. */
  step(nowNs: bigint, options?: { commitNow?: boolean }): Step;
  /** Ends everything that is open, without waiting for anything. */
  closeAll(nowNs: bigint): void;
  /**
   * Commits what is folded; with `own`, also where there is nothing but our own counters. False while the disk will not
   * have it; nothing is lost.
   */
  commit(nowNs: bigint, own?: "own"): boolean;
  /** When the next step is due although nothing comes in; undefined where nothing is open. */
  dueNs(): bigint | undefined;
  /** Whether a run or a subagent is open, or a line waits. */
  isBusy(): boolean;
  /** A run has just stopped and its source's last word is awaited: it comes within moments. */
  awaitsWord(nowNs: bigint): boolean;
};

/** `progress`: something was taken in. `backlog`: more lies there. `metrics`: totals of an agent have changed. */
export type Step = { progress: boolean; backlog: boolean };

type Deps = {
  spool: Spool;
  folding: Folding;
  follow: Follow;
  commit: Commit;
  quarantine: Quarantine;
  totals: Totals;
  isExcluded: (cwd: string) => boolean;
  isAlive: (pid: number) => boolean;
  /** Traces whose held spans should not wait for their run any longer. */
  heldDueEarly: (nowNs: bigint) => string[];
  /** All traces that have held spans. */
  heldTraces: () => string[];
  log: Log;
};

/** One commit for so many envelopes, or for what came within a second. */
const COMMIT_ENVELOPES = 1000;
const COMMIT_NS = 1_000_000_000n;
/** A Stop hook that runs for longer than this is worth no haste. */
const WORD_NS = 30_000_000_000n;
const ALIVE_CHECK_NS = 10_000_000_000n;
const HELD_CHECK_NS = 60_000_000_000n;

export function createBridge(deps: Deps): Bridge {
  const { spool, folding, follow, commit, log } = deps;
  let backlog: SpoolEntry[] = [];
  let done: string[] = [];
  let poison: Changes["quarantine"] = [];
  let lastCommitNs = 0n;
  let lastAliveCheckNs = 0n;
  let lastHeldCheckNs = 0n;
  let isClosed = false;
  // Left alone until the next start, or time would fail on them at each step.
  const stuck = new Set<string>();

  return {
    step(nowNs, options = {}) {
      if (commit.isPending() && !applyPending()) return { progress: false, backlog: true };
      const sizes = follow.sizes(folding.live());
      if (backlog.length === 0) backlog = listSpool(nowNs);
      const taken = takeBatch(nowNs);
      const hasMore = backlog.length > 0;
      // While older envelopes wait, it is no later than the next of them.
      const next = backlog[0]?.mtimeNs;
      const horizonNs = next !== undefined && next < nowNs ? next : nowNs;
      const read = follow.read(sizes, Number(nowNs / 1_000_000n));
      checkProcesses(nowNs);
      const ended = endDue(horizonNs);
      const full = done.length >= COMMIT_ENVELOPES;
      const due = nowNs - lastCommitNs >= COMMIT_NS || nowNs < lastCommitNs;
      if (options.commitNow === true || full || due) commitNow(nowNs);
      return { progress: taken > 0 || read || ended, backlog: hasMore };
    },
    closeAll(nowNs) {
      isClosed = true;
      for (const session of folding.live()) {
        if (session.segments.length > 0) end(session, timePassed(session, nowNs, true));
      }
    },
    commit: commitNow,
    dueNs() {
      const pending = folding.isDirty() || done.length > 0 ? lastCommitNs + COMMIT_NS : undefined;
      const ready = folding.live().filter((session) => !follow.isBehind(session) && !stuck.has(keyOf(session)));
      return [pending, ...ready.map(dueNs)].reduce<bigint | undefined>(
        (min, ns) => (ns !== undefined && (min === undefined || ns < min) ? ns : min),
        undefined,
      );
    },
    isBusy: () =>
      folding.live().some((session) => session.runs.length + session.subagents.length > 0 || follow.isBehind(session)),
    awaitsWord: (nowNs) =>
      folding
        .live()
        .some(({ runs }) => runs.some(({ stoppedNs }) => stoppedNs !== undefined && nowNs - stoppedNs < WORD_NS)),
  };

  function listSpool(nowNs: bigint): SpoolEntry[] {
    const listing = spool.list();
    const drops = spool.beyondBounds(listing, nowNs);
    for (const { name, reason } of drops) {
      done.push(name);
      folding.count([dropped(reason)]);
    }
    const gone = new Set(drops.map(({ name }) => name));
    return listing.entries.filter(({ name }) => !gone.has(name));
  }

  /** Folds a batch in the order of receipt. What is done with is deleted by the next commit. */
  function takeBatch(nowNs: bigint): number {
    const handled = new Set([...done, ...poison.map(({ name }) => name)]);
    const entries = backlog.splice(0, COMMIT_ENVELOPES).filter(({ name }) => !handled.has(name));
    const reads = entries
      .map((entry) => ({ entry, read: spool.read(entry, nowNs) }))
      .map((one) => ({ ...one, timeNs: one.read.status === "whole" ? one.read.envelope.timeNs : one.entry.mtimeNs }))
      .sort((a, b) => compare(a.timeNs, b.timeNs) || (a.entry.name < b.entry.name ? -1 : 1));
    let taken = 0;
    for (const { entry, read, timeNs } of reads) {
      const intake = takeIn({ fold: (event) => folding.fold(event), isExcluded: deps.isExcluded }, read);
      if (!note(entry.name, intake)) continue;
      taken += 1;
      folding.count([foldLag(Number(nowNs - timeNs) / 1e9)]);
    }
    return taken;
  }

  /** Books what became of an envelope. True if it is done with. */
  function note(name: string, intake: ReturnType<typeof takeIn>): boolean {
    switch (intake.status) {
      case "left":
        return false;
      case "quarantined":
        poison.push({ name, reason: intake.reason });
        folding.count([eventCounted("quarantined")]);
        log.warn("an event was quarantined", { event: name, reason: intake.reason });
        return true;
      case "dropped":
        done.push(name);
        folding.count([dropped(intake.reason), eventCounted("dropped")]);
        log.warn("an event was dropped", { event: name, reason: intake.reason });
        return true;
      case "excluded":
        done.push(name);
        folding.count([eventCounted("excluded")]);
        return true;
      case "folded":
        done.push(name);
        folding.count([eventCounted(intake.noted === "unknown" ? "unknown" : "folded")]);
        if (intake.refused !== undefined) folding.count([eventCounted(intake.refused)]);
        return true;
    }
  }

  /** A process is asked for, not guessed: silence alone ends nothing. */
  function checkProcesses(nowNs: bigint): void {
    if (nowNs - lastAliveCheckNs < ALIVE_CHECK_NS && nowNs >= lastAliveCheckNs) return;
    lastAliveCheckNs = nowNs;
    for (const session of folding.live()) {
      const { pid, pidTrusted, processGoneNs, segments } = session;
      if (pid === undefined || pidTrusted !== true || processGoneNs !== undefined || segments.length === 0) continue;
      if (!deps.isAlive(pid)) folding.fold({ ...baseOf(session, nowNs), kind: "process.gone" });
    }
  }

  function endDue(nowNs: bigint): boolean {
    const due = folding.live().filter((session) => {
      const ns = dueNs(session);
      return ns !== undefined && ns <= nowNs && !follow.isBehind(session) && !stuck.has(keyOf(session));
    });
    for (const session of due) end(session, timePassed(session, nowNs, false));
    return due.length > 0;
  }

  /** One session that cannot be ended, by a mistake of ours, must not stop the rest. */
  function end(session: Session, event: AgentEvent): void {
    try {
      folding.fold(event);
    } catch (error) {
      // Only the kind of the error: its text may quote what the session holds.
      log.error("a session cannot be ended and is left as it is", {
        error: error instanceof Error ? error.name : "unknown",
      });
      folding.count([eventCounted("session_stuck")]);
      stuck.add(keyOf(session));
    }
  }

  function commitNow(nowNs: bigint, own?: "own"): boolean {
    if (commit.isPending() && !applyPending()) return false;
    const early = heldToRelease(nowNs);
    if (!folding.isDirty(own) && done.length + poison.length + early.length === 0) return true;
    const taken = folding.take();
    const changes = {
      ...taken,
      release: [...new Set([...taken.release, ...early])],
      envelopes: done,
      quarantine: poison,
    };
    lastCommitNs = nowNs;
    [done, poison] = [[], []];
    const result = commit.commit(changes);
    if (result.status === "pending")
      log.error("the state directory cannot be written; nothing is lost, trying again", {
        error: String(result.error),
      });
    folding.settle(nowNs);
    return result.status === "applied";
  }

  /** Looked for once a minute, in silence too: a long run's spans go out before it ends. Once all is closed, all of them. */
  function heldToRelease(nowNs: bigint): string[] {
    if (isClosed) return deps.heldTraces();
    if (nowNs - lastHeldCheckNs < HELD_CHECK_NS && nowNs >= lastHeldCheckNs) return [];
    lastHeldCheckNs = nowNs;
    return deps.heldDueEarly(nowNs);
  }

  function applyPending(): boolean {
    const result = commit.applyPending();
    return result.status === "applied";
  }
}

function keyOf(session: Session): string {
  return `${session.agent} ${session.id}`;
}

function baseOf(session: Session, atNs: bigint): Pick<AgentEvent, "agent" | "sessionId" | "atNs"> {
  return { agent: session.agent, sessionId: session.id, atNs };
}

function timePassed(session: Session, atNs: bigint, closing: boolean): AgentEvent {
  return { ...baseOf(session, atNs), kind: "time.passed", ...(closing ? { closing } : {}) };
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
