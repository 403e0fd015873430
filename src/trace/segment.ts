/**
 * Segments: a session span stands for one stretch from start (or resume) to end. Events find their segment by time, so a
 * start or an end that comes late, or before its time, lands where it belongs.
 */

import type { AgentEvent } from "../event/event.ts";
import { count, earlier, emit, hasEnded, known, later, link, remark, replace, type Draft } from "./draft.ts";
import { sessionContext } from "./ids.ts";
import type { SpanContext } from "./record.ts";
import { ATTR, OPERATION } from "./semconv.ts";
import type { Run, Segment, Session } from "./session.ts";

/** A session span links to this many of its runs at most. */
const RUN_LINKS = 128;

/** No process starts twice within this: a plugin and the settings both have the hook. */
const TWICE_NS = 500_000_000n;

/** Events that take up a session again after its end. Everything else that late is a straggler. */
const REOPENING = new Set<AgentEvent["kind"]>(["session.started", "prompt.submitted", "tool.started", "run.glimpsed"]);

/** By these a session has not gone on: a start that comes now is still its own. */
const UNEVENTFUL = new Set<AgentEvent["kind"]>(["session.started", "session.continued", "noted", "run.glimpsed"]);

/** Notes a sign of life in the segment that `event` belongs to, opening one where there is none. */
export function touchSegment(draft: Draft, event: AgentEvent): void {
  const found = segmentAt(draft.session, event.atNs);
  // An end is no beginning: of a session that was never met, it tells nothing.
  if (found === undefined && event.kind === "session.ended") return;
  if (found === undefined && isLate(draft.session, event)) return;
  if (found === undefined) return open(draft, event);
  if (isNewProcess(draft.session, found, event)) return split(draft, found, event);
  const straggler = found.endedNs !== undefined && event.atNs > found.endedNs;
  if (straggler) return REOPENING.has(event.kind) && !isOfReview(draft.session, event) ? open(draft, event) : undefined;
  update(draft, found, {
    startNs: earlier(found.startNs, event.atNs),
    lastNs: later(found.lastNs, event.atNs),
    ...(isEventful(event) ? { eventful: true, eventfulNs: earlier(found.eventfulNs, event.atNs) } : {}),
  });
}

/** Books a native start with its segment, which `touchSegment` has found or opened. */
export function startSession(draft: Draft, event: AgentEvent & { kind: "session.started" }): void {
  if (event.model !== undefined) draft.session.model = event.model;
  const segment = segmentAt(draft.session, event.atNs);
  if (event.source === "compact" || segment === undefined) return;
  // Told of twice, as a new session and as one that follows another: the more telling word stands, whichever comes first.
  const source = segment.source === undefined || segment.source === "startup" ? event.source : segment.source;
  const previousSessionId = event.previousSessionId ?? segment.previousSessionId;
  update(draft, segment, { started: true, source, previousSessionId });
  if (isToldAgain(draft.session, event)) return;
  draft.session.processStarts = [...draft.session.processStarts, event.atNs].slice(-16);
  draft.session.runs = draft.session.runs.map((run) =>
    run.startNs < event.atNs && run.abandonedNs === undefined ? { ...run, abandonedNs: event.atNs } : run,
  );
}

/** Books the session that this one was forked from; only its first stretch follows that one. */
export function namePrevious(draft: Draft, previousSessionId: string): void {
  const [first] = draft.session.segments;
  if (first !== undefined && draft.session.previousSegment === undefined) update(draft, first, { previousSessionId });
}

/** The conversation keeps the id that it began under, over any number of sessions. */
export function continueSession(draft: Draft, event: AgentEvent & { kind: "session.continued" }): void {
  const { previousSessionId } = event;
  draft.session.conversationId = event.conversationId ?? previousSessionId;
  const segment = segmentAt(draft.session, event.atNs);
  if (segment !== undefined) update(draft, segment, { previousSessionId });
}

export function endSession(draft: Draft, event: AgentEvent & { kind: "session.ended" }): void {
  const segment = segmentAt(draft.session, event.atNs);
  if (segment === undefined) return remark(draft, draft.session.closedNs === undefined ? "unmatched" : "late");
  if (segment.endedNs !== undefined) return remark(draft, "duplicate");
  update(draft, segment, { endedNs: event.atNs, endReason: event.reason, lastNs: later(segment.lastNs, event.atNs) });
  draft.session.runs = draft.session.runs.map((run) =>
    run.startNs >= segment.startNs && run.startNs <= event.atNs && run.trigger !== "review"
      ? { ...run, sessionEndedNs: event.atNs }
      : run,
  );
  takeUpAfter(draft, event.atNs);
}

/** A prompt that came after this end was heard of before it: it took the session up again. */
function takeUpAfter(draft: Draft, endedNs: bigint): void {
  const { session } = draft;
  const isTaken = session.segments.some((one) => one.startNs > endedNs);
  const newer = session.runs.filter((run) => run.startNs > endedNs && !run.synthetic && run.trigger !== "review");
  const [first] = newer;
  if (first === undefined || isTaken) return;
  const lastNs = newer.reduce((max, run) => (run.lastNs > max ? run.lastNs : max), first.lastNs);
  const { startNs } = first;
  const next = { startNs, started: false, eventful: true, eventfulNs: startNs, lastNs, runs: [], runCount: 0 };
  session.segments = [...session.segments, next];
}

/** The context that a span without a run hangs under; from now on the segment's id is fixed. */
export function segmentContext(draft: Draft, atNs: bigint): SpanContext {
  const segment = segmentAt(draft.session, atNs) ?? draft.session.segments.at(-1);
  // Its span has been sent: what comes so late still belongs to it.
  if (segment === undefined && draft.session.previousSegment !== undefined) return draft.session.previousSegment;
  if (segment === undefined) return sessionContext(draft.session.agent, draft.session.id, atNs);
  const keyNs = segment.keyNs ?? segment.startNs;
  if (segment.keyNs === undefined) update(draft, segment, { keyNs });
  return sessionContext(draft.session.agent, draft.session.id, keyNs);
}

/** Books a settled run with its segment. */
export function addRun(draft: Draft, run: Pick<Run, "context" | "startNs">): void {
  const segment = segmentAt(draft.session, run.startNs);
  if (segment === undefined) return;
  const runs = segment.runs.length < RUN_LINKS ? [...segment.runs, run.context] : segment.runs;
  update(draft, segment, { runs, runCount: segment.runCount + 1 });
}

/** Emits the span of a segment that is over, and lets go of it. `reason` is what ended it where no event did. */
export function closeSegment(draft: Draft, segment: Segment, reason: "expired" | "closed"): void {
  const { session } = draft;
  const context = sessionContext(session.agent, session.id, segment.keyNs ?? segment.startNs);
  const links = segment.runs.map((run) => link(run, "run"));
  if (session.previousSegment !== undefined) links.push(link(session.previousSegment, "previous_session"));
  emit(draft, {
    ...context,
    name: `${OPERATION.session} ${session.agent}`,
    kind: "internal",
    startNs: segment.startNs,
    endNs: segment.endedNs ?? segment.lastNs,
    links,
    attributes: known({
      [ATTR.operation]: OPERATION.session,
      [ATTR.agentName]: session.agent,
      [ATTR.sessionSource]: segment.source,
      [ATTR.sessionEndReason]: segment.endReason ?? reason,
      [ATTR.sessionSynthetic]: segment.started ? undefined : true,
      [ATTR.sessionRuns]: segment.runCount,
      [ATTR.sessionPreviousId]: segment.previousSessionId,
      [ATTR.entrypoint]: session.entrypoint,
      [ATTR.repository]: session.repository,
    }),
  });
  draft.settled.push(context.traceId);
  session.previousSegment = context;
  session.closedNs = later(session.closedNs, segment.endedNs ?? segment.lastNs);
  session.segments = replace(session.segments, segment, undefined);
}

/** Segments stand in order of time; a time between two belongs to the later one if the earlier has ended. */
function segmentAt(session: Session, atNs: bigint): Segment | undefined {
  return session.segments.find((segment, i) => {
    const next = session.segments[i + 1];
    if (next === undefined) return true;
    return segment.endedNs === undefined ? atNs < next.startNs : atNs <= segment.endedNs;
  });
}

/**
 * A start in the midst of a segment means another process: the one before died, or its end is still to come. A start told
 * of twice (a plugin and the settings both have the hook) is not one.
 */
function isNewProcess(session: Session, segment: Segment, event: AgentEvent): boolean {
  if (event.kind !== "session.started" || event.source === "compact" || event.atNs <= segment.startNs) return false;
  if (segment.endedNs !== undefined && event.atNs <= segment.endedNs) return false;
  // What has happened after this start is its own.
  const hadLife = segment.eventful && (segment.eventfulNs ?? segment.startNs) < event.atNs;
  return hadLife && !isToldAgain(session, event);
}

function isToldAgain(session: Session, event: AgentEvent): boolean {
  return session.processStarts.some((ns) => event.atNs - ns < TWICE_NS && ns - event.atNs < TWICE_NS);
}

/** Told again, or too late: that stretch of the session is closed and sent. Only a new prompt shows that the clock lies. */
function isLate(session: Session, event: AgentEvent): boolean {
  const { closedNs } = session;
  if (closedNs === undefined) return false;
  if (isOfReview(session, event)) return true;
  const isNew = event.kind === "prompt.submitted" && event.runKey !== undefined && !isKnownRun(session, event.runKey);
  return !isNew && (event.atNs <= closedNs || !REOPENING.has(event.kind));
}

function isKnownRun(session: Session, key: string): boolean {
  return hasEnded(session, "run", key) || session.runs.some((run) => run.key === key);
}

/** It may run on after the session's end, and takes nothing up again. */
function isOfReview(session: Session, event: AgentEvent): boolean {
  if (event.kind === "prompt.submitted") return event.trigger === "review";
  return session.runs.some((run) => run.key === event.runKey && run.trigger === "review");
}

function isEventful(event: AgentEvent): boolean {
  return !UNEVENTFUL.has(event.kind);
}

function open(draft: Draft, event: AgentEvent): void {
  const { session } = draft;
  const first = session.segments.length === 0 && session.previousSegment === undefined;
  // What is told again of a closed segment may move the start of this one back to that one's, and its id must not go along.
  const isBehind = session.closedNs !== undefined && event.atNs <= session.closedNs;
  if (first) count(draft, "hookspan.session.count", { [ATTR.agentName]: session.agent });
  const segment: Segment = {
    startNs: event.atNs,
    ...(isBehind ? { keyNs: event.atNs } : {}),
    started: false,
    eventful: isEventful(event),
    ...(isEventful(event) ? { eventfulNs: event.atNs } : {}),
    lastNs: event.atNs,
    runs: [],
    runCount: 0,
  };
  session.segments = [...session.segments, segment];
}

/** Events of the new process may have come before its start: they are no sign of life of the old one. */
function split(draft: Draft, segment: Segment, event: AgentEvent): void {
  const { session } = draft;
  const before = session.runs.filter((run) => run.startNs < event.atNs);
  const lastNs = before.reduce((max, run) => (run.lastNs > max ? run.lastNs : max), segment.startNs);
  const next: Segment = {
    startNs: event.atNs,
    started: false,
    eventful: false,
    ...(segment.endedNs === undefined ? { beside: true } : {}),
    lastNs: later(segment.lastNs, event.atNs),
    runs: [],
    runCount: 0,
  };
  const isMixed = segment.lastNs >= event.atNs;
  const old = isMixed ? { ...segment, lastNs } : segment;
  session.segments = session.segments.flatMap((one) => (one === segment ? [old, next] : [one]));
}

function update(draft: Draft, segment: Segment, change: Partial<Segment>): void {
  draft.session.segments = replace(draft.session.segments, segment, { ...segment, ...change });
}
