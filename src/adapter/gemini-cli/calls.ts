/** Tool calls of Gemini CLI: what its hooks tell around one, and what its chat file tells of those that ended. */

import type { AgentEvent, EventBase, ToolOutcome } from "../../event/event.ts";
import { inputHash } from "../../event/input-hash.ts";
import { jsonText } from "../../event/json-text.ts";
import { optional } from "../../event/optional.ts";
import { modelToolName } from "../model-tool-name.ts";
import { shellEnd } from "../shell-output.ts";
import { toolErrorWord } from "../tool-error-word.ts";
import type { ChatCall } from "./line-schema.ts";
import type { GeminiPayload } from "./payload.ts";

const SHELL = "run_shell_command";

type Ended = { outcome: ToolOutcome; errorType?: string; exitCode?: number };

export function toolStarted(payload: GeminiPayload, base: EventBase): AgentEvent {
  return {
    ...base,
    kind: "tool.started",
    ...callOf(payload),
    content: { ...optional("input", textOf(payload.tool_input)) },
  };
}

export function toolEnded(payload: GeminiPayload, base: EventBase): AgentEvent {
  const call = callOf(payload);
  const { error, llmContent } = payload.tool_response ?? {};
  const output = textOf(llmContent);
  const ended: Ended =
    error === undefined ? succeeded(call.tool, output) : { outcome: "error", errorType: toolErrorWord(error.type) };
  const content = { ...optional("input", textOf(payload.tool_input)), ...optional("output", output) };
  return { ...base, kind: "tool.ended", ...call, ...ended, content };
}

/**
 * A call in the chat file. Of what succeeded, hooks have told. Of a tool that does not exist, arguments that do not fit and
 * a call that was refused, they have not: such a call is shown by this alone.
 */
export function toolReported(call: ChatCall, base: EventBase): AgentEvent {
  const tool = modelToolName(call.name);
  const output = textOf(call.result);
  const { outcome, errorType } = reportedOutcome(call, tool);
  return {
    ...base,
    kind: "tool.reported",
    callId: call.id,
    idOfRecord: true,
    tool,
    inputHash: inputHash(call.args),
    outcome,
    ...optional("errorType", errorType),
    ...(outcome === "error" || outcome === "cancelled" ? { opens: true } : {}),
    content: { ...optional("input", textOf(call.args)), ...optional("output", output) },
  };
}

function callOf(payload: GeminiPayload): { tool: string; mcpServer?: string; inputHash: string } {
  const tool = modelToolName(payload.tool_name);
  return { tool, ...optional("mcpServer", payload.mcp_context?.server_name), inputHash: inputHash(payload.tool_input) };
}

/** No error is told of a command that failed: its exit code stands behind its output. */
function succeeded(tool: string, output = ""): Ended {
  if (tool !== SHELL) return { outcome: "success" };
  const { failed, exitCode } = shellEnd(output);
  return failed
    ? { outcome: "error", errorType: "command_failed", ...optional("exitCode", exitCode) }
    : { outcome: "success", ...optional("exitCode", exitCode) };
}

function reportedOutcome({ status, result }: ChatCall, tool: string): Ended {
  const { output, error } = result[0]?.functionResponse?.response ?? {};
  switch (status) {
    case "success":
      return succeeded(tool, output);
    case "error":
      return { outcome: "error", errorType: isUnknownTool(error) ? "unknown_tool" : "tool_error" };
    case "cancelled":
      return { outcome: "cancelled" };
    default:
      return { outcome: "unknown" };
  }
}

/** The chat file tells no type of an error. */
function isUnknownTool(error = ""): boolean {
  return /^Tool "[^"]*" not found/.test(error);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : jsonText(value);
}
