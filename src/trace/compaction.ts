/** Compactions of the context, from their announcement to their end. */

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
  const open = draft.session.compaction;
  if (open !== undefined && isSameMoment(open.startNs, event.atNs)) return;
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
  const ours = open !== undefined && open.startNs <= event.atNs && event.atNs - open.startNs < LONGEST_NS;
  if (ours) session.compaction = undefined;
  const context = contextOf(draft, event);
  emit(draft, {
    traceId: context.traceId,
    spanId: spanId("compact", context.traceId, key),
    parentSpanId: context.spanId,
    name: `${OPERATION.compact} ${session.agent}`,
    kind: "internal",
    startNs: ours ? open.startNs : event.atNs,
    endNs: event.atNs,
    attributes: known({
      [ATTR.operation]: OPERATION.compact,
      [ATTR.agentName]: session.agent,
      [ATTR.compactTrigger]: event.trigger,
      [ATTR.startMissing]: ours ? undefined : true,
    }),
  });
  count(draft, "hookspan.compaction.count", { [ATTR.agentName]: session.agent });
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
