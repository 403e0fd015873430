/** Tool calls of Gemini CLI: what its hooks tell around one, and what its chat file tells of those that ended. */

import type { AgentEvent, EventBase, ToolOutcome } from "../../event/event.ts";
import { inputHash } from "../../event/input-hash.ts";
import { jsonText } from "../../event/json-text.ts";
import { optional } from "../../event/optional.ts";
import { toolName } from "../mcp-name.ts";
import { modelToolName } from "../model-tool-name.ts";
import { shellEnd } from "../shell-output.ts";
import { toolErrorWord } from "../tool-error-word.ts";
import type { ChatCall } from "./line-schema.ts";
import type { GeminiPayload } from "./payload.ts";

const SHELL = "run_shell_command";

type Call = { tool: string; mcpServer?: string; inputHash: string };

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
  const { tool, mcpServer } = mcpToolName(modelToolName(call.name));
  const output = textOf(call.result);
  const { outcome, errorType } = reportedOutcome(call, tool);
  return {
    ...base,
    kind: "tool.reported",
    callId: call.id,
    idOfRecord: true,
    tool,
    ...optional("mcpServer", mcpServer),
    inputHash: inputHash(call.args),
    outcome,
    ...optional("errorType", errorType),
    ...(outcome === "error" || outcome === "cancelled" ? { opens: true } : {}),
    content: { ...optional("input", textOf(call.args)), ...optional("output", output) },
  };
}

/** A hook tells the server itself; the tool's name has to be that of the chat file, which does not. */
function callOf(payload: GeminiPayload): Call {
  const { tool, mcpServer } = mcpToolName(modelToolName(payload.tool_name));
  const server = payload.mcp_context?.server_name ?? mcpServer;
  return { tool, ...optional("mcpServer", server), inputHash: inputHash(payload.tool_input) };
}

/**
 * `mcp_<server>_<tool>`, and in older versions `mcp__<server>__<tool>`. The client itself takes the first underscore for the
 * end of the server's name, and warns of servers that have one in theirs.
 */
function mcpToolName(name: string): Pick<Call, "tool" | "mcpServer"> {
  const [, server, tool] = /^mcp_([^_]+)_(.+)$/.exec(name) ?? [];
  return server === undefined || tool === undefined ? toolName(name) : { tool, mcpServer: server };
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
