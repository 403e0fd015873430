/**
 * Qwen Code: what its hooks tell. Tokens come from its chat file (`qwen-code/lines.ts`). Turns have a `prompt_id`, which is
 * not used: it counts from 0, and nothing says that a session which is taken up again counts on. Time tells runs apart.
 */

import type { Envelope } from "../event/envelope.ts";
import type { AgentEvent, EventBase } from "../event/event.ts";
import { inputHash } from "../event/input-hash.ts";
import { optional } from "../event/optional.ts";
import type { Adapter, Decoded } from "./adapter.ts";
import { toolName } from "./mcp-name.ts";
import { modelToolName } from "./model-tool-name.ts";
import { batchReported, toolEnded, toolFailed, toolStarted } from "./qwen-code/calls.ts";
import { turnFailureWord } from "./qwen-code/failure-word.ts";
import { decodeLine } from "./qwen-code/lines.ts";
import { qwenPayload, type QwenPayload } from "./qwen-code/payload.ts";
import { parsedJson } from "./parsed-json.ts";
import { schemaReason } from "./schema-reason.ts";
import { described } from "./surroundings.ts";

const AGENT = "qwen-code";

/** Understood, and of no consequence. */
const NOTED = new Set(["Notification", "PermissionDenied", "QueryEnd", "UserPromptExpansion"]);

export const qwenCode: Adapter = { agent: AGENT, decode, decodeLine };

function decode(envelope: Envelope): Decoded {
  const json = parsedJson(envelope.payload);
  if (json === undefined) return { status: "invalid", reason: "malformed_json" };
  const parsed = qwenPayload.safeParse(json);
  if (!parsed.success) return { status: "invalid", reason: schemaReason(parsed.error) };
  const payload = parsed.data;
  const session = { agent: AGENT, sessionId: payload.session_id, atNs: envelope.timeNs };
  const base = { ...session, ...optional("subagentId", payload.agent_id) };
  const { transcript_path: file = "" } = payload;
  const isOurs = isChatOf(file, payload.session_id);
  const named: AgentEvent[] = isOurs ? [{ ...session, kind: "transcript.named", file }] : [];
  const events = [describe(envelope, payload, base), ...named, ...eventsOf(payload, base)];
  return { status: "decoded", events, ...(isOurs || file === "" ? {} : { refused: "transcript_name" }) };
}

function eventsOf(payload: QwenPayload, base: EventBase): AgentEvent[] {
  const { hook_event_name: nativeEvent } = payload;
  switch (nativeEvent) {
    case "SessionStart":
      return [{ ...base, kind: "session.started", source: payload.source, ...optional("model", payload.model) }];
    case "SessionEnd":
      return [{ ...base, kind: "session.ended", reason: payload.reason }];
    case "UserPromptSubmit":
      return prompted(payload, base);
    case "PreToolUse":
      return [toolStarted(payload, base)];
    case "PostToolUse":
      return [toolEnded(payload, base)];
    case "PostToolUseFailure":
      return [toolFailed(payload, base)];
    case "PostToolBatch":
      return [noted(nativeEvent, base), ...batchReported(payload, base)];
    case "PermissionRequest":
      return [permissionRequested(payload, base)];
    case "PreCompact":
      return [{ ...base, kind: "compaction.started", trigger: payload.trigger }];
    case "PostCompact":
      return [{ ...base, kind: "compaction.ended", trigger: payload.trigger }];
    case "Stop":
    case "StopFailure":
      // What ends for a subagent, ends no turn.
      return base.subagentId === undefined ? ended(payload, base) : [noted(nativeEvent, base)];
    case "SubagentStart":
    case "SubagentStop":
      return subagent(payload, base);
    default:
      return [noted(nativeEvent, base, NOTED.has(nativeEvent))];
  }
}

/**
 * The hook runs again whenever the model is asked again: after the results of tools, with an empty prompt. That is no turn,
 * but if the turn had stopped, a Stop hook has refused the stop.
 */
function prompted(payload: QwenPayload, base: EventBase): AgentEvent[] {
  const { submitted_prompt: input, hook_event_name: nativeEvent } = payload;
  if (base.subagentId !== undefined) return [noted(nativeEvent, base)];
  return input === undefined
    ? [noted(nativeEvent, base), { ...base, kind: "run.continued" }]
    : [{ ...base, kind: "prompt.submitted", trigger: "user", content: { input } }];
}

function ended(payload: QwenPayload, base: EventBase): AgentEvent[] {
  if (payload.hook_event_name === "StopFailure")
    return [{ ...base, kind: "run.failed", errorType: turnFailureWord(payload.error) }];
  const content = { ...optional("output", payload.last_assistant_message) };
  return [{ ...base, kind: "run.stopped", unconfirmed: true, content }];
}

function subagent({ hook_event_name: nativeEvent, agent_type: type }: QwenPayload, base: EventBase): AgentEvent[] {
  const { subagentId } = base;
  if (subagentId === undefined) return [noted(nativeEvent, base)];
  const kind = nativeEvent === "SubagentStart" ? "subagent.started" : "subagent.ended";
  return [{ ...base, kind, subagentId, type: modelToolName(type) }];
}

function permissionRequested(payload: QwenPayload, base: EventBase): AgentEvent {
  const { tool_call_id: callId, tool_input: input, tool_name: name } = payload;
  const { tool } = toolName(modelToolName(name));
  return { ...base, kind: "permission.requested", tool, inputHash: inputHash(input), ...optional("callId", callId) };
}

function noted(nativeEvent: string, base: EventBase, known = true): AgentEvent {
  return { ...base, kind: "noted", nativeEvent, known };
}

/** `<session id>.jsonl`: a path of another name is not followed, so no payload can point the bridge at another file. */
function isChatOf(path: string, sessionId: string): boolean {
  const isAbsolute = path.startsWith("/") || /^[A-Za-z]:[/\\]/.test(path);
  return isAbsolute && path.split(/[/\\]/).at(-1) === `${sessionId}.jsonl`;
}

function describe(envelope: Envelope, payload: QwenPayload, base: EventBase): AgentEvent {
  const facts = {
    ...optional("cwd", payload.cwd ?? envelope.cwd),
    ...optional("permissionMode", payload.permission_mode),
  };
  return described(envelope, base, facts);
}
