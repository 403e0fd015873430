/**
 * Events whose agent names no session, and events of a session that is a subagent's: found in what sessions hold on disk, so
 * that a restart knows as much as before. Pure.
 */

import type { AgentEvent } from "../event/event.ts";
import type { Session } from "../trace/session.ts";

/** The event with its session and run, found by its run, its call or its task; undefined where nobody has met those. */
export function joined(sessions: Iterable<Session>, event: AgentEvent): AgentEvent | undefined {
  let newest: { session: Session; runKey: string; subagentId: string | undefined; startNs: bigint } | undefined;
  for (const session of sessions) {
    if (session.agent !== event.agent) continue;
    for (const found of placesOf(session, event)) {
      if (newest === undefined || found.startNs > newest.startNs) newest = { session, ...found };
    }
  }
  if (newest === undefined) return undefined;
  const { session, runKey, subagentId } = newest;
  return { ...event, sessionId: session.id, runKey, ...(subagentId === undefined ? {} : { subagentId }) };
}

/** What happens in a child's session happens in its subagent, and is the business of the root's run. */
export function asSubagent(event: AgentEvent, root: Session): AgentEvent {
  const own = root.subagents.find((one) => one.childSessionId === event.sessionId);
  const subagentId = own?.id ?? event.sessionId;
  const { runKey: _childs, ...rest } = event;
  const place = { sessionId: root.id, ...(own === undefined || own.runKey === "" ? {} : { runKey: own.runKey }) };
  const base = { agent: event.agent, atNs: event.atNs, ...place, subagentId };
  switch (event.kind) {
    case "session.started":
    case "session.ended":
    case "session.described":
    case "prompt.submitted":
    case "run.answered":
    case "run.settled":
      return { ...base, kind: "noted", nativeEvent: event.kind, known: true };
    case "run.stopped":
      return { ...base, kind: "subagent.ended", type: "", outcome: "success" };
    case "run.interrupted":
      return { ...base, kind: "subagent.ended", type: "", outcome: "interrupted" };
    case "run.failed":
      return { ...base, kind: "subagent.failed", errorType: event.errorType };
    case "subagent.started":
    case "subagent.ended":
    case "subagent.failed":
    case "subagent.linked":
      // It is about a child of the child.
      return { ...event, ...place };
    default:
      // The run that it names is the child's.
      return { ...rest, ...place, subagentId };
  }
}

/** A call tells most, for it lies in a subagent perhaps; of the runs of one task the newest that had begun counts. */
function placesOf(
  session: Session,
  event: AgentEvent,
): { runKey: string; subagentId: string | undefined; startNs: bigint }[] {
  const callId = "callId" in event ? event.callId : undefined;
  const { taskId, runKey } = event;
  const calls = session.tools
    .filter((one) => callId !== undefined && one.callId === callId)
    .map((one) => ({ runKey: one.runKey, subagentId: one.subagentId, startNs: one.firstNs }));
  const runs = session.runs
    .filter((one) => one.key === runKey || (taskId !== undefined && one.taskId === taskId && one.startNs <= event.atNs))
    .map((one) => ({ runKey: one.key, subagentId: undefined, startNs: one.startNs }));
  const subagents = session.subagents
    .filter((one) => taskId !== undefined && one.taskId === taskId)
    .map((one) => ({ runKey: one.runKey, subagentId: one.id, startNs: one.startNs ?? one.firstNs }));
  return calls.length > 0 ? calls : [...runs, ...subagents];
}
