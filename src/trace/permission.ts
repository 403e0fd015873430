/** Questions before a tool call: may it run? */

import type { AgentEvent } from "../event/event.ts";
import { count, earlier, hasEnded, remember, replace, type Draft } from "./draft.ts";
import { ATTR } from "./semconv.ts";
import type { OpenTool, Session } from "./session.ts";

/** A permission request that names no call belongs to the open call of that tool with the same input. */
export function requestPermission(draft: Draft, event: AgentEvent & { kind: "permission.requested" }): void {
  const call = draft.session.tools.find((one) => one.callId === event.callId);
  if (call !== undefined) return noteTool(draft, call, { permissionNs: earlier(call.permissionNs, event.atNs) });
  const alike = draft.session.tools.filter((one) => one.inputHash === event.inputHash && one.tool === event.tool);
  const tool = alike.find((one) => one.permissionNs === undefined);
  if (tool !== undefined) return noteTool(draft, tool, { permissionNs: event.atNs });
  // Each has its request: this one was told of twice.
  if (alike.length > 0) return;
  const { tool: name, inputHash, callId, subagentId, atNs } = event;
  const request = { tool: name, inputHash, callId, subagentId, atNs };
  draft.session.permissions = [...draft.session.permissions, request].slice(-32);
}

export function decidePermission(draft: Draft, event: AgentEvent & { kind: "permission.decided" }): void {
  if (hasEnded(draft.session, "decision", event.callId)) return;
  remember(draft, "decision", event.callId);
  count(draft, "hookspan.tool.decision.count", {
    [ATTR.agentName]: draft.session.agent,
    [ATTR.toolName]: event.tool,
    [ATTR.toolDecision]: event.decision,
  });
  const tool = draft.session.tools.find((one) => one.callId === event.callId);
  if (tool !== undefined) noteTool(draft, tool, { decidedNs: event.atNs });
}

/** The time of the request that came before its call. */
export function takePermission(draft: Draft, event: AgentEvent & { kind: "tool.started" }): bigint | undefined {
  const { permissions } = draft.session;
  // A request that is older than the call was another call's.
  const found = permissions.find(
    (one) => one.atNs >= event.atNs && (one.callId === undefined ? isAlike(one, event) : one.callId === event.callId),
  );
  if (found !== undefined) draft.session.permissions = replace(permissions, found, undefined);
  return found?.atNs;
}

/** From the question to its answer; where nobody told of one, to the execution, or, where it never ran, to the end. */
export function waitSeconds({ permissionNs, decidedNs }: OpenTool, executedNs: bigint): number | undefined {
  const untilNs = decidedNs ?? executedNs;
  if (permissionNs === undefined || untilNs < permissionNs) return undefined;
  return Number(untilNs - permissionNs) / 1e9;
}

/** What is left of a reported duration (ms) that counts the wait as well. */
export function withoutWait(
  { ended, permissionNs, decidedNs }: OpenTool,
  reportedMs: number | undefined,
): number | undefined {
  if (reportedMs === undefined || ended?.withWait !== true) return reportedMs;
  if (permissionNs === undefined || decidedNs === undefined || decidedNs < permissionNs) return reportedMs;
  return Math.max(0, reportedMs - Number(decidedNs - permissionNs) / 1e6);
}

function isAlike(
  request: Session["permissions"][number],
  { tool, inputHash }: AgentEvent & { kind: "tool.started" },
): boolean {
  return request.tool === tool && request.inputHash === inputHash;
}

function noteTool(draft: Draft, tool: OpenTool, fact: Partial<OpenTool>): void {
  draft.session.tools = replace(draft.session.tools, tool, { ...tool, ...fact });
}
