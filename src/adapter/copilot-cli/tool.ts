/** Copilot CLI's hooks around a tool call. They name no call: a start and an end are paired by tool and input. */

import type { AgentEvent, EventBase } from "../../event/event.ts";
import { inputHash } from "../../event/input-hash.ts";
import { jsonText } from "../../event/json-text.ts";
import { optional } from "../../event/optional.ts";
import { toolName } from "../mcp-name.ts";
import type { CopilotPayload } from "./payload.ts";

/** What the client calls its tools, and in the other dialect by Claude Code's names: one word for both. */
const CLAUDE_NAMES: ReadonlyMap<string, string> = new Map([
  ["bash", "Bash"],
  ["powershell", "Bash"],
  ["view", "Read"],
  ["create", "Write"],
  ["edit", "Edit"],
  ["str_replace_editor", "Edit"],
  ["apply_patch", "Edit"],
  ["grep", "Grep"],
  ["rg", "Grep"],
  ["glob", "Glob"],
  ["web_fetch", "WebFetch"],
  ["web_search", "WebSearch"],
  ["ask_user", "AskUserQuestion"],
  ["update_todo", "TodoWrite"],
  ["task", "Agent"],
  ["Task", "Agent"],
]);

export function toolStarted(payload: CopilotPayload, base: EventBase): AgentEvent {
  const content = { ...optional("input", contentOf(inputOf(payload))) };
  return { ...base, kind: "tool.started", ...callOf(payload), content };
}

export function toolEnded(payload: CopilotPayload, base: EventBase, isFailure: boolean): AgentEvent {
  const { tool_result: result, error } = payload;
  const output = isFailure ? contentOf(error) : (result?.text_result_for_llm ?? result?.textResultForLlm);
  const content = { ...optional("input", contentOf(inputOf(payload))), ...optional("output", output) };
  const call = { ...base, kind: "tool.ended", ...callOf(payload), content } as const;
  const type = result?.result_type ?? result?.resultType ?? "success";
  if (type === "denied" || type === "rejected") return { ...call, outcome: "denied" };
  if (isFailure || type !== "success") return { ...call, outcome: "error", errorType: "tool_error" };
  return { ...call, outcome: "success" };
}

function callOf(payload: CopilotPayload): { tool: string; mcpServer?: string; inputHash: string } {
  const name = payload.tool_name ?? "unknown";
  const common = CLAUDE_NAMES.get(name);
  return { ...toolName(common ?? name), inputHash: inputHash(inputOf(payload)) };
}

/** In one dialect the arguments may be JSON in a string. */
function inputOf({ tool_args: args, tool_input: input }: CopilotPayload): unknown {
  const given = input ?? args;
  if (typeof given !== "string") return given;
  try {
    return JSON.parse(given);
  } catch {
    return given;
  }
}

function contentOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : jsonText(value);
}
