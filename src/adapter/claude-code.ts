/** Claude Code: what its hooks tell. Tokens, models and the last word on a run come from its transcript (`claude-code/lines.ts`). */

import * as z from "zod";

import type { Envelope } from "../event/envelope.ts";
import type { AgentEvent, EventBase } from "../event/event.ts";
import { optional } from "../event/optional.ts";
import type { Adapter, Decoded } from "./adapter.ts";
import { toolEvents } from "./claude-code/calls.ts";
import { shownCost } from "./claude-code/cost-block.ts";
import { decodeLine } from "./claude-code/lines.ts";
import { failureWord } from "./claude-code/failure-word.ts";
import { claudeCodePayload, type ClaudeCodePayload } from "./claude-code/payload.ts";
import { outcomeOfResult, outcomeOfTask } from "./claude-code/tool.ts";
import { transcriptsOf } from "./claude-code/transcripts.ts";
import { toolName } from "./mcp-name.ts";
import { parsedJson } from "./parsed-json.ts";
import { schemaReason } from "./schema-reason.ts";
import { surroundings } from "./surroundings.ts";

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

const END_REASONS = new Set(["clear", "resume", "logout", "prompt_input_exit", "other"]);

const sessionSource = z.enum(["startup", "resume", "clear", "compact", "fork", "unknown"]).catch("unknown");

export const claudeCode: Adapter = { agent: AGENT, decode, decodeLine };

function decode(envelope: Envelope): Decoded {
  const json = parsedJson(envelope.payload);
  if (json === undefined) return { status: "invalid", reason: "malformed_json" };
  const parsed = claudeCodePayload.safeParse(json);
  if (!parsed.success) return { status: "invalid", reason: schemaReason(parsed.error) };
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
        ...shownCost(payload.cost, base),
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
  const status = isTask ? /<status>(\w{1,32})<\/status>/.exec(prompt)?.[1] : undefined;
  const scheduled = payload.source === "loop_wakeup" || payload.source === "schedule_wakeup";
  const trigger = isTask ? "task" : scheduled ? "schedule" : "user";
  return [
    ...(taskId === undefined
      ? []
      : [{ ...base, kind: "task.notified", taskId, ...outcomeOfTask(status) } satisfies AgentEvent]),
    { ...base, kind: "prompt.submitted", trigger, content: { input: prompt } },
  ];
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
  return {
    ...base,
    kind: "session.described",
    ...optional("cwd", payload.cwd ?? envelope.cwd),
    ...(entrypoint === undefined ? {} : { entrypoint, headless: isHeadless(envelope, entrypoint) }),
    ...optional("permissionMode", payload.permission_mode),
    hook: { ...surroundings(envelope), ...(hasMarker ? { pid: marker, pidSource: "marker" } : {}) },
  };
}

function isHeadless(envelope: Envelope, entrypoint: string): boolean {
  return entrypoint.startsWith("sdk") || envelope.env["CI"] !== undefined;
}
