/**
 * Subagents join the trace of the run that launched them, under the tool span that launched them. Which one that was, is
 * often learned last (a file beside the transcript, or the end of the launching call), so their span waits for their run;
 * what happens inside them need not wait, for ids are derived.
 */

import type { AgentEvent } from "../event/event.ts";
import { earlier, hasEnded, known, later, replace, type Draft } from "./draft.ts";
import { spanId } from "./ids.ts";
import type { SpanContext, SpanRecord } from "./record.ts";
import { launchOf } from "./launch.ts";
import { placeOf } from "./run.ts";
import { ATTR, OPERATION } from "./semconv.ts";
import type { OpenSubagent, Session } from "./session.ts";
import { emptyTally, tallyAttributes } from "./tally.ts";

/** The context that a subagent's own spans hang under. A subagent first heard of by one of its tools is opened by it. */
export function subagentContext(draft: Draft, event: AgentEvent, subagentId: string): SpanContext {
  const open = draft.session.subagents.find((one) => one.id === subagentId);
  if (open !== undefined) return open.context;
  const { context, runKey } = placeOf(draft, event);
  const own = { traceId: context.traceId, spanId: spanId("subagent", context.traceId, subagentId) };
  // Of a run never met, only its end is sure to be the last word; a start or a call may have their run's prompt behind them.
  const isPlaced = runKey !== undefined || event.kind === "subagent.ended";
  if (!isPlaced || hasEnded(draft.session, "subagent", subagentId)) return own;
  draft.session.subagents = [
    ...draft.session.subagents,
    {
      id: subagentId,
      type: "unknown",
      runKey: runKey ?? "",
      context: own,
      runSpanId: context.spanId,
      firstNs: event.atNs,
      background: false,
      lastNs: event.atNs,
      tally: emptyTally(),
    },
  ];
  return own;
}

export function startSubagent(draft: Draft, event: AgentEvent & { kind: "subagent.started" }): void {
  subagentContext(draft, event, event.subagentId);
  note(draft, event.subagentId, (one) => ({
    startNs: earlier(one.startNs, event.atNs),
    type: event.type || one.type,
    childSessionId: event.childSessionId ?? one.childSessionId,
    taskId: event.taskId ?? one.taskId,
  }));
}

/** Stops may repeat, as a run's may; the last one counts. */
export function endSubagent(draft: Draft, event: AgentEvent & { kind: "subagent.ended" }): void {
  subagentContext(draft, event, event.subagentId);
  const { atNs, type, outcome: word, durationMs } = event;
  note(draft, event.subagentId, (one) => {
    const livedNs = durationMs === undefined ? undefined : BigInt(Math.round(durationMs * 1e6));
    const endNs = livedNs === undefined ? atNs : smaller(atNs, (one.startNs ?? one.firstNs) + livedNs);
    const isNews = word !== undefined && (one.outcome === undefined || one.outcome.atNs <= atNs);
    return {
      endNs: later(one.endNs, endNs),
      type: type || one.type,
      ...(isNews ? { outcome: { atNs, word } } : {}),
    };
  });
}

export function failSubagent(draft: Draft, event: AgentEvent & { kind: "subagent.failed" }): void {
  subagentContext(draft, event, event.subagentId);
  const { atNs, errorType } = event;
  note(draft, event.subagentId, ({ failed }) =>
    failed === undefined || failed.atNs <= atNs ? { failed: { atNs, errorType } } : {},
  );
}

export function linkSubagent(draft: Draft, subagentId: string, link: { callId: string; background?: boolean }): void {
  note(draft, subagentId, (one) => ({ callId: link.callId, background: link.background ?? one.background }));
}

export function touchSubagent(draft: Draft, event: AgentEvent): void {
  if (event.subagentId !== undefined)
    note(draft, event.subagentId, (one) => ({ lastNs: later(one.lastNs, event.atNs) }));
}

/** The finished span of a subagent. `endNs` is its end if nothing ended it. */
export function subagentSpan(session: Session, one: OpenSubagent, endNs: bigint): Omit<SpanRecord, "links"> {
  const { traceId } = one.context;
  const { callId, background } = launchOf(session, one);
  const { outcome, errorType } = outcomeOf(one);
  return {
    ...one.context,
    parentSpanId: callId === undefined ? one.runSpanId : spanId("tool", traceId, callId),
    name: `${OPERATION.invokeAgent} ${one.type}`,
    kind: "internal",
    startNs: one.startNs ?? one.firstNs,
    endNs: one.endNs ?? endNs,
    ...(outcome === "error" ? { error: { message: "the subagent failed" } } : {}),
    attributes: known({
      [ATTR.operation]: OPERATION.invokeAgent,
      [ATTR.agentName]: one.type,
      [ATTR.subagentId]: one.id,
      [ATTR.subagentBackground]: background ? true : undefined,
      [ATTR.runOutcome]: outcome,
      [ATTR.errorType]: errorType,
      [ATTR.startMissing]: one.startNs === undefined ? true : undefined,
      [ATTR.orphaned]: one.endNs === undefined ? true : undefined,
      [ATTR.repository]: session.repository,
      ...tallyAttributes(one.tally),
    }),
  };
}

/** How it ended, where anybody told. */
export function outcomeOf({ failed, outcome }: OpenSubagent): { outcome?: string; errorType?: string } {
  const isOver = outcome?.word === "success" && failed !== undefined && outcome.atNs > failed.atNs;
  if (failed !== undefined && !isOver) return { outcome: "error", errorType: failed.errorType };
  if (outcome === undefined) return {};
  return { outcome: outcome.word, ...(outcome.word === "error" ? { errorType: "_OTHER" } : {}) };
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function note(draft: Draft, id: string, fact: (one: OpenSubagent) => Partial<OpenSubagent>): void {
  const one = draft.session.subagents.find((subagent) => subagent.id === id);
  if (one !== undefined) draft.session.subagents = replace(draft.session.subagents, one, { ...one, ...fact(one) });
}
