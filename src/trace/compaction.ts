/** Compactions of the context, from their announcement to their end. An end that comes first waits for its start. */

import type { AgentEvent } from "../event/event.ts";
import { count, emit, hasEnded, known, remember, type Draft } from "./draft.ts";
import { spanId } from "./ids.ts";
import type { SpanContext } from "./record.ts";
import { knowsRun, placeOf } from "./run.ts";
import { segmentContext } from "./segment.ts";
import { ATTR, OPERATION } from "./semconv.ts";

/** A compaction never takes this long: an end this far from its start belongs to another. */
const LONGEST_NS = 3_600_000_000_000n;
const TWICE_NS = 100_000_000n;

export function startCompaction(draft: Draft, event: AgentEvent & { kind: "compaction.started" }): void {
  const { compaction: open, compactionEnd: end } = draft.session;
  if (open !== undefined && isSameMoment(open.startNs, event.atNs)) return;
  if (end !== undefined && isPair(event.atNs, end.atNs)) {
    draft.session.compactionEnd = undefined;
    return finish(draft, { ...event, ...end, kind: "compaction.ended" }, event.atNs);
  }
  draft.session.compaction = { startNs: event.atNs, trigger: event.trigger, runKey: event.runKey };
}

export function endCompaction(draft: Draft, event: AgentEvent & { kind: "compaction.ended" }): void {
  const { session } = draft;
  if (session.compactedNs !== undefined && isSameMoment(session.compactedNs, event.atNs)) return;
  const key = event.atNs.toString();
  if (hasEnded(session, "compaction", key)) return;
  remember(draft, "compaction", key);
  session.compactedNs = event.atNs;
  const open = session.compaction;
  if (open === undefined || !isPair(open.startNs, event.atNs)) {
    closeCompaction(draft);
    const { atNs, trigger, runKey } = event;
    session.compactionEnd = { atNs, trigger, ...(runKey === undefined ? {} : { runKey }) };
    return;
  }
  session.compaction = undefined;
  finish(draft, event, open.startNs);
}

/** Lets go of an end whose start will not come any more: of a run, or of whatever it was in. */
export function closeCompaction(draft: Draft, runKey?: string): void {
  const { agent, id: sessionId, compactionEnd: end } = draft.session;
  if (end === undefined || (runKey !== undefined && end.runKey !== undefined && end.runKey !== runKey)) return;
  draft.session.compactionEnd = undefined;
  finish(draft, { agent, sessionId, ...end, kind: "compaction.ended" }, undefined);
}

function finish(draft: Draft, event: AgentEvent & { kind: "compaction.ended" }, startNs: bigint | undefined): void {
  const { session } = draft;
  const context = contextOf(draft, event);
  emit(draft, {
    traceId: context.traceId,
    spanId: spanId("compact", context.traceId, event.atNs.toString()),
    parentSpanId: context.spanId,
    name: `${OPERATION.compact} ${session.agent}`,
    kind: "internal",
    startNs: startNs ?? event.atNs,
    endNs: event.atNs,
    attributes: known({
      [ATTR.operation]: OPERATION.compact,
      [ATTR.agentName]: session.agent,
      [ATTR.compactTrigger]: event.trigger,
      [ATTR.startMissing]: startNs === undefined ? true : undefined,
    }),
  });
  count(draft, "hookspan.compaction.count", { [ATTR.agentName]: session.agent });
}

function isPair(startNs: bigint, endNs: bigint): boolean {
  return startNs <= endNs && endNs - startNs < LONGEST_NS;
}

/** No id tells two compactions apart; nothing can be summarised twice within this, so it was told of twice. */
function isSameMoment(a: bigint, b: bigint): boolean {
  return (a < b ? b - a : a - b) < TWICE_NS;
}

/** Asked for by the user it happens between runs; the one before may not have settled yet, and has no part in it. */
function contextOf(draft: Draft, event: AgentEvent & { kind: "compaction.ended" }): SpanContext {
  const isInRun = event.runKey !== undefined && knowsRun(draft.session, event.runKey);
  return event.trigger === "auto" || isInRun ? placeOf(draft, event).context : segmentContext(draft, event.atNs);
}
