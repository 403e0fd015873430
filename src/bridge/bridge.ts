/**
 * The bridge: the order of effects, and nothing else.
 *
 * One `step` is: sizes of transcripts, listing of the spool, envelopes folded, transcript lines folded, what is due ended,
 * all of it committed. Why this order: a line must not overtake the hooks that caused it (follow.ts), and time must not
 * overtake the envelopes that wait (nothing expires before what happened earlier was folded).
 *
 * Envelopes are deleted by commits only. Exports see nothing that is not committed.
 */

import type { Log } from "../log.ts";
import type { Commit } from "../store/commit.ts";
import type { Endings } from "./endings.ts";
import { BATCH, type Envelopes } from "./envelopes.ts";
import type { Folding } from "./folding.ts";
import type { Follow } from "./follow.ts";

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
  /** The disk would not have the last commit: nothing more is taken in, and nothing may be sent before it has it. */
  isBlocked(): boolean;
  /** A run has just stopped and its source's last word is awaited: it comes within moments. */
  awaitsWord(nowNs: bigint): boolean;
};

/** `progress`: something was taken in. `backlog`: more lies there. */
type Step = { progress: boolean; backlog: boolean };

type Deps = {
  envelopes: Envelopes;
  folding: Folding;
  follow: Follow;
  endings: Endings;
  commit: Commit;
  /** Traces whose held spans should not wait for their run any longer. */
  heldDueEarly: (nowNs: bigint) => string[];
  /** All traces that have held spans. */
  heldTraces: () => string[];
  log: Log;
};

/** One commit for what came within a second, or for a batch of envelopes. */
const COMMIT_NS = 1_000_000_000n;
/** A Stop hook that runs for longer than this is worth no haste. */
const WORD_NS = 30_000_000_000n;
const HELD_CHECK_NS = 60_000_000_000n;

export function createBridge(deps: Deps): Bridge {
  const { envelopes, folding, follow, endings, commit, log } = deps;
  let lastCommitNs = 0n;
  let lastHeldCheckNs = 0n;
  let isClosed = false;
  let hasUnfinishedGroups = false;

  return {
    step(nowNs, options = {}) {
      if (!unblock()) return { progress: false, backlog: true };
      const sizes = follow.sizes(folding.live(), nowNs);
      const taken = envelopes.take(nowNs);
      const read = follow.read(sizes, Number(nowNs / 1_000_000n), envelopes.foldedBeforeNs());
      // Who is gone by now may have done much in what still waits.
      if (!envelopes.hasBacklog()) endings.checkProcesses(nowNs);
      const ended = endings.endDue(envelopes.horizonNs(nowNs));
      const isDue = nowNs - lastCommitNs >= COMMIT_NS || nowNs < lastCommitNs;
      if (options.commitNow === true || envelopes.handled() >= BATCH || isDue) commitNow(nowNs);
      return { progress: taken > 0 || read || ended, backlog: envelopes.hasBacklog() };
    },
    closeAll(nowNs) {
      isClosed = true;
      endings.endAll(nowNs);
    },
    commit: commitNow,
    dueNs() {
      const commitDueNs = folding.isDirty() || envelopes.handled() > 0 ? lastCommitNs + COMMIT_NS : undefined;
      const endDueNs = endings.dueNs();
      if (commitDueNs === undefined || endDueNs === undefined) return commitDueNs ?? endDueNs;
      return commitDueNs < endDueNs ? commitDueNs : endDueNs;
    },
    isBusy: () =>
      folding.live().some((session) => session.runs.length + session.subagents.length > 0 || follow.isBehind(session)),
    isBlocked: () => commit.isPending() || hasUnfinishedGroups,
    awaitsWord: (nowNs) =>
      folding
        .live()
        .some(({ runs }) => runs.some(({ stoppedNs }) => stoppedNs !== undefined && nowNs - stoppedNs < WORD_NS)),
  };

  function commitNow(nowNs: bigint, own?: "own"): boolean {
    if (commit.isPending() && !applyPending()) return false;
    const early = heldToRelease(nowNs);
    if (!folding.isDirty(own) && envelopes.handled() + early.length === 0) return true;
    const groups = finishGroups();
    if (groups === undefined) return false;
    const taken = folding.take();
    const release = [...new Set([...taken.release, ...early])];
    lastCommitNs = nowNs;
    const handled = envelopes.takeHandled();
    const result = commit.commit({ ...taken, release, ...handled, envelopes: [...handled.envelopes, ...groups] });
    if (result.status === "pending") {
      log.error("the state directory cannot be written; nothing is lost, trying again", {
        error: String(result.error),
      });
    }
    // Not by the clock: in an old backlog what takes a session up again may still wait.
    folding.settle(envelopes.horizonNs(nowNs));
    return result.status === "applied";
  }

  function unblock(): boolean {
    if (commit.isPending() && !applyPending()) return false;
    return !hasUnfinishedGroups || finishGroups() !== undefined;
  }

  /** Undefined while the disk will not. */
  function finishGroups(): string[] | undefined {
    try {
      const groups = envelopes.finishGroups();
      hasUnfinishedGroups = false;
      return groups;
    } catch (error) {
      hasUnfinishedGroups = true;
      log.error("the state directory cannot be synced; nothing is lost, trying again", { error: String(error) });
      return undefined;
    }
  }

  /** Looked for once a minute, in silence too: a long run's spans go out before it ends. Once all is closed, all of them. */
  function heldToRelease(nowNs: bigint): string[] {
    if (isClosed) return deps.heldTraces();
    if (nowNs - lastHeldCheckNs < HELD_CHECK_NS && nowNs >= lastHeldCheckNs) return [];
    lastHeldCheckNs = nowNs;
    return deps.heldDueEarly(nowNs);
  }

  function applyPending(): boolean {
    return commit.applyPending().status === "applied";
  }
}
