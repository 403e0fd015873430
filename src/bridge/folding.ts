/**
 * Folding in memory: events go in one by one, and what they change is collected for the next commit. Nothing here is on
 * disk until `take` hands it to one; if the process dies before, the same events are folded again from the spool and from
 * the transcripts' committed positions.
 */

import type { AgentEvent } from "../event/event.ts";
import { add, type Totals } from "../metric/totals.ts";
import type { Changes } from "../store/commit-record.ts";
import { boundedIndex, type Index } from "../store/index-file.ts";
import type { SessionRead, SessionStore } from "../store/session-store.ts";
import { sessionFile } from "../store/state-directory.ts";
import type { Policy } from "../trace/draft.ts";
import { dueNs } from "../trace/expire.ts";
import { fold } from "../trace/fold.ts";
import type { Increment, SpanBatch, SpanRecord } from "../trace/record.ts";
import type { Session } from "../trace/session.ts";
import { eventCounted } from "./health.ts";
import { link } from "./index-links.ts";
import { asSubagent, joined } from "./join.ts";

export type Folding = {
  /** False if the session's state cannot be used: the event must stay where it is. */
  fold(event: AgentEvent): boolean;
  count(increments: readonly Increment[]): void;
  /** Series of these keys were changed by others: they go along with the next commit. */
  touch(keys: Iterable<string>): void;
  /** The session that an event belongs to (the root session of a child), if it is known. */
  session(agent: string, sessionId: string): Session | undefined;
  /** Sessions in memory: all that have something open. */
  live(): Session[];
  /** Whether series of agents have changed since this was last asked. */
  hasNews(): boolean;
  /** Whether `take` would give anything that has to be committed; with `own`, our own counters count too. */
  isDirty(own?: "own"): boolean;
  /** What was folded since the last time, for one commit. */
  take(): Pick<Changes, "sessions" | "series" | "index" | "held" | "release">;
  /** To be called when what was taken is committed: what has nothing open leaves the memory. */
  settle(nowNs: bigint): void;
};

type Deps = {
  store: SessionStore<Session>;
  totals: Totals;
  index: Index;
  policy: Policy;
  repositoryOf: (cwd: string) => string | undefined;
  birthOf: (pid: number) => string | undefined;
  /** A session file that a newer hookspan wrote, or that was damaged and set aside. */
  onUnreadable: (reason: "damaged" | "newer") => void;
};

/** An ended session is remembered this long, for stragglers and resumes. */
const QUIET_NS = 60_000_000_000n;
const TOMBSTONE_NS = 86_400_000_000_000n;
const FILE_NAMES_KEPT = 4096;

export function createFolding(deps: Deps): Folding {
  const { store, totals, policy } = deps;
  let index = deps.index;
  let indexChanged = false;
  const sessions = new Map<string, Session>();
  const files = new Map<string, string>();
  const fileNames = new Map<string, string>();
  const changed = new Set<string>();
  const pointers = new Map<string, string>();
  const deleted = new Set<string>();
  const touchedSeries = new Set<string>();
  let isTouched = false;
  const spans = new Map<string, SpanBatch>();
  const released = new Set<string>();
  const unreadable = new Set<string>();
  let news = false;

  for (const read of store.list()) {
    if (read.status === "found") sessions.set(read.file, read.value);
    else if (read.status !== "absent") noteUnreadable(read.file, read.status === "corrupt" ? "damaged" : "newer");
  }

  return {
    fold(told) {
      const event = told.sessionId === "" ? joined(sessions.values(), told) : told;
      if (event === undefined) {
        count([eventCounted("unjoined")]);
        return true;
      }
      const file = fileOf(event.agent, event.sessionId);
      if (file === undefined) return false;
      const before = remembered(sessions.get(file), event);
      const linked = link(index, withBirth(withConversation(withRepository(event, before)), before));
      const step = fold(before, rooted(linked.event, before), policy);
      if (event.kind === "subagent.started") adopt(event, step.session);
      if (linked.index !== undefined) [index, indexChanged] = [linked.index, true];
      sessions.set(file, step.session);
      changed.add(file);
      collect(step.session, step.spans);
      for (const traceId of step.settled) released.add(traceId);
      count([...step.increments, ...step.remarks.map(eventCounted)]);
      news ||= step.increments.length > 0;
      return true;
    },
    count,
    touch(keys) {
      for (const key of keys) touchedSeries.add(key);
      isTouched = true;
    },
    session(agent, sessionId) {
      const file = fileOf(agent, sessionId);
      return file === undefined ? undefined : sessions.get(file);
    },
    live: () => [...sessions.values()],
    hasNews() {
      const had = news;
      news = false;
      return had;
    },
    // Our own counters alone are no reason to write: they go along with the next commit.
    isDirty: (own) =>
      changed.size + pointers.size + deleted.size + spans.size + released.size > 0 ||
      indexChanged ||
      isTouched ||
      (own !== undefined && touchedSeries.size > 0),
    take() {
      const taken = {
        sessions: [
          ...[...sessions].filter(([file]) => changed.has(file)).map(([file, session]) => ({ file, session })),
          ...[...pointers].map(([child, root]) => ({ file: child, root })),
          ...[...deleted].map((file) => ({ file, deleted: true as const })),
        ],
        series: [...totals.series].filter(([key]) => touchedSeries.has(key)),
        ...(indexChanged ? { index: boundedIndex(index) } : {}),
        held: [...spans.values()],
        release: [...released],
      };
      for (const set of [changed, pointers, deleted, touchedSeries, spans, released]) set.clear();
      index = taken.index ?? index;
      indexChanged = false;
      isTouched = false;
      return taken;
    },
    settle(nowNs) {
      for (const [file, session] of sessions) {
        const isOpen = dueNs(session) !== undefined || session.segments.length > 0;
        const quietNs = nowNs - session.lastNs;
        if (changed.has(file) || isOpen || quietNs < QUIET_NS) continue;
        // On disk it stays for stragglers and resumes; the first look of a bridge sweeps out what is older.
        sessions.delete(file);
        if (quietNs > TOMBSTONE_NS) deleted.add(file);
      }
    },
  };

  /** A child session's file says only whose child it is, so that its events find their root after a restart too. */
  function adopt(event: AgentEvent & { kind: "subagent.started" }, root: Session): void {
    if (event.childSessionId === undefined) return;
    const child = sessionFile(event.agent, event.childSessionId);
    // A child that spoke before its start was heard of has a state of its own by now, and keeps it.
    if (sessions.has(child)) return;
    files.set(`${event.agent}\0${event.childSessionId}`, sessionFile(root.agent, root.id));
    pointers.set(child, root.id);
  }

  function count(increments: readonly Increment[]): void {
    for (const key of add(totals, increments)) touchedSeries.add(key);
  }

  /** Said once for a file: its events stay in the spool and are looked at again and again. */
  function noteUnreadable(file: string, reason: "damaged" | "newer"): void {
    if (unreadable.has(file)) return;
    unreadable.add(file);
    count([eventCounted(`session_state_${reason}`)]);
    deps.onUnreadable(reason);
  }

  /** The file of the event's root session; loads it once. Undefined if its state cannot be used. */
  function fileOf(agent: string, sessionId: string): string | undefined {
    const name = `${agent}\0${sessionId}`;
    const known = files.get(name) ?? fileNameOf(name, agent, sessionId);
    if (sessions.has(known)) return known;
    const read: SessionRead<Session> = store.load(agent, sessionId);
    if (read.status === "newer") {
      noteUnreadable(read.file, "newer");
      return undefined;
    }
    if (read.status === "corrupt") noteUnreadable(read.file, "damaged");
    if (read.status === "found") sessions.set(read.file, read.value);
    if (read.file !== known) files.set(name, read.file);
    deleted.delete(read.file);
    return read.file;
  }

  /** A name is a hash, and asked for in every step for each session that is followed. */
  function fileNameOf(name: string, agent: string, sessionId: string): string {
    if (fileNames.size >= FILE_NAMES_KEPT) fileNames.clear();
    const file = fileNames.get(name) ?? sessionFile(agent, sessionId);
    fileNames.set(name, file);
    return file;
  }

  /** Looked up when a session comes to a directory, not for every event in it. */
  function withRepository(event: AgentEvent, session: Session | undefined): AgentEvent {
    if (event.kind !== "session.described" || event.cwd === undefined || event.cwd === session?.cwd) return event;
    const repository = deps.repositoryOf(event.cwd);
    return repository === undefined ? event : { ...event, repository };
  }

  /** A chain of sessions is one conversation, named by the first. */
  function withConversation(event: AgentEvent): AgentEvent {
    if (event.kind !== "session.continued") return event;
    const file = fileOf(event.agent, event.previousSessionId);
    const conversationId = file === undefined ? undefined : sessions.get(file)?.conversationId;
    return conversationId === undefined ? event : { ...event, conversationId };
  }

  /** Looked up once for each process: it may be gone, and its number another's, by the next event. */
  function withBirth(event: AgentEvent, session: Session | undefined): AgentEvent {
    if (event.kind !== "session.described" || event.hook?.pid === undefined) return event;
    const { pid, pidSource } = event.hook;
    const isMet = pid === session?.pid && session.processGoneNs === undefined;
    const isSure = pidSource === "marker" ? isMet : !isMet || session?.pidTrusted === true;
    const birth = isSure ? undefined : deps.birthOf(pid);
    return birth === undefined ? event : { ...event, hook: { ...event.hook, birth } };
  }

  function collect(session: Session, finished: readonly SpanRecord[]): void {
    const { agent, agentVersion } = session;
    for (const span of finished) {
      const key = `${span.traceId}\0${agentVersion ?? ""}`;
      const head = { agent, ...(agentVersion === undefined ? {} : { agentVersion }), traceId: span.traceId };
      const batch = spans.get(key) ?? { ...head, spans: [] };
      batch.spans.push(span);
      spans.set(key, batch);
    }
  }
}

/** After a day a session that has ended is another one, whether its file was swept out by then or not. */
function remembered(session: Session | undefined, { sessionId, atNs }: AgentEvent): Session | undefined {
  const isForgotten =
    session !== undefined &&
    session.id === sessionId &&
    atNs - session.lastNs > TOMBSTONE_NS &&
    dueNs(session) === undefined;
  return isForgotten ? undefined : session;
}

/** The core always gets the root session: a child's event becomes one of its root. */
function rooted(event: AgentEvent, session: Session | undefined): AgentEvent {
  return session === undefined || session.id === event.sessionId ? event : asSubagent(event, session);
}
