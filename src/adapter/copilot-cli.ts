/**
 * Copilot CLI: what its hooks tell, by its documentation, not by a recording of ours. They name no call, no turn and no model,
 * and know no tokens: its own OpenTelemetry does.
 */

import type { Envelope } from "../event/envelope.ts";
import type { AgentEvent, EventBase } from "../event/event.ts";
import { optional } from "../event/optional.ts";
import type { Adapter, Decoded } from "./adapter.ts";
import { readPayload, type CopilotPayload } from "./copilot-cli/payload.ts";
import { toolEnded, toolStarted } from "./copilot-cli/tool.ts";
import { parsedJson } from "./parsed-json.ts";
import { schemaReason } from "./schema-reason.ts";
import { described } from "./surroundings.ts";

const AGENT = "copilot-cli";

/** Understood, and of no consequence for spans and metrics. A request for a permission names no call. */
const NOTED = new Set(["notification", "permissionRequest", "preMcpToolCall", "userPromptTransformed"]);

const END_REASONS = new Set(["complete", "error", "abort", "timeout", "user_exit"]);

/** PascalCase names whose camelCase is another. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["UserPromptSubmit", "userPromptSubmitted"],
  ["Stop", "agentStop"],
]);

/** A payload's time further than this from the hook's own is a mistake. */
const FAR_NS = 600_000_000_000n;

export const copilotCli: Adapter = { agent: AGENT, decode };

function decode(envelope: Envelope): Decoded {
  const json = parsedJson(envelope.payload);
  if (json === undefined) return { status: "invalid", reason: "malformed_json" };
  const parsed = readPayload(json, envelope.event);
  if (!parsed.success) return { status: "invalid", reason: schemaReason(parsed.error) };
  const payload = parsed.data;
  const base = { agent: AGENT, sessionId: payload.session_id, atNs: timeOf(payload, envelope.timeNs) };
  return { status: "decoded", events: [describe(envelope, payload, base), ...eventsOf(payload, base)] };
}

function eventsOf(payload: CopilotPayload, base: EventBase): AgentEvent[] {
  const nativeEvent = nativeEventOf(payload.hook_event_name);
  switch (nativeEvent) {
    case "sessionStart":
      return [{ ...base, kind: "session.started", source: payload.source === "resume" ? "resume" : "startup" }];
    case "sessionEnd":
      return sessionEnded(payload, base);
    case "userPromptSubmitted":
      return [
        { ...base, kind: "prompt.submitted", trigger: "user", content: { ...optional("input", payload.prompt) } },
      ];
    case "preToolUse":
      return [toolStarted(payload, base)];
    case "postToolUse":
    case "postToolUseFailure":
      return [toolEnded(payload, base, nativeEvent === "postToolUseFailure")];
    case "agentStop":
      // Another hook may block it; nothing tells that none did.
      return [{ ...base, kind: "run.stopped" }];
    case "subagentStart":
    case "subagentStop":
      return subagentEvents(nativeEvent, payload, base);
    case "preCompact":
      return compacted(payload, base);
    case "errorOccurred":
      return failed(payload, base);
    default:
      return [{ ...base, kind: "noted", nativeEvent, known: NOTED.has(nativeEvent) }];
  }
}

function nativeEventOf(name: string): string {
  const other = NAMES.get(name);
  return other ?? `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`;
}

function sessionEnded({ reason = "" }: CopilotPayload, base: EventBase): AgentEvent[] {
  const ended: AgentEvent = { ...base, kind: "session.ended", reason: END_REASONS.has(reason) ? reason : "other" };
  return reason === "abort" ? [{ ...base, kind: "run.interrupted", ofSession: true }, ended] : [ended];
}

/** An error that the client can recover from is none of the run's, and one of a tool has its own event. */
function failed(payload: CopilotPayload, base: EventBase): AgentEvent[] {
  const seen: AgentEvent = { ...base, kind: "noted", nativeEvent: "errorOccurred", known: true };
  const { error_context: context = "", recoverable } = payload;
  if (recoverable !== false || (context !== "model_call" && context !== "system")) return [seen];
  return [seen, { ...base, kind: "run.failed", errorType: context === "model_call" ? "model_call" : "_OTHER" }];
}

/** A start has no id; only an end has one. So a subagent is known by its end, and one that names none is no span. */
function subagentEvents(nativeEvent: string, payload: CopilotPayload, base: EventBase): AgentEvent[] {
  const { agent_id: subagentId, agent_name: name = "" } = payload;
  if (subagentId === undefined) return [{ ...base, kind: "noted", nativeEvent, known: true }];
  const type = /^[A-Za-z][A-Za-z0-9_-]{0,39}$/.test(name) ? name : "subagent";
  if (nativeEvent === "subagentStart") return [{ ...base, kind: "subagent.started", subagentId, type }];
  return [{ ...base, kind: "subagent.ended", subagentId, type, outcome: "success" }];
}

/** No end is told of: it is shown as a moment. */
function compacted(payload: CopilotPayload, base: EventBase): AgentEvent[] {
  const trigger = payload.trigger === "manual" ? "manual" : "auto";
  return [
    { ...base, kind: "compaction.started", trigger },
    { ...base, kind: "compaction.ended", trigger },
  ];
}

/** The client's own time, by which the same event told of in both dialects is known; unless it cannot be. */
function timeOf({ timestamp }: CopilotPayload, receivedNs: bigint): bigint {
  const ms = typeof timestamp === "string" ? Date.parse(timestamp) : (timestamp ?? Number.NaN);
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return receivedNs;
  const ns = BigInt(Math.trunc(ms)) * 1_000_000n;
  return ns <= receivedNs && receivedNs - ns < FAR_NS ? ns : receivedNs;
}

function describe(envelope: Envelope, payload: CopilotPayload, base: EventBase): AgentEvent {
  const facts = { ...optional("cwd", payload.cwd ?? envelope.cwd) };
  return described(envelope, base, facts);
}
