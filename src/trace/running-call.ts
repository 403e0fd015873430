/** What a program stands under that a tool of an agent has just started. Pure. */

import { launchOf } from "./launch.ts";
import type { SpanContext } from "./record.ts";
import type { OpenTool, Session } from "./session.ts";

/**
 * `sessions`: those of one agent's process. The span of the one call that runs; where several do, no one can tell which of
 * them it was, so what they have in common: their run. Undefined where nothing runs, or calls of several runs do.
 */
export function runningCall(sessions: readonly Session[]): SpanContext | undefined {
  const running = sessions.flatMap((session) => runningTools(session).map((tool) => ({ session, tool })));
  const [first, ...others] = running;
  if (first === undefined) return onlyRun(sessions);
  if (others.length === 0) return first.tool.context;
  const isCommon = others.every(({ session, tool }) => session === first.session && tool.runKey === first.tool.runKey);
  return isCommon ? first.session.runs.find(({ key }) => key === first.tool.runKey)?.context : undefined;
}

/** A call that has launched a subagent runs nothing itself: the subagent's calls do. */
function runningTools(session: Session): OpenTool[] {
  const launching = new Set(session.subagents.map((one) => launchOf(session, one).callId));
  return session.tools.filter(
    ({ callId, startNs, ended, reported, backgroundTaskId }) =>
      startNs !== undefined &&
      (ended === undefined || backgroundTaskId !== undefined) &&
      reported === undefined &&
      !launching.has(callId),
  );
}

/** A program may have been started by something that no hook tells of, like a hook. */
function onlyRun(sessions: readonly Session[]): SpanContext | undefined {
  const open = sessions.flatMap(({ runs }) => runs.filter(({ stoppedNs }) => stoppedNs === undefined));
  return open.length === 1 ? open[0]?.context : undefined;
}
