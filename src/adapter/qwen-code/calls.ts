/**
 * Tool calls of Qwen Code. A call has two ids: the model's (`tool_call_id`), which batches and the chat file have too, and
 * one that the client makes up for PreToolUse and PostToolUse. The model's is the one to go by.
 */

import type { AgentEvent, EventBase, ToolOutcome } from "../../event/event.ts";
import { inputHash } from "../../event/input-hash.ts";
import { jsonText } from "../../event/json-text.ts";
import { optional } from "../../event/optional.ts";
import { toolName } from "../mcp-name.ts";
import { modelToolName } from "../model-tool-name.ts";
import { shellEnd } from "../shell-output.ts";
import { toolErrorWord } from "../tool-error-word.ts";
import type { ResultLine } from "./line-schema.ts";
import type { BatchCall, QwenPayload } from "./payload.ts";

const SHELL = "run_shell_command";

type Call = { callId?: string; tool: string; mcpServer?: string; inputHash: string };
type Told = { outcome: ToolOutcome; errorType?: string };

export function toolStarted(payload: QwenPayload, base: EventBase): AgentEvent {
  return { ...base, kind: "tool.started", ...callOf(payload), content: inputOf(payload) };
}

export function toolEnded(payload: QwenPayload, base: EventBase): AgentEvent {
  const call = callOf(payload);
  const output = textOf(payload.tool_response?.llmContent);
  const { failed, exitCode } = endOf(call.tool, output);
  const how: Told = failed ? { outcome: "error", errorType: "command_failed" } : { outcome: "success" };
  return {
    ...base,
    kind: "tool.ended",
    ...call,
    ...how,
    ...optional("exitCode", exitCode),
    ...optional("durationMs", payload.duration_ms),
    content: { ...inputOf(payload), ...optional("output", output) },
  };
}

/** A command that failed, a tool that did, or one that the user broke off. The hook tells no type of the error. */
export function toolFailed(payload: QwenPayload, base: EventBase): AgentEvent {
  const call = callOf(payload);
  const { error } = payload;
  const { failed, exitCode } = endOf(call.tool, error);
  const how: Told =
    payload.is_interrupt === true
      ? { outcome: "cancelled" }
      : { outcome: "error", errorType: failed ? "command_failed" : "tool_error" };
  return {
    ...base,
    kind: "tool.ended",
    ...call,
    ...how,
    ...optional("exitCode", exitCode),
    ...optional("durationMs", payload.duration_ms),
    content: { ...inputOf(payload), ...optional("output", error) },
  };
}

/** The only event of a tool that does not exist. Of all other calls it repeats what is known. */
export function batchReported(payload: QwenPayload, base: EventBase): AgentEvent[] {
  return (payload.tool_calls ?? []).flatMap((call): AgentEvent[] => {
    const callId = call?.tool_call_id ?? call?.tool_use_id;
    if (call === null || callId === undefined) return [];
    const { status, tool_response: response } = call;
    const told = reported(status, response?.error_type);
    const content = { ...inputOf(call), ...optional("output", response?.error) };
    return [{ ...base, kind: "tool.reported", callId, ...named(call), ...told, opens: true, content }];
  });
}

/** What the chat file says of a call that has ended, whoever ended it. */
export function resultReported(line: ResultLine, base: EventBase): AgentEvent[] {
  const { callId, status, errorType } = line.toolCallResult;
  const [part] = line.message.parts;
  const response = part?.functionResponse?.response;
  const name = part?.functionResponse?.name;
  return [
    {
      ...base,
      kind: "tool.reported",
      callId,
      ...toolName(modelToolName(name)),
      ...reported(status, errorType),
      opens: true,
      content: { ...optional("output", response?.error ?? response?.output) },
    },
  ];
}

function callOf(payload: QwenPayload): Call {
  const callId = payload.tool_call_id ?? payload.tool_use_id;
  return { ...optional("callId", callId), ...named(payload), inputHash: inputHash(payload.tool_input) };
}

function named({ tool_name: name }: QwenPayload | BatchCall): { tool: string; mcpServer?: string } {
  return toolName(modelToolName(name));
}

function reported(status: string | undefined, errorType: string | undefined): Told {
  switch (status) {
    case "success":
      return { outcome: "success" };
    case "error":
      return { outcome: "error", errorType: toolErrorWord(errorType) };
    case "cancelled":
      return { outcome: "cancelled" };
    default:
      return { outcome: "unknown" };
  }
}

function endOf(tool: string, text: string | undefined): ReturnType<typeof shellEnd> {
  return tool === SHELL && text !== undefined ? shellEnd(text) : { failed: false };
}

function inputOf({ tool_input: input }: QwenPayload | BatchCall): { input?: string } {
  return optional("input", textOf(input));
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : jsonText(value);
}
