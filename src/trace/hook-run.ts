/** Runs of other hooks, as far as the agent tells of them. */

import type { AgentEvent } from "../event/event.ts";
import { count, emit, hasEnded, known, remember, type Draft } from "./draft.ts";
import { spanId } from "./ids.ts";
import { placeOf } from "./run.ts";
import { ATTR, OPERATION } from "./semconv.ts";
import { subagentContext } from "./subagent.ts";

/** The hooks of a session's start run beside ours: the line that tells of one may be a moment older than our own event. */
const SAME_MOMENT_NS = 2_000_000_000n;

export function noteHookRun(draft: Draft, event: AgentEvent & { kind: "hook.ran" }): void {
  const { session } = draft;
  const slackNs = event.hookEvent === "SessionStart" ? SAME_MOMENT_NS : 0n;
  if (event.atNs + slackNs < session.startedNs || hasEnded(session, "hook", event.id)) return;
  remember(draft, "hook", event.id);
  const { context } = placeOf(draft, event);
  const within = event.subagentId === undefined ? context : subagentContext(draft, event, event.subagentId);
  const { traceId } = within;
  const seconds = (event.durationMs ?? 0) / 1e3;
  const labels = {
    [ATTR.hookEvent]: event.hookEvent,
    [ATTR.hookSource]: event.source,
    [ATTR.hookStatus]: event.status,
  };
  emit(draft, {
    traceId,
    spanId: spanId("hook", traceId, event.id),
    parentSpanId: event.callId === undefined ? within.spanId : spanId("tool", traceId, event.callId),
    name: `${OPERATION.executeHook} ${event.hookEvent}`,
    kind: "internal",
    startNs: event.atNs - BigInt(Math.round(seconds * 1e9)),
    endNs: event.atNs,
    ...(event.status === "failed" ? { error: { message: "the hook failed" } } : {}),
    attributes: known({
      [ATTR.operation]: OPERATION.executeHook,
      [ATTR.hookName]: event.hookName,
      [ATTR.errorType]: event.status === "failed" ? "hook_error" : undefined,
      ...labels,
    }),
  });
  count(draft, "hookspan.hook.run.count", labels);
  if (event.durationMs !== undefined) count(draft, "hookspan.hook.run.duration", labels, seconds);
}
