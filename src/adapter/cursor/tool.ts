/** Cursor's generic hooks around a tool call: the one pair of events that every call has, with an id. */

import type { AgentEvent, EventBase, ToolOutcome } from "../../event/event.ts";
import { inputHash } from "../../event/input-hash.ts";
import { jsonText } from "../../event/json-text.ts";
import { optional } from "../../event/optional.ts";
import { toolName } from "../mcp-name.ts";
import type { CursorPayload } from "./payload.ts";
import { parsedJson } from "../parsed-json.ts";

type Call = { callId?: string; tool: string; mcpServer?: string; ofMcp?: true; inputHash?: string };

type Verdict = { outcome: ToolOutcome; errorType?: string; exitCode?: number };

export function toolStarted(payload: CursorPayload, base: EventBase): AgentEvent {
  const content = { ...optional("input", contentOf(payload.tool_input)) };
  const hash = inputHash(payload.tool_input);
  return { ...base, kind: "tool.started", ...callOf(payload), inputHash: hash, content };
}

export function toolEnded(payload: CursorPayload, base: EventBase, isFailure: boolean): AgentEvent {
  const output = isFailure ? payload.error_message : contentOf(payload.tool_output);
  return {
    ...base,
    kind: "tool.ended",
    ...callOf(payload),
    ...(isFailure ? failureOf(payload) : resultOf(payload)),
    ...optional("durationMs", payload.duration),
    content: { ...optional("input", contentOf(payload.tool_input)), ...optional("output", output) },
  };
}

/** The server of an MCP tool stands only in the MCP hooks, which have no id to join them by. */
function callOf(payload: CursorPayload): Call {
  const told = payload.tool_name ?? "unknown";
  const plain = told.replace(/^MCP:\s*(?=.)/, "");
  const name = { ...toolName(plain), ...(plain === told ? {} : { ofMcp: true as const }) };
  const { tool_use_id: callId } = payload;
  return { ...name, ...(callId === undefined ? { inputHash: inputHash(payload.tool_input) } : { callId }) };
}

function failureOf({ failure_type: type, is_interrupt: isInterrupt }: CursorPayload): Verdict {
  if (type === "permission_denied") return { outcome: "denied" };
  if (isInterrupt === true) return { outcome: "cancelled" };
  return { outcome: "error", errorType: type === "timeout" ? "timeout" : "tool_error" };
}

/** A command that ran and failed is a call that succeeded; its exit code stands in the output, JSON in a string. */
function resultOf({ tool_name: tool, tool_output: output }: CursorPayload): Verdict {
  if (tool !== "Shell" && tool !== "Bash") return { outcome: "success" };
  const code = exitCodeOf(output);
  if (code === undefined || code === 0) return { outcome: "success", ...optional("exitCode", code) };
  return { outcome: "error", errorType: "command_failed", exitCode: code };
}

function exitCodeOf(output: unknown): number | undefined {
  const result = typeof output === "string" ? parsedJson(output) : output;
  if (typeof result !== "object" || result === null) return undefined;
  const code: unknown = "exitCode" in result ? result.exitCode : "exit_code" in result ? result.exit_code : undefined;
  return typeof code === "number" && Number.isInteger(code) && Math.abs(code) < 1e6 ? code : undefined;
}

function contentOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : jsonText(value);
}
