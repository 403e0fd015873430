/** Claude Code's hooks around a tool call. */

import type { AgentEvent, EventBase } from "../../event/event.ts";
import { inputHash } from "../../event/input-hash.ts";
import { jsonText } from "../../event/json-text.ts";
import { optional } from "../../event/optional.ts";
import { toolResponse, type ClaudeCodePayload } from "./payload.ts";
import { failureOf } from "./tool.ts";
import { toolName } from "../mcp-name.ts";

/** PreToolUse, PermissionRequest, PermissionDenied, PostToolUse and PostToolUseFailure. */
export function toolEvents(payload: ClaudeCodePayload, base: EventBase): AgentEvent[] {
  const name = toolName(payload.tool_name ?? "unknown");
  const hash = inputHash(payload.tool_input);
  if (payload.hook_event_name === "PermissionRequest") {
    return [{ ...base, kind: "permission.requested", tool: name.tool, inputHash: hash }];
  }
  // No known version leaves the call id out.
  const id = payload.tool_use_id === undefined ? { inputHash: hash } : { callId: payload.tool_use_id };
  const call = { ...base, ...id, ...name };
  const input = { ...optional("input", textOf(payload.tool_input)) };
  switch (payload.hook_event_name) {
    case "PreToolUse":
      return [{ ...call, kind: "tool.started", inputHash: hash, content: input }];
    case "PermissionDenied":
      return [{ ...call, kind: "tool.reported", outcome: "denied", opens: true }];
    case "PostToolUseFailure": {
      const failure = failureOf(payload.error ?? "");
      const outcome = payload.is_interrupt === true ? "cancelled" : "error";
      const content = { ...input, ...optional("output", payload.error) };
      return [
        { ...call, kind: "tool.ended", outcome, ...failure, ...optional("durationMs", payload.duration_ms), content },
      ];
    }
    default:
      return [
        toolSuccess(payload, { ...call, content: { ...input, ...optional("output", textOf(payload.tool_response)) } }),
      ];
  }
}

function toolSuccess(
  payload: ClaudeCodePayload,
  call: EventBase & { callId?: string; tool: string; content: { input?: string; output?: string } },
): AgentEvent {
  const response = toolResponse.parse(payload.tool_response);
  const launches = (call.tool === "Agent" || call.tool === "Task") && response.agentId !== undefined;
  const commits = response.gitOperation?.commit?.kind;
  return {
    ...call,
    kind: "tool.ended",
    outcome: response.interrupted === true ? "cancelled" : "success",
    ...optional("durationMs", payload.duration_ms),
    ...(launches
      ? { launched: { subagentId: response.agentId ?? "", background: response.status === "async_launched" } }
      : {}),
    ...(call.tool === "Bash" ? optional("backgroundTaskId", response.backgroundTaskId) : {}),
    ...(commits === "committed" || commits === "cherry-picked" ? { commits: 1 } : {}),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : jsonText(value);
}
