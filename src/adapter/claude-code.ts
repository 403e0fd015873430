/** Claude Code: what its hooks tell. Tokens, models and the last word on a run come from its transcript (`claude-code-lines`). */

import * as z from "zod";

import type { Envelope } from "../event/envelope.ts";
import type { AgentEvent, EventBase } from "../event/event.ts";
import { inputHash } from "../event/input-hash.ts";
import { optional } from "../event/optional.ts";
import type { Adapter, Decoded } from "./adapter.ts";
import { decodeLine } from "./claude-code-lines.ts";
import { claudeCodePayload, toolResponse, type ClaudeCodePayload } from "./claude-code-payload.ts";
import { failureOf, outcomeOfResult, toolName } from "./claude-code-tool.ts";

const AGENT = "claude-code";

/** Understood, and of no consequence for spans and metrics. */
const NOTED = new Set([
  "Setup",
  "InstructionsLoaded",
  "UserPromptExpansion",
  "Notification",
  "MessageDisplay",
  "TaskCreated",
  "TaskCompleted",
  "TeammateIdle",
  "PreModelSwitch",
  "PostModelSwitch",
  "Elicitation",
  "ElicitationResult",
  "ConfigChange",
  "CwdChanged",
  "FileChanged",
  "DirectoryAdded",
  "WorktreeCreate",
  "WorktreeRemove",
]);

const STOP_FAILURES = new Set([
  "rate_limit",
  "overloaded",
  "authentication_failed",
  "oauth_org_not_allowed",
  "account_on_hold",
  "verification_required",
  "billing_error",
  "invalid_request",
  "model_not_found",
  "server_error",
  "max_output_tokens",
  "cloud_credential_error",
]);

const END_REASONS = new Set(["clear", "resume", "logout", "prompt_input_exit", "other"]);

const sessionSource = z.enum(["startup", "resume", "clear", "compact", "fork"]).catch("startup");

export const claudeCode: Adapter = { agent: AGENT, decode, decodeLine };

function decode(envelope: Envelope): Decoded {
  const json = parseJson(envelope.payload);
  if (json === undefined) return { status: "invalid", reason: "malformed_json" };
  const parsed = claudeCodePayload.safeParse(json);
  if (!parsed.success) return { status: "invalid", reason: `schema: ${issueOf(parsed.error)}` };
  const payload = parsed.data;
  const base: EventBase = {
    agent: AGENT,
    sessionId: payload.session_id,
    atNs: envelope.timeNs,
    ...(payload.prompt_id === undefined ? {} : { runKey: payload.prompt_id }),
    ...(payload.agent_id === undefined ? {} : { subagentId: payload.agent_id }),
  };
  const { files, refused } = transcriptsOf(payload, base);
  const events = [describe(envelope, payload, base), ...files, ...eventsOf(payload, base)];
  return { status: "decoded", events, ...(refused ? { refused: "transcript_name" } : {}) };
}

/** A Stop's error word, as the spans carry it: from the documented list, else the conventions' word for any other. */
export function failureWord(error: string | undefined): string {
  return error !== undefined && STOP_FAILURES.has(error) ? error : "_OTHER";
}

function eventsOf(payload: ClaudeCodePayload, base: EventBase): AgentEvent[] {
  switch (payload.hook_event_name) {
    case "SessionStart":
      return [
        {
          ...base,
          kind: "session.started",
          source: sessionSource.parse(payload.source),
          ...optional("model", payload.model),
        },
      ];
    case "SessionEnd":
      return [
        {
          ...base,
          kind: "session.ended",
          reason: END_REASONS.has(payload.reason ?? "") ? (payload.reason ?? "other") : "other",
        },
      ];
    case "UserPromptSubmit":
      return promptEvents(payload, base);
    case "PreToolUse":
    case "PermissionRequest":
    case "PermissionDenied":
    case "PostToolUse":
    case "PostToolUseFailure":
      return toolEvents(payload, base);
    case "PostToolBatch":
      return (payload.tool_calls ?? []).map((call) => ({
        ...base,
        kind: "tool.reported",
        callId: call.tool_use_id,
        ...toolName(call.tool_name),
        ...outcomeOfResult(call.tool_response),
        opens: true,
      }));
    case "SubagentStart":
    case "SubagentStop":
      return subagentEvents(payload, base);
    case "Stop":
      return [{ ...base, kind: "run.stopped", content: { ...optional("output", payload.last_assistant_message) } }];
    case "StopFailure":
      return [{ ...base, kind: "run.failed", errorType: failureWord(payload.error) }];
    case "PreCompact":
      return [{ ...base, kind: "compaction.started", trigger: payload.trigger === "manual" ? "manual" : "auto" }];
    case "PostCompact":
      return [{ ...base, kind: "compaction.ended", trigger: payload.trigger === "manual" ? "manual" : "auto" }];
    default: {
      const nativeEvent = payload.hook_event_name;
      return [{ ...base, kind: "noted", nativeEvent, known: NOTED.has(nativeEvent) }];
    }
  }
}

/** Some prompts are made by the client: the notification that a background task has ended, and scheduled wake-ups. */
function promptEvents(payload: ClaudeCodePayload, base: EventBase): AgentEvent[] {
  const prompt = payload.prompt ?? "";
  const isTask = prompt.startsWith("<task-notification>");
  const taskId = isTask ? /<task-id>([^<]{1,128})<\/task-id>/.exec(prompt)?.[1] : undefined;
  const scheduled = payload.source === "loop_wakeup" || payload.source === "schedule_wakeup";
  const trigger = isTask ? "task" : scheduled ? "schedule" : "user";
  return [
    ...(taskId === undefined ? [] : [{ ...base, kind: "task.notified", taskId } satisfies AgentEvent]),
    { ...base, kind: "prompt.submitted", trigger, content: { input: prompt } },
  ];
}

function toolEvents(payload: ClaudeCodePayload, base: EventBase): AgentEvent[] {
  const name = toolName(payload.tool_name ?? "unknown");
  const hash = inputHash(payload.tool_input);
  if (payload.hook_event_name === "PermissionRequest") {
    return [{ ...base, kind: "permission.requested", tool: name.tool, inputHash: hash }];
  }
  // Without a call id (no known version) nothing tells two calls apart but their input.
  const callId = payload.tool_use_id ?? `${name.tool}:${hash}`;
  const call = { ...base, callId, ...name };
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
  call: EventBase & { callId: string; tool: string; content: { input?: string; output?: string } },
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

/** The client's own summariser stops like a subagent, without a type, a start or a file of its own. */
function subagentEvents(payload: ClaudeCodePayload, base: EventBase): AgentEvent[] {
  const { agent_id: subagentId, agent_type: type, hook_event_name: nativeEvent } = payload;
  if (subagentId === undefined || !type) return [{ ...base, kind: "noted", nativeEvent, known: true }];
  const kind = nativeEvent === "SubagentStart" ? "subagent.started" : "subagent.ended";
  return [{ ...base, kind, subagentId, type }];
}

function describe(envelope: Envelope, payload: ClaudeCodePayload, base: EventBase): AgentEvent {
  const entrypoint = envelope.env["CLAUDE_CODE_ENTRYPOINT"];
  const marker = Number(envelope.env["CLAUDE_PID"]);
  const hasMarker = Number.isSafeInteger(marker) && marker > 1;
  const parent = envelope.ppid !== undefined && envelope.ppid > 1 ? envelope.ppid : undefined;
  return {
    ...base,
    kind: "session.described",
    ...optional("cwd", payload.cwd ?? envelope.cwd),
    ...(entrypoint === undefined ? {} : { entrypoint, headless: isHeadless(envelope, entrypoint) }),
    ...optional("permissionMode", payload.permission_mode),
    hook: {
      ...optional("traceparent", envelope.traceparent),
      ...(hasMarker ? { pid: marker, pidSource: "marker" } : {}),
      ...(!hasMarker && parent !== undefined ? { pid: parent, pidSource: "parent" } : {}),
    },
  };
}

function isHeadless(envelope: Envelope, entrypoint: string): boolean {
  return entrypoint.startsWith("sdk") || envelope.env["CI"] !== undefined;
}

/**
 * The transcripts of the session. A path is followed only if it has the name that Claude Code gives its transcripts: the
 * session's id, or the subagent's id in the session's own folder. So no payload can point the bridge at another file.
 */
function transcriptsOf(payload: ClaudeCodePayload, base: EventBase): { files: AgentEvent[]; refused: boolean } {
  const { transcript_path: main, session_id: sessionId, agent_id: agentId, agent_type: type } = payload;
  if (main === undefined || main === "") return { files: [], refused: false };
  const isOurs = isAbsolute(main) && main.split(/[/\\]/).at(-1) === `${sessionId}.jsonl`;
  if (!isOurs) return { files: [], refused: true };
  const { subagentId: _main, ...session } = base;
  const files: AgentEvent[] = [{ ...session, kind: "transcript.named", file: main }];
  if (agentId !== undefined && type) {
    const own = `${main.slice(0, -".jsonl".length)}/subagents/agent-${agentId}.jsonl`;
    const told = payload.agent_transcript_path;
    const isSame = told !== undefined && told.split(/[/\\]/).at(-1) === `agent-${agentId}.jsonl` && isAbsolute(told);
    files.push({ ...base, kind: "transcript.named", file: isSame ? told : own });
  }
  return { files, refused: false };
}

function isAbsolute(path: string): boolean {
  return path.startsWith("/") || /^[A-Za-z]:[/\\]/.test(path);
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(payload));
  } catch {
    return undefined;
  }
}

function issueOf(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? "unknown" : `${issue.path.join(".") || "payload"} (${issue.code})`;
}

function textOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}
