/**
 * `hookspan context`: under which span a program stands that an agent's tool has started. It finds the agent as a process that
 * it descends from, and whose pid and birth hooks told; else by the session that Claude Code names in the environment. What
 * runs there, it learns as a bridge would, from the sessions on disk and the envelopes that wait: ids are derived, so the
 * span has this id however it is folded. Nothing is changed.
 */

import { createFolding } from "../bridge/folding.ts";
import { takeIn } from "../bridge/take-in.ts";
import { createHeadReading } from "../bridge/transcript-head.ts";
import type { Config } from "../config/config.ts";
import { createExclude } from "../event/exclude.ts";
import { emptyTotals } from "../metric/totals.ts";
import { createSpool } from "../spool/spool.ts";
import { ifPresent, type Disk } from "../store/disk.ts";
import { emptyIndex, loadIndex } from "../store/index-file.ts";
import { createQuarantine } from "../store/quarantine.ts";
import { createSessionStore } from "../store/session-store.ts";
import { stateDirectory } from "../store/state-directory.ts";
import { runningCall } from "../trace/running-call.ts";
import { SESSION_VERSION, sessionSchema, type Session } from "../trace/session.ts";

type Surroundings = {
  /** Processes that the asking one descends from, the nearest first. */
  ancestors: readonly number[];
  birthOf: (pid: number) => string | undefined;
  /** The session to look in, where it is known. */
  session: { agent: string; id: string } | undefined;
  /** The session that Claude Code names in the environment: for where the agent's process is out of sight, in a sandbox. */
  claudeSession: string | undefined;
  nowNs: bigint;
};

export type SurroundingContext = { status: "found"; traceparent: string } | { status: "unknown"; reason: string };

/** @throws the disk's own error, where the state directory exists and cannot be read. */
export function surroundingContext(disk: Disk, config: Config, around: Surroundings): SurroundingContext {
  const { session: named, claudeSession } = around;
  const sessions = foldedSessions(disk, config, around);
  const near = named === undefined ? ofNearest(sessions, around) : [];
  const hint = claudeSession === undefined ? undefined : { agent: "claude-code", id: claudeSession };
  const wanted = named ?? hint;
  const those = near.length > 0 || wanted === undefined ? near : sessions.filter((one) => isNamed(one, wanted));
  if (those.length === 0)
    return {
      status: "unknown",
      reason:
        named === undefined
          ? "no agent that hooks tell of has started this"
          : `no session ${named.id} of ${named.agent}`,
    };
  const context = runningCall(those);
  // All that hookspan makes is sampled.
  return context === undefined
    ? { status: "unknown", reason: "nothing runs in the agent's session, or several runs do" }
    : { status: "found", traceparent: `00-${context.traceId}-${context.spanId}-01` };
}

/** The spool is read first: what a bridge commits meanwhile is then folded twice, which changes nothing, and not left out. */
function foldedSessions(real: Disk, config: Config, { birthOf, nowNs }: Surroundings): Session[] {
  const directory = stateDirectory(config.home);
  // A look must neither move nor make a thing: before the first commit there are no sessions.
  const disk: Disk = { ...real, names: (path) => ifPresent(() => real.names(path)) ?? [] };
  const deps = {
    disk,
    quarantine: { ...createQuarantine(disk, directory.quarantine, config.bounds), setAside: () => {} },
  };
  const spool = createSpool(disk, directory.spool, config.bounds);
  const reads = spool
    .list()
    .entries.map((entry) => spool.read(entry, nowNs))
    .flatMap((read) => (read.status === "whole" ? [read] : []))
    .sort((a, b) => (a.envelope.timeNs < b.envelope.timeNs ? -1 : a.envelope.timeNs > b.envelope.timeNs ? 1 : 0));
  const index = loadIndex(deps, directory.index);
  const folding = createFolding({
    store: createSessionStore(deps, directory.sessions, SESSION_VERSION, (json) => sessionSchema.parse(json)),
    totals: emptyTotals(),
    index: index.status === "found" ? index.value : emptyIndex(),
    policy: { price: () => undefined, capture: () => undefined },
    repositoryOf: () => undefined,
    birthOf,
    onUnreadable: () => {},
  });
  const fold = createHeadReading(folding);
  const isExcluded = createExclude(config);
  for (const read of reads) takeIn({ fold, isExcluded }, read);
  return folding.live();
}

/** The sessions of the nearest process that is an agent's. A pid alone does not say so: another process may have had it. */
function ofNearest(sessions: readonly Session[], { ancestors, birthOf }: Surroundings): Session[] {
  for (const pid of ancestors) {
    const birth = birthOf(pid);
    const those = sessions.filter((one) => one.pid === pid && one.pidTrusted === true && one.pidBirth === birth);
    if (those.length > 0) return those;
  }
  return [];
}

function isNamed(one: Session, { agent, id }: { agent: string; id: string }): boolean {
  return one.agent === agent && one.id === id;
}
