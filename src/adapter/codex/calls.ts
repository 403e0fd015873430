/**
 * Codex's hooks around a tool call. They carry no exit code and no error flag: a command that failed looks like one that did
 * not. So an end told by a hook is a report, and the rollout's word is the end, unless the session keeps no rollout.
 */

import type { AgentEvent, EventBase, ToolOutcome } from "../../event/event.ts";
import { inputHash } from "../../event/input-hash.ts";
import { jsonText } from "../../event/json-text.ts";
import { optional } from "../../event/optional.ts";
import { toolName } from "../mcp-name.ts";
import type { ToolPayload } from "./payload.ts";

/** PreToolUse, PermissionRequest and PostToolUse. */
export function toolEvents(payload: ToolPayload, base: EventBase): AgentEvent[] {
  const name = toolName(payload.tool_name ?? "unknown");
  const hash = inputHash(withoutReason(payload.tool_input));
  if (payload.hook_event_name === "PermissionRequest") {
    return [{ ...base, kind: "permission.requested", tool: name.tool, inputHash: hash }];
  }
  // No known version leaves the call id out.
  const id = payload.tool_use_id === undefined ? { inputHash: hash } : { callId: payload.tool_use_id };
  const call = { ...base, ...id, ...name };
  const content = { ...optional("input", textOf(payload.tool_input)) };
  if (payload.hook_event_name === "PreToolUse") return [{ ...call, kind: "tool.started", inputHash: hash, content }];
  const { tool_response: response, transcript_path: rollout } = payload;
  const outcome = outcomeOf(name.tool, response);
  const told = { ...call, outcome, content: { ...content, ...optional("output", textOf(response)) } };
  if (rollout === undefined || rollout === null) return [{ ...told, kind: "tool.ended" }];
  const seen: AgentEvent = { ...base, kind: "noted", nativeEvent: payload.hook_event_name, known: true };
  return [seen, { ...told, kind: "tool.reported", opens: true, ran: true }];
}

/** A call that returned no result has no PostToolUse; but a shell returns one whatever its exit code. */
function outcomeOf(tool: string, response: unknown): ToolOutcome {
  return tool === "Bash" || (typeof response === "string" && /^Exit code: [1-9]/.test(response))
    ? "unknown"
    : "success";
}

/** PermissionRequest names no call, and adds the model's reason to the input of the call that it is about. */
function withoutReason(input: unknown): unknown {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return input;
  return Object.fromEntries(Object.entries(input).filter(([key]) => key !== "description"));
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : jsonText(value);
}
