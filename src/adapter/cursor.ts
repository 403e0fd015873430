/**
 * Cursor, editor and CLI: what its hooks tell, which is all that there is to know. Written by its documentation and by captures
 * of others, not by a recording of ours.
 *
 * A tool call is told of up to three times, by the generic hooks and by those for shell, MCP, reading and editing. Only the
 * generic ones count: they are there for every tool, and they alone have the call's id.
 */

import type { Envelope } from "../event/envelope.ts";
import type { AgentEvent, EventBase } from "../event/event.ts";
import { optional } from "../event/optional.ts";
import type { Adapter, Decoded } from "./adapter.ts";
import { nativeEventOf } from "./cursor/alias.ts";
import { cursorPayload, type CursorPayload } from "./cursor/payload.ts";
import { modelOf, stopEvents } from "./cursor/stop.ts";
import { toolEnded, toolStarted } from "./cursor/tool.ts";
import { parsedJson } from "./parsed-json.ts";
import { schemaReason } from "./schema-reason.ts";
import { described } from "./surroundings.ts";

const AGENT = "cursor";

/** Understood, and of no consequence for spans and metrics. */
const NOTED = new Set([
  "beforeShellExecution",
  "afterShellExecution",
  "beforeMCPExecution",
  "afterMCPExecution",
  "beforeReadFile",
  "afterFileEdit",
  "beforeTabFileRead",
  "afterTabFileEdit",
  "afterAgentThought",
  "workspaceOpen",
]);

const END_REASONS = new Set(["completed", "aborted", "error", "window_close", "user_close"]);

const CHILD_OUTCOMES: ReadonlyMap<string, "success" | "error" | "interrupted"> = new Map([
  ["completed", "success"],
  ["error", "error"],
  ["aborted", "interrupted"],
]);

export const cursor: Adapter = { agent: AGENT, decode };

function decode(envelope: Envelope): Decoded {
  const json = parsedJson(envelope.payload);
  if (json === undefined) return { status: "invalid", reason: "malformed_json" };
  const parsed = cursorPayload.safeParse(json);
  if (!parsed.success) return { status: "invalid", reason: schemaReason(parsed.error) };
  const payload = parsed.data;
  const nativeEvent = nativeEventOf(payload.hook_event_name);
  const sessionId = sessionOf(nativeEvent, payload);
  if (sessionId === undefined) return { status: "invalid", reason: "schema: conversation_id (missing)" };
  const base: EventBase = { agent: AGENT, sessionId, atNs: envelope.timeNs, ...runOf(nativeEvent, payload) };
  const events = eventsOf(nativeEvent, payload, base);
  return { status: "decoded", events: [describe(envelope, payload, base), ...events] };
}

/** A subagent is its parent's. */
function sessionOf(nativeEvent: string, payload: CursorPayload): string | undefined {
  const own = payload.conversation_id ?? payload.session_id;
  return nativeEvent.startsWith("subagent") ? (payload.parent_conversation_id ?? own) : own;
}

/** Where the CLI gives one id to conversation and generation, it tells no turns apart: prompts and stops do. */
function runOf(nativeEvent: string, payload: CursorPayload): Pick<EventBase, "runKey"> {
  const { generation_id: runKey, conversation_id: conversation, session_id: session } = payload;
  const isSession = nativeEvent === "sessionStart" || nativeEvent === "sessionEnd";
  return runKey === undefined || isSession || runKey === conversation || runKey === session ? {} : { runKey };
}

function eventsOf(nativeEvent: string, payload: CursorPayload, base: EventBase): AgentEvent[] {
  switch (nativeEvent) {
    case "sessionStart":
      // New or taken up again: Cursor does not say.
      return [{ ...base, kind: "session.started", source: "unknown", model: modelOf(payload.model) }];
    case "sessionEnd":
      return sessionEnded(payload, base);
    case "beforeSubmitPrompt":
      return [
        { ...base, kind: "prompt.submitted", trigger: "user", content: { ...optional("input", payload.prompt) } },
      ];
    case "preToolUse":
      return [toolStarted(payload, base)];
    case "postToolUse":
    case "postToolUseFailure":
      return [toolEnded(payload, base, nativeEvent === "postToolUseFailure")];
    case "subagentStart":
    case "subagentStop":
      return subagentEvents(nativeEvent, payload, base);
    case "afterAgentResponse":
      return [{ ...base, kind: "run.answered", content: { ...optional("output", payload.text) } }];
    case "preCompact":
      return compacted(payload, base);
    case "stop":
      return stopEvents(payload, base);
    default:
      return [{ ...base, kind: "noted", nativeEvent, known: NOTED.has(nativeEvent) }];
  }
}

function sessionEnded({ reason = "" }: CursorPayload, base: EventBase): AgentEvent[] {
  const ended: AgentEvent = { ...base, kind: "session.ended", reason: END_REASONS.has(reason) ? reason : "other" };
  return reason === "aborted" ? [{ ...base, kind: "run.interrupted", ofSession: true }, ended] : [ended];
}

/** Cursor announces a compaction and tells of no end: it is shown as a moment. */
function compacted(payload: CursorPayload, base: EventBase): AgentEvent[] {
  const trigger = payload.trigger === "manual" ? "manual" : "auto";
  return [
    { ...base, kind: "compaction.started", trigger },
    { ...base, kind: "compaction.ended", trigger },
  ];
}

/** The documentation gives an id to the start alone; the end is known by its transcript's name, if that is the id. */
function subagentEvents(nativeEvent: string, payload: CursorPayload, base: EventBase): AgentEvent[] {
  const file = /([^/\\]+)\.jsonl?$/.exec(payload.agent_transcript_path ?? "")?.[1];
  const subagentId = payload.subagent_id ?? file;
  if (subagentId === undefined || subagentId.length > 512)
    return [{ ...base, kind: "noted", nativeEvent, known: true }];
  const type = typeOf(payload.subagent_type);
  if (nativeEvent === "subagentStart") {
    const { conversation_id: own, tool_call_id: callId } = payload;
    const childSessionId = own === base.sessionId ? undefined : own;
    return [
      { ...base, kind: "subagent.started", subagentId, type, ...optional("childSessionId", childSessionId) },
      ...(callId === undefined ? [] : [{ ...base, kind: "subagent.linked", subagentId, callId } satisfies AgentEvent]),
    ];
  }
  const outcome = CHILD_OUTCOMES.get(payload.status ?? "");
  const durationMs = optional("durationMs", payload.duration_ms);
  return [{ ...base, kind: "subagent.ended", subagentId, type, ...durationMs, ...optional("outcome", outcome) }];
}

function typeOf(type = ""): string {
  return /^[A-Za-z][A-Za-z0-9_-]{0,39}$/.test(type) ? type : "subagent";
}

/** A user's hooks run in Cursor's own directory, and a call's `cwd` is often empty: the workspace is the project. */
function describe(envelope: Envelope, payload: CursorPayload, base: EventBase): AgentEvent {
  const cwd = [payload.workspace_roots?.[0], payload.cwd, envelope.cwd].find((one) => one !== undefined && one !== "");
  return described(envelope, base, {
    ...optional("cwd", cwd),
    ...optional("agentVersion", versionOf(payload.cursor_version)),
    ...(payload.is_background_agent === true ? { headless: true } : {}),
  });
}

function versionOf(version: string | undefined): string | undefined {
  return version !== undefined && /^[\w.+-]{1,64}$/.test(version) ? version : undefined;
}
