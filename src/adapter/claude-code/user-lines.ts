/** The user lines of Claude Code's transcript: results of tool calls, refusals, interrupts. */

import type { AgentEvent, EventBase } from "../../event/event.ts";
import { optional } from "../../event/optional.ts";
import type { Line, LineEvents } from "./line.ts";
import { userLine } from "./line-schema.ts";
import { outcomeOfResult } from "./tool.ts";
import { toolName } from "../mcp-name.ts";

export function user(line: Line): LineEvents {
  const parsed = userLine.safeParse(line.json);
  if (!parsed.success) return { events: [], state: line.state };
  const { message, toolDenialKind, permissionDecision } = parsed.data;
  const { base, state } = line;
  const blocks = typeof message.content === "string" ? [{ type: "text", text: message.content }] : message.content;
  const interrupted = blocks.some(
    (block) => block.type === "text" && block.text?.startsWith("[Request interrupted by user"),
  );
  // A subagent may be interrupted, or fail, alone: the run is its launcher's.
  const isRun = line.context.subagentId === undefined;
  const events: AgentEvent[] = interrupted && isRun ? [{ ...base, kind: "run.interrupted" }] : [];
  let { tools } = state;
  let isResult = false;
  for (const block of blocks) {
    if (block.type !== "tool_result" || !("tool_use_id" in block) || block.tool_use_id === undefined) continue;
    isResult = true;
    const callId = block.tool_use_id;
    const name = tools.find(([id]) => id === callId)?.[1];
    tools = tools.filter(([id]) => id !== callId);
    const { tool, mcpServer } = toolName(name ?? "unknown");
    const call = { ...base, callId, tool, ...optional("mcpServer", mcpServer) };
    const denied = permissionDecision?.decision === "reject";
    if (denied && permissionDecision.source === "hook") events.push(blockingHook(base, callId));
    if (name !== undefined && permissionDecision?.decision !== undefined) {
      events.push({ ...call, kind: "permission.decided", decision: denied ? "deny" : "allow" });
    }
    const report = reportOf(toolDenialKind, permissionDecision, block.is_error === true ? block.content : undefined);
    if (report !== undefined) events.push({ ...call, kind: "tool.reported", ...report });
  }
  // A prompt of the user: what was asked before it and never answered, never will be.
  return { events, state: { ...state, tools, requests: isResult ? state.requests : [] } };
}

/** Why a call has no hook that ends it. `interrupted` is written when a dead session is resumed: it tells no time. */
function reportOf(
  denial: string | undefined,
  decision: { decision?: string | undefined; source?: string | undefined } | undefined,
  errorContent: unknown,
): Pick<AgentEvent & { kind: "tool.reported" }, "outcome" | "errorType"> | undefined {
  if (denial === "interrupted") return undefined;
  if (decision?.decision === "reject") return { outcome: decision.source === "hook" ? "blocked" : "denied" };
  if (denial === "user-rejected") return { outcome: "cancelled" };
  if (denial !== undefined) return { outcome: "denied" };
  const { outcome, errorType } = outcomeOfResult(errorContent);
  return outcome === "unknown" ? undefined : { outcome, ...optional("errorType", errorType) };
}

/** A hook that blocked a call leaves no other trace than the refusal of the call. */
function blockingHook(base: EventBase, callId: string): AgentEvent {
  const hook = { hookEvent: "PreToolUse", hookName: "unknown", source: "unknown", status: "blocked" } as const;
  return { ...base, kind: "hook.ran", ...hook, callId, id: `${callId}:blocked` };
}
