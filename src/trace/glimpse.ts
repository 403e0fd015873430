/**
 * Glimpses: begins and ends of runs from a second source that gives no ids. Hooks tell the same runs with ids, so what is
 * glimpsed waits, outside of the list of runs, until it is sure that no hook speaks of the session; the first one that does
 * drops it without a trace, and all that comes later. What is left is a time: no outcome, no calls, no tokens.
 */

import type { AgentEvent } from "../event/event.ts";
import { count, emit, hasEnded, known, remember, type Draft } from "./draft.ts";
import { runContext } from "./ids.ts";
import { addRun, touchSegment } from "./segment.ts";
import { ATTR, OPERATION } from "./semconv.ts";
import type { Glimpse, Session } from "./session.ts";
import { rootLinks } from "./settle.ts";

/** Hooks of a run are told of while it runs. What is so late has waited somewhere. */
const HOOK_NS = 60_000_000_000n;

/** The same begin may be delivered twice, with the times of two arrivals. */
const TWICE_NS = 10_000_000_000n;

/** A turn is two; what has no other half stays until a later turn is told. */
const KEPT = 1024;

type Pair = { startNs: bigint; endNs: bigint };

export function noteGlimpse(draft: Draft, event: AgentEvent & { kind: "run.glimpsed" }): void {
  const { session } = draft;
  if (session.hooked === true || event.subagentId !== undefined) return;
  const { atNs, phase, about } = event;
  const isBegin = phase === "begin";
  if (isBegin && hasEnded(session, "run", atNs.toString())) return;
  if (isBegin) touchSegment(draft, event);
  const before = session.glimpses ?? [];
  if (before.some((one) => one.atNs === atNs && one.phase === phase && one.about === about)) return;
  session.glimpses = [...before, { atNs, phase, about }].sort(byTime).slice(-KEPT);
}

/** A hook speaks: what it tells of the session's runs is all that counts, for good. */
export function dropGlimpses(session: Session): void {
  session.hooked = true;
  session.glimpses = undefined;
}

/** When the first run of which there are only glimpses is sure to be one: nanoseconds since the epoch. */
export function glimpsesDueNs({ glimpses = [] }: Session): bigint | undefined {
  const [first] = pairs(glimpses);
  return first === undefined ? undefined : first.endNs + HOOK_NS;
}

/** Tells the runs that are due at `nowNs`; without it, all that have an end. */
export function settleGlimpses(draft: Draft, nowNs?: bigint): void {
  for (const pair of pairs(draft.session.glimpses ?? [])) {
    if (nowNs !== undefined && pair.endNs + HOOK_NS > nowNs) return;
    draft.session.glimpses = draft.session.glimpses?.filter(({ atNs }) => atNs > pair.endNs);
    settle(draft, pair);
  }
}

/**
 * Each end with the begin before it, which is about the same. A begin without an end of its own is no run here: it was cut
 * short, or the word on its end is lost, and nobody knows how long it was.
 */
function pairs(glimpses: readonly Glimpse[]): Pair[] {
  const found: Pair[] = [];
  let begin: Glimpse | undefined;
  for (const one of glimpses) {
    if (one.phase === "end") {
      if (begin?.about !== one.about) continue;
      found.push({ startNs: begin.atNs, endNs: one.atNs });
      begin = undefined;
    } else if (begin?.about !== one.about || one.atNs - begin.atNs > TWICE_NS) begin = one;
  }
  return found;
}

function settle(draft: Draft, { startNs, endNs }: Pair): void {
  const { session } = draft;
  const key = startNs.toString();
  if (hasEnded(session, "run", key)) return;
  const context = runContext(session.agent, session.id, key);
  const agent = { [ATTR.agentName]: session.agent };
  emit(draft, {
    ...context,
    name: `${OPERATION.invokeAgent} ${session.agent}`,
    kind: "internal",
    startNs,
    endNs,
    links: rootLinks(draft, { key, startNs }),
    attributes: known({
      ...agent,
      [ATTR.operation]: OPERATION.invokeAgent,
      [ATTR.runId]: key,
      [ATTR.runEndReason]: "stop",
      [ATTR.runTrigger]: "user",
      [ATTR.repository]: session.repository,
    }),
  });
  count(draft, "hookspan.run.count", { ...agent, [ATTR.runTrigger]: "user" });
  count(draft, "gen_ai.invoke_agent.duration", agent, Number(endNs - startNs) / 1e9);
  addRun(draft, { context, startNs });
  remember(draft, "run", key);
  if (session.previousRun === undefined || session.previousRun.startNs < startNs)
    session.previousRun = { context, startNs };
  draft.settled.push(context.traceId);
}

function byTime(a: Glimpse, b: Glimpse): number {
  if (a.atNs !== b.atNs) return a.atNs < b.atNs ? -1 : 1;
  return a.phase === b.phase ? 0 : a.phase === "begin" ? -1 : 1;
}
