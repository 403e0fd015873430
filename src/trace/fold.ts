/**
 * fold: (session, event) -> step. The whole meaning of hookspan in one function: what an event does to the span-context
 * state of its session, which spans it finishes and what it adds to metrics. Pure: time came with the event.
 */

import type { AgentEvent } from "../event/event.ts";
import { failCall, noteCall } from "./call.ts";
import { endCompaction, startCompaction } from "./compaction.ts";
import { reconcile } from "./cost.ts";
import { earlier, later, type Draft, type Policy, type Step } from "./draft.ts";
import { closeSession, expire } from "./expire.ts";
import { dropGlimpses, noteGlimpse } from "./glimpse.ts";
import { noteHookRun } from "./hook-run.ts";
import { sessionContext } from "./ids.ts";
import { decidePermission, requestPermission } from "./permission.ts";
import { interruptSession, noteRun, submitPrompt, touchRun } from "./run.ts";
import { continueSession, endSession, namePrevious, startSession, touchSegment } from "./segment.ts";
import { newSession, type Run, type Session } from "./session.ts";
import { answerRun, stopRun, tellSettled } from "./settle.ts";
import { noteShown } from "./shown-cost.ts";
import { endSubagent, failSubagent, linkSubagent, startSubagent, touchSubagent } from "./subagent.ts";
import { isToldByHook } from "./told-by-hook.ts";
import { endTask, endTool, finishDecided, reportTool, startTool } from "./tool.ts";
import { noteUsed } from "./used.ts";

/** Events of which no session comes into being: they tell of it, or of time. */
const SILENT = new Set<AgentEvent["kind"]>([
  "time.passed",
  "process.gone",
  "session.described",
  "transcript.named",
  "transcript.read",
  "llm.called",
  "llm.failed",
  "hook.ran",
  "cost.stated",
  "cost.shown",
  "tool.reported",
  "permission.decided",
  "run.settled",
  "run.continued",
  "run.answered",
  "run.interrupted",
  "run.glimpsed",
  "subagent.linked",
]);

/** What only a transcript tells, and tells again where it is a copy of an older one. */
const FROM_TRANSCRIPT = new Set<AgentEvent["kind"]>([
  "llm.called",
  "llm.failed",
  "tool.reported",
  "permission.decided",
  "run.interrupted",
  "run.settled",
  "run.continued",
  "run.answered",
]);

/** Folds one event. `session` is undefined before the first event; the given one is never changed. */
export function fold(session: Session | undefined, event: AgentEvent, policy: Policy): Step {
  const before = session ?? newSession(event.agent, event.sessionId, event.atNs);
  // Copied or resumed history: it happened before this session was met, and is not ours to tell.
  const isTold = isToldByHook(event);
  const isRecord = event.recorded === true || (FROM_TRANSCRIPT.has(event.kind) && !isTold);
  if (isRecord && event.atNs < before.startedNs)
    return { session: before, spans: [], increments: [], settled: [], remarks: [] };
  const draft: Draft = { session: { ...before }, spans: [], increments: [], settled: [], remarks: [], policy };
  if ((!SILENT.has(event.kind) && event.recorded !== true) || isTold) signOfLife(draft, event);
  apply(draft, event);
  if (event.kind === "llm.called" || event.kind === "tool.reported" || event.recorded === true) touchRun(draft, event);
  const { spans, increments } = draft;
  // A record tells the same in more than one place, as a matter of course: that is no second delivery.
  const remarks = event.recorded === true ? [] : draft.remarks;
  return { session: draft.session, spans, increments, settled: settledTraces(draft), remarks };
}

/** A span of a trace of which nothing is open any more has nobody to wait for. */
function settledTraces({ session, spans, settled }: Draft): string[] {
  if (spans.length === 0) return settled;
  const open = new Set([...session.runs, ...session.subagents].map(({ context }) => context.traceId));
  for (const { keyNs, startNs } of session.segments)
    open.add(sessionContext(session.agent, session.id, keyNs ?? startNs).traceId);
  const late = spans.map(({ traceId }) => traceId).filter((traceId) => !open.has(traceId));
  return [...new Set([...settled, ...late])];
}

function signOfLife(draft: Draft, event: AgentEvent): void {
  const { session } = draft;
  session.startedNs = event.atNs < session.startedNs ? event.atNs : session.startedNs;
  session.lastNs = later(session.lastNs, event.atNs);
  touchSegment(draft, event);
  touchRun(draft, event);
  touchSubagent(draft, event);
}

function apply(draft: Draft, event: AgentEvent): void {
  switch (event.kind) {
    case "session.described":
      return describe(draft, event);
    case "session.started":
      return startSession(draft, event);
    case "session.continued":
      return continueSession(draft, event);
    case "session.ended":
      return endSession(draft, event);
    case "prompt.submitted":
      return submitPrompt(draft, event);
    case "run.stopped":
      return stopRun(draft, event);
    case "run.failed":
      return void noteRun(draft, event, (run) => ({ failed: firstFailure(run.failed, event) }));
    case "run.interrupted":
      return event.ofSession === true
        ? interruptSession(draft, event.atNs)
        : void noteRun(draft, event, (run) => ({ interruptedNs: later(run.interruptedNs, event.atNs) }));
    case "run.blocked":
      return void noteRun(draft, event, () => ({ blockedNs: event.atNs }));
    case "run.answered":
      return answerRun(draft, event);
    case "run.continued":
      return void noteRun(draft, event, (run) => ({ continuedNs: later(run.continuedNs, event.atNs) }));
    case "run.used":
      return noteUsed(draft, event);
    case "run.glimpsed":
      return noteGlimpse(draft, event);
    case "run.settled":
      return tellSettled(draft, event);
    case "tool.started":
      return startTool(draft, event);
    case "tool.ended":
      return endTool(draft, event);
    case "tool.reported":
      return reportTool(draft, event);
    case "permission.requested":
      return requestPermission(draft, event);
    case "permission.decided":
      decidePermission(draft, event);
      return finishDecided(draft, event);
    case "llm.called":
      return noteCall(draft, event);
    case "llm.failed":
      return failCall(draft, event);
    case "subagent.started":
      return startSubagent(draft, event);
    case "subagent.ended":
      return endSubagent(draft, event);
    case "subagent.failed":
      return failSubagent(draft, event);
    case "subagent.linked":
      return linkSubagent(draft, event.subagentId, event);
    case "task.notified":
      return endTask(draft, event);
    case "compaction.started":
      return startCompaction(draft, event);
    case "compaction.ended":
      return endCompaction(draft, event);
    case "hook.ran":
      return noteHookRun(draft, event);
    case "cost.stated":
      return reconcile(draft, event);
    case "cost.shown":
      return noteShown(draft, event);
    case "transcript.named":
      return follow(draft, event);
    case "transcript.read":
      return advance(draft, event);
    case "process.gone":
      draft.session.processGoneNs = event.atNs;
      return;
    case "time.passed":
      return event.closing === true ? closeSession(draft) : expire(draft, event.atNs);
    case "noted":
      return;
  }
}

/** Facts that any payload may bring. A new process of the same session lifts the word that the last one is gone. */
function describe(draft: Draft, event: AgentEvent & { kind: "session.described" }): void {
  const { session } = draft;
  if (event.cwd !== undefined && event.cwd !== session.cwd) {
    session.cwd = event.cwd;
    session.repository = event.repository;
  }
  session.agentVersion = event.agentVersion ?? session.agentVersion;
  session.entrypoint = event.entrypoint ?? session.entrypoint;
  session.headless = event.headless ?? session.headless;
  session.permissionMode = event.permissionMode ?? session.permissionMode;
  if (event.previousSessionId !== undefined) namePrevious(draft, event.previousSessionId);
  if (event.hook === undefined) return;
  dropGlimpses(session);
  const { pid, pidSource, traceparent } = event.hook;
  // Not a merge: an inbound context holds for the event that carried it.
  session.traceparent = traceparent;
  if (pid === undefined) return;
  // It speaks again, or another one does, perhaps under the same number.
  const wasGone = session.processGoneNs !== undefined && event.atNs > session.processGoneNs;
  if (pid !== session.pid || wasGone) session.processGoneNs = undefined;
  const isSame = pid === session.pid && !wasGone;
  session.pidBirth = event.hook.birth ?? (isSame ? session.pidBirth : undefined);
  session.pidTrusted = pidSource === "marker" || pid === session.pid;
  session.pid = pid;
}

/** A failure may be told of twice, by a hook and by the transcript: the first time and the more telling word stand. */
function firstFailure(before: Run["failed"], event: AgentEvent & { kind: "run.failed" }): Run["failed"] {
  const { atNs, errorType, tentative } = event;
  if (before === undefined) return { atNs, errorType, tentative };
  // One model after another may fail: the last failure is the run's.
  if (tentative === true && before.tentative === true)
    return before.atNs > atNs ? before : { ...before, atNs, errorType };
  return { atNs: earlier(before.atNs, atNs), errorType: before.errorType === "_OTHER" ? errorType : before.errorType };
}

function follow(draft: Draft, event: AgentEvent & { kind: "transcript.named" }): void {
  const { session } = draft;
  const known = session.transcripts[event.file];
  if (known !== undefined && known.done !== true) return;
  const { done: _done, ...transcript } = known ?? { subagentId: event.subagentId, messages: [] };
  session.transcripts = { ...session.transcripts, [event.file]: transcript };
}

function advance(draft: Draft, event: AgentEvent & { kind: "transcript.read" }): void {
  const { session } = draft;
  const transcript = session.transcripts[event.file] ?? { messages: [] };
  session.transcripts = { ...session.transcripts, [event.file]: { ...transcript, position: event.position } };
}
