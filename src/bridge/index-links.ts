/** What crosses sessions, resolved before the fold, so that the core sees one session at a time. Pure. */

import type { AgentEvent } from "../event/event.ts";
import type { Index } from "../store/index-file.ts";

/** The event with what the index knows, and the next index if the event changes it. */
export function link(index: Index, event: AgentEvent): { event: AgentEvent; index?: Index } {
  switch (event.kind) {
    case "cost.stated":
      return statedCost(index, event);
    case "session.described":
      return describedProcess(index, event);
    case "session.started":
      return { event: startedSession(index, event) };
    default:
      return { event };
  }
}

/** A client's books go on over resumes and forks: only what they add to the last statement is new. */
function statedCost(index: Index, event: AgentEvent & { kind: "cost.stated" }): { event: AgentEvent; index?: Index } {
  const key = String(event.startTimeMs);
  const last = index.costStates[key];
  const { totalUsd, linesAdded, linesRemoved } = event;
  const next = { totalUsd, linesAdded, linesRemoved, atMs: milliseconds(event.atNs) };
  const previous =
    last === undefined
      ? {}
      : { previous: { totalUsd: last.totalUsd, linesAdded: last.linesAdded, linesRemoved: last.linesRemoved } };
  // Read again from a truncated file, or the word of another process with the same books: they never shrink.
  if (last !== undefined && last.totalUsd > totalUsd) {
    const { agent, sessionId, atNs } = event;
    return { event: { agent, sessionId, atNs, kind: "noted", nativeEvent: "cost-state", known: true } };
  }
  return {
    event: { ...event, ...previous },
    index: { ...index, costStates: { ...index.costStates, [key]: next } },
  };
}

/** `/clear` begins a new session in the same process, and names no predecessor: the process is the only link. */
function describedProcess(
  index: Index,
  event: AgentEvent & { kind: "session.described" },
): { event: AgentEvent; index?: Index } {
  const { hook, agent, sessionId } = event;
  if (hook?.pid === undefined || hook.pidSource !== "marker") return { event };
  const key = String(hook.pid);
  const last = index.processes[key];
  if (last?.sessionId === sessionId && last.agent === agent) return { event };
  const previous = last?.agent === agent ? { previousSessionId: last.sessionId } : {};
  const next = { agent, sessionId, atMs: milliseconds(event.atNs), ...previous };
  return { event, index: { ...index, processes: { ...index.processes, [key]: next } } };
}

function startedSession(index: Index, event: AgentEvent & { kind: "session.started" }): AgentEvent {
  if (event.source !== "clear") return event;
  const own = Object.values(index.processes).find(
    (one) => one.agent === event.agent && one.sessionId === event.sessionId && one.previousSessionId !== undefined,
  );
  return own?.previousSessionId === undefined ? event : { ...event, previousSessionId: own.previousSessionId };
}

function milliseconds(ns: bigint): number {
  return Number(ns / 1_000_000n);
}
