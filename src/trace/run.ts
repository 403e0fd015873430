/**
 * Runs: one user turn each. While a run is open, and until its source's word that it is over for good, events only add
 * facts to it; its end and outcome follow from the facts when it settles. So they do not depend on the order of arrival.
 */

import type { AgentEvent } from "../event/event.ts";
import { captured, earlier, hasEnded, remark, replace, type Draft } from "./draft.ts";
import { runContext } from "./ids.ts";
import { inboundParent } from "./inbound.ts";
import { isToldByHook } from "./told-by-hook.ts";
import type { SpanContext } from "./record.ts";
import { segmentContext } from "./segment.ts";
import type { Run, Session } from "./session.ts";
import { emptyTally } from "./tally.ts";

/** Where a span goes: the trace and root of its run (open or not), or the session's own trace. */
export type Place = { runKey?: string; context: SpanContext };

const EARLY_NS = 2_000_000_000n;

/** Nobody asks twice within this: a plugin and the settings both have the hook. */
const TWICE_NS = 500_000_000n;

export function submitPrompt(draft: Draft, event: AgentEvent & { kind: "prompt.submitted" }): void {
  const { session } = draft;
  const key = event.runKey ?? event.atNs.toString();
  if (hasEnded(session, "run", key)) return remark(draft, "duplicate");
  const existing = session.runs.find((run) => run.key === key) ?? alreadyOpen(session, event);
  if (existing !== undefined && !existing.synthetic) return remark(draft, "duplicate");
  const prompt = captured(draft, { input: "prompt", output: "response" }, event.content).input;
  const opened = existing ?? newRun(session, key, event.atNs);
  // The prompt's own time is the start, even if a tool of the run was heard of first.
  const { trigger, taskId } = event;
  const run: Run = { ...opened, startNs: event.atNs, synthetic: false, trigger, prompt, taskId };
  insert(draft, { ...run, ...takeEarlyStop(session, event) });
}

/**
 * Notes a fact about how a run ended. Here a run that is named and not known is nobody: the end of one run must not become
 * the end of another. Gives the run as it is now.
 */
export function noteRun(draft: Draft, event: AgentEvent, fact: (run: Run) => Partial<Run>): Run | undefined {
  const run = runOf(draft.session, event);
  if (event.runKey !== undefined && run?.key !== event.runKey) noteEarly(draft.session, event.runKey, event, fact);
  if (run === undefined || (event.runKey !== undefined && run.key !== event.runKey)) return undefined;
  const next = { ...run, ...fact(run) };
  draft.session.runs = replace(draft.session.runs, run, next);
  return next;
}

/** All that runs has been interrupted; what has an end of its own keeps it. */
export function interruptSession(draft: Draft, atNs: bigint): void {
  draft.session.runs = draft.session.runs.map((run) =>
    run.startNs <= atNs ? { ...run, cutNs: earlier(run.cutNs, atNs) } : run,
  );
}

/**
 * A sign of life: a run that nobody ends, ends at its last one. What names another run, or is about the session, is none.
 */
export function touchRun(draft: Draft, event: AgentEvent): void {
  const run = runOf(draft.session, event);
  const isAnothers = event.runKey !== undefined && event.runKey !== run?.key;
  const isSessions = event.kind === "session.started" || event.kind === "session.ended";
  if (run === undefined || isAnothers || isSessions || event.atNs <= run.lastNs) return;
  draft.session.runs = replace(draft.session.runs, run, { ...run, lastNs: event.atNs });
}

/**
 * Where a span of this event goes. A tool call opens a run where none is known, and so does a model call of which a hook
 * tells; nothing else but a prompt does.
 */
export function placeOf(draft: Draft, event: AgentEvent): Place {
  const { session } = draft;
  const run = runOf(session, event);
  if (run !== undefined) return { runKey: run.key, context: run.context };
  if (event.runKey !== undefined && hasEnded(session, "run", event.runKey)) {
    return { runKey: event.runKey, context: endedContext(session, event.runKey) };
  }
  if (!opensRun(event)) return { context: segmentContext(draft, event.atNs) };
  const opened = newRun(session, event.runKey ?? event.atNs.toString(), event.atNs);
  insert(draft, opened);
  return { runKey: opened.key, context: opened.context };
}

/** A run of the agent's own, beside those of the user, which it may outlive as well as the session. */
export function isReview(run: Pick<Run, "trigger">): boolean {
  return run.trigger === "review";
}

export function knowsRun(session: Session, runKey: string): boolean {
  return session.runs.some((run) => run.key === runKey) || hasEnded(session, "run", runKey);
}

/** The run that the event names; else, where it names none or one never met, the newest that had begun by then. */
function runOf(session: Session, event: AgentEvent): Run | undefined {
  if (event.runKey !== undefined) {
    const named = session.runs.find((run) => run.key === event.runKey);
    if (named !== undefined || hasEnded(session, "run", event.runKey)) return named;
    if (opensRun(event)) return undefined;
  }
  const begun = session.runs.filter((run) => run.startNs <= event.atNs);
  return begun.findLast((run) => !isReview(run)) ?? begun.at(-1);
}

function opensRun(event: AgentEvent): boolean {
  return (
    event.kind === "tool.started" || event.kind === "tool.ended" || (event.runKey !== undefined && isToldByHook(event))
  );
}

/** Where a late span of an ended run goes: the run may have been in the trace of its inbound parent. */
function endedContext(session: Session, key: string): SpanContext {
  const own = runContext(session.agent, session.id, key);
  const known = [
    ...session.segments.flatMap(({ runs }) => runs),
    ...(session.previousRun === undefined ? [] : [session.previousRun.context]),
  ];
  return known.find(({ spanId }) => spanId === own.spanId) ?? own;
}

function newRun(session: Session, key: string, atNs: bigint): Run {
  const context = runContext(session.agent, session.id, key);
  const inbound = inboundParent(session);
  const place: Partial<Run> =
    inbound === undefined
      ? {}
      : inbound.adopt
        ? {
            context: { traceId: inbound.context.traceId, spanId: context.spanId },
            parentSpanId: inbound.context.spanId,
          }
        : { inbound: inbound.context };
  const facts = takeEarly(session, key, atNs);
  return {
    key,
    context,
    startNs: atNs,
    lastNs: atNs,
    synthetic: true,
    trigger: "user",
    tally: emptyTally(),
    ...place,
    ...facts,
  };
}

/** Without turn ids: the stop that overtook its prompt. One from before the prompt is none of its run. */
function takeEarlyStop(session: Session, event: AgentEvent): Partial<Run> {
  const { earlyStop } = session;
  if (event.runKey !== undefined || earlyStop === undefined) return {};
  session.earlyStop = undefined;
  return earlyStop.stoppedNs < event.atNs ? {} : earlyStop;
}

/** Without turn ids: a run that a tool opened an instant before its prompt came, or whose prompt is told of twice. */
function alreadyOpen(session: Session, event: AgentEvent): Run | undefined {
  if (event.runKey !== undefined) return undefined;
  return session.runs.find(({ synthetic, startNs, stoppedNs }) =>
    synthetic
      ? startNs >= event.atNs && startNs - event.atNs < EARLY_NS
      : stoppedNs === undefined && startNs <= event.atNs && event.atNs - startNs < TWICE_NS,
  );
}

/** The end of a run may overtake its prompt. Of a run that nobody begins, it remains without consequence. */
function noteEarly(session: Session, key: string, event: AgentEvent, fact: (run: Run) => Partial<Run>): void {
  if (event.subagentId !== undefined || hasEnded(session, "run", key)) return;
  const early = session.early?.key === key ? session.early : newRun(session, key, event.atNs);
  session.early = { ...early, startNs: earlier(early.startNs, event.atNs), ...fact(early) };
}

/** What was heard of the end of a run before it began here. One from before its beginning is none of its own. */
function takeEarly(session: Session, key: string, atNs: bigint): Partial<Run> {
  const { early } = session;
  if (early === undefined || early.key !== key || early.startNs < atNs) return {};
  session.early = undefined;
  const {
    context: _context,
    parentSpanId: _parent,
    inbound: _inbound,
    startNs: _start,
    lastNs: _last,
    ...rest
  } = early;
  const { key: _key, synthetic: _synthetic, trigger: _trigger, tally: _tally, ...facts } = rest;
  return facts;
}

/** Keeps runs in order of their start, each knowing when the next one began. A review supersedes none, and none a review. */
function insert(draft: Draft, run: Run): void {
  const others = draft.session.runs.filter((one) => one.key !== run.key);
  const runs = [...others, run].sort((a, b) => (a.startNs < b.startNs ? -1 : 1));
  draft.session.runs = runs.map((one, i) => {
    if (isReview(one)) return one;
    const next = runs.slice(i + 1).find((later) => !isReview(later));
    return next === undefined || one.supersededNs === next.startNs ? one : { ...one, supersededNs: next.startNs };
  });
}
