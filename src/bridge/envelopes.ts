/** Envelopes from the spool to the fold, and what became of each. They stay in the spool until a commit takes them away. */

import type { AgentEvent } from "../event/event.ts";
import type { IsExcluded } from "../event/exclude.ts";
import type { Log } from "../log.ts";
import type { Spool, SpoolEntry } from "../spool/spool.ts";
import type { Changes } from "../store/commit-record.ts";
import type { Folding } from "./folding.ts";
import { dropped, eventCounted, foldLag } from "./health.ts";
import { takeIn, type TakenIn } from "./take-in.ts";

/** One commit for so many. */
export const BATCH = 1000;

const LOOK_AGAIN_NS = 60_000_000_000n;

export type Envelopes = {
  /** Folds a batch in the order of receipt, and says how many it is done with. */
  take(nowNs: bigint): number;
  /** More lies there, known from the last listing. */
  hasBacklog(): boolean;
  /** While older envelopes wait, it is no later than the next of them. */
  horizonNs(nowNs: bigint): bigint;
  /** What happened at or after this may have been caused by an envelope that is not folded; undefined if there is none. */
  foldedBeforeNs(): bigint | undefined;
  /** How many a commit would take away. */
  handled(): number;
  /** Groups that go with what is handled; to be asked before each commit. @throws the disk's own error. */
  finishGroups(): string[];
  /** What the next commit takes away, given out once. */
  takeHandled(): Pick<Changes, "envelopes" | "quarantine">;
};

type Deps = {
  spool: Spool;
  folding: Folding;
  isExcluded: IsExcluded;
  /** An agent was heard of, at the time of receipt. */
  onHeard?: (agent: string, atNs: bigint) => void;
  log: Log;
};

export function createEnvelopes({ spool, folding, isExcluded, onHeard = () => {}, log }: Deps): Envelopes {
  let backlog: SpoolEntry[] = [];
  let done: string[] = [];
  let poison: Changes["quarantine"] = [];
  let listedNs = 0n;
  let isListedAnew = true;
  /** Left where they are until then, as long as they do not change. */
  let left = new Map<string, { sizeBytes: number; mtimeNs: bigint; sinceNs: bigint }>();

  return {
    take(nowNs) {
      const handled = new Set([...done, ...poison.map(({ name }) => name)]);
      isListedAnew = backlog.length === 0;
      if (isListedAnew) [backlog, listedNs] = [list(nowNs, handled), nowNs];
      const entries = backlog
        .splice(0, BATCH)
        .filter((entry) => !handled.has(entry.name) && !isLeftAlone(entry, nowNs));
      const reads = entries
        .map((entry) => ({ entry, read: spool.read(entry, nowNs) }))
        .map((one) => ({ ...one, timeNs: one.read.status === "whole" ? one.read.envelope.timeNs : one.entry.mtimeNs }))
        .sort((a, b) => compare(a.timeNs, b.timeNs) || (a.entry.name < b.entry.name ? -1 : 1));
      let taken = 0;
      for (const { entry, read, timeNs } of reads) {
        const fold = (event: AgentEvent): boolean => {
          onHeard(event.agent, timeNs);
          return folding.fold(event);
        };
        if (!note(entry.name, takeIn({ fold, isExcluded }, read))) {
          left.set(entry.name, { ...entry, sinceNs: nowNs });
          continue;
        }
        taken += 1;
        folding.count([foldLag(Number(nowNs - timeNs) / 1e9)]);
      }
      return taken;
    },
    hasBacklog: () => backlog.length > 0,
    horizonNs(nowNs) {
      const next = backlog[0]?.mtimeNs;
      return next !== undefined && next < nowNs ? next : nowNs;
    },
    foldedBeforeNs: () => backlog[0]?.mtimeNs ?? (isListedAnew ? undefined : listedNs),
    handled: () => done.length + poison.length,
    finishGroups: () => {
      const moved = poison.map(({ name }) => name);
      return spool.finishGroups(done, moved);
    },
    takeHandled() {
      const handled = { envelopes: done, quarantine: poison };
      [done, poison] = [[], []];
      return handled;
    },
  };

  /** A listing looks at every file, so a backlog is listed once and worked off. */
  function list(nowNs: bigint, handled: ReadonlySet<string>): SpoolEntry[] {
    const listing = spool.list(handled);
    const drops = spool.beyondBounds(listing, nowNs);
    for (const { name, reason } of drops) {
      done.push(name);
      folding.count([dropped(reason)]);
    }
    const gone = new Set(drops.map(({ name }) => name));
    const there = new Set(listing.entries.map(({ name }) => name));
    left = new Map([...left].filter(([name]) => there.has(name)));
    return listing.entries.filter(({ name }) => !gone.has(name));
  }

  /** Not whole yet, or of a session that a newer hookspan keeps: to read it with each step would wear on an idle machine. */
  function isLeftAlone({ name, sizeBytes, mtimeNs }: SpoolEntry, nowNs: bigint): boolean {
    const seen = left.get(name);
    if (seen === undefined || seen.sizeBytes !== sizeBytes || seen.mtimeNs !== mtimeNs) return false;
    return nowNs >= seen.sinceNs && nowNs - seen.sinceNs < LOOK_AGAIN_NS;
  }

  /** Books what became of an envelope. True if it is done with. */
  function note(name: string, taken: TakenIn): boolean {
    switch (taken.status) {
      case "left":
        return false;
      case "quarantined":
        poison.push({ name, reason: taken.reason });
        folding.count([eventCounted("quarantined")]);
        log.warn("an event was quarantined", { event: name, reason: taken.reason });
        return true;
      case "dropped":
        done.push(name);
        folding.count([dropped(taken.reason), eventCounted("dropped")]);
        log.warn("an event was dropped", { event: name, reason: taken.reason });
        return true;
      case "ignored":
        done.push(name);
        folding.count([eventCounted(taken.reason)]);
        return true;
      case "excluded":
        done.push(name);
        folding.count([eventCounted("excluded")]);
        return true;
      case "folded":
        done.push(name);
        folding.count([eventCounted(taken.noted === "unknown" ? "unknown" : "folded")]);
        if (taken.refused !== undefined) folding.count([eventCounted(taken.refused)]);
        return true;
    }
  }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
