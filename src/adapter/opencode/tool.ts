/** Tool calls: a part of an answer that is told of again as its state changes. */

import type { AgentEvent, EventBase, ToolOutcome } from "../../event/event.ts";
import { jsonText } from "../../event/json-text.ts";
import { optional } from "../../event/optional.ts";
import { before } from "../moment.ts";
import type { OpencodePart, OpencodePayload } from "./payload.ts";

type Verdict = { outcome: ToolOutcome; errorType?: string; exitCode?: number };

/** What is left of a call to a tool that does not exist, or with arguments that it does not take. */
const INVALID = "invalid";

/** How OpenCode words the end of a call that a person or a rule refused, or that was interrupted. */
const DENIED = /^The user (?:rejected permission|has specified a rule which prevents)/;
const ABORTED = /^Tool execution aborted/;

/** The first sign of its running, and its end. */
export function toolEvents(part: OpencodePart, base: EventBase): AgentEvent[] {
  const { callID: callId, tool = "unknown", state } = part;
  if (callId === undefined || state === undefined) return [];
  const { status, time, input } = state;
  const content = { ...optional("input", jsonText(input)) };
  const call = { ...base, callId, tool };
  if (status === "running") {
    return [{ ...call, kind: "tool.started", atNs: before(time?.start, base.atNs) ?? base.atNs, content }];
  }
  if (status !== "completed" && status !== "error") return [];
  const endNs = before(time?.end, base.atNs) ?? base.atNs;
  const startNs = before(time?.start, endNs);
  const { sessionId } = state.metadata ?? {};
  return [
    {
      ...call,
      kind: "tool.ended",
      atNs: endNs,
      ...verdictOf(tool, state),
      ...(startNs === undefined ? {} : { durationMs: Number(endNs - startNs) / 1e6 }),
      withWait: true,
      ...(sessionId === undefined ? {} : { launched: { subagentId: sessionId, background: false } }),
      content: { ...content, ...optional("output", state.output ?? state.error) },
    },
  ];
}

/** Told only of calls that somebody is asked about, by name of the call since it has one. */
export function permissionEvents({ event, data }: OpencodePayload, base: EventBase): AgentEvent[] {
  const { callID: callId, permission: tool = "unknown", reply } = data;
  if (callId === undefined) return [];
  if (event === "permission.asked") return [{ ...base, kind: "permission.requested", tool, callId, inputHash: "" }];
  const isAllowed = reply === "once" || reply === "always";
  if (!isAllowed && reply !== "reject") return [];
  return [{ ...base, kind: "permission.decided", tool, callId, decision: isAllowed ? "allow" : "deny" }];
}

/** A command that failed has completed, as OpenCode sees it: its exit code tells. None means that it was ended from outside. */
function verdictOf(tool: string, state: NonNullable<OpencodePart["state"]>): Verdict {
  const { status, error = "", metadata } = state;
  if (status === "error") {
    if (DENIED.test(error)) return { outcome: "denied" };
    if (ABORTED.test(error)) return { outcome: "cancelled" };
    return { outcome: "error", errorType: "tool_error" };
  }
  if (tool === INVALID) return { outcome: "error", errorType: "invalid_input" };
  const exit = metadata?.exit;
  if (exit === null) return { outcome: "error", errorType: "command_failed" };
  if (exit !== undefined && exit !== 0) return { outcome: "error", errorType: "command_failed", exitCode: exit };
  return { outcome: "success", ...optional("exitCode", exit) };
}
