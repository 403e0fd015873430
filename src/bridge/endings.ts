/** Endings: time and dead processes, told to the core as events. It alone knows what they end. */

import type { AgentEvent } from "../event/event.ts";
import type { Log } from "../log.ts";
import { dueNs } from "../trace/expire.ts";
import type { Session } from "../trace/session.ts";
import type { Folding } from "./folding.ts";
import type { Follow } from "./follow.ts";
import { eventCounted } from "./health.ts";

export type Endings = {
  /** Asks after the agents' processes, now and then. Silence alone ends nothing. */
  checkProcesses(nowNs: bigint): void;
  /** Ends what is due, but nothing of a session whose transcript has not been read as far as it goes. */
  endDue(nowNs: bigint): boolean;
  /** Ends everything that is open. */
  endAll(nowNs: bigint): void;
  /** When `endDue` will next have something to do. */
  dueNs(): bigint | undefined;
};

type Deps = {
  folding: Folding;
  follow: Follow;
  isAlive: (pid: number, birth?: string) => boolean;
  /** What the client has shown of its cost, outside of the spool. */
  shownCost: (session: Session) => readonly AgentEvent[];
  log: Log;
};

const ALIVE_CHECK_NS = 10_000_000_000n;

export function createEndings({ folding, follow, isAlive, shownCost, log }: Deps): Endings {
  let lastCheckNs = 0n;
  // Left alone until the next start, or time would fail on them at each step.
  const stuck = new Set<string>();

  return {
    checkProcesses(nowNs) {
      if (nowNs - lastCheckNs < ALIVE_CHECK_NS && nowNs >= lastCheckNs) return;
      lastCheckNs = nowNs;
      for (const session of folding.live()) {
        const { pid, pidTrusted, pidBirth, processGoneNs, segments, runs } = session;
        if (pid === undefined || pidTrusted !== true || processGoneNs !== undefined) continue;
        if (segments.length + runs.length === 0) continue;
        if (!isAlive(pid, pidBirth)) folding.fold({ ...baseOf(session, nowNs), kind: "process.gone" });
      }
    },
    endDue(nowNs) {
      const due = folding.live().filter((session) => {
        const ns = dueNs(session);
        return ns !== undefined && ns <= nowNs && isReady(session);
      });
      for (const session of due) end(session, { ...baseOf(session, nowNs), kind: "time.passed" });
      return due.length > 0;
    },
    endAll(nowNs) {
      for (const session of folding.live()) {
        if (session.segments.length + session.runs.length === 0) continue;
        end(session, { ...baseOf(session, nowNs), kind: "time.passed", closing: true });
      }
    },
    dueNs() {
      let next: bigint | undefined;
      for (const session of folding.live()) {
        const ns = dueNs(session);
        if (ns !== undefined && (next === undefined || ns < next) && isReady(session)) next = ns;
      }
      return next;
    },
  };

  function isReady(session: Session): boolean {
    return !follow.isBehind(session) && !stuck.has(keyOf(session));
  }

  /** One session that cannot be ended, by a mistake of ours, must not stop the rest. */
  function end(session: Session, event: AgentEvent): void {
    try {
      // Only of a process that is over: what is shown while it lives says nothing yet.
      const isOver =
        session.processGoneNs !== undefined || session.segments.some(({ endedNs }) => endedNs !== undefined);
      if (isOver) for (const shown of shownCost(session)) folding.fold(shown);
      folding.fold(event);
    } catch (error) {
      // Only the kind of the error: its text may quote what the session holds.
      const kind = error instanceof Error ? error.name : "unknown";
      log.error("a session cannot be ended and is left as it is", { error: kind });
      folding.count([eventCounted("session_stuck")]);
      stuck.add(keyOf(session));
    }
  }
}

function keyOf(session: Session): string {
  return `${session.agent} ${session.id}`;
}

function baseOf(session: Session, atNs: bigint): Pick<AgentEvent, "agent" | "sessionId" | "atNs"> {
  return { agent: session.agent, sessionId: session.id, atNs };
}
