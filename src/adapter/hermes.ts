/**
 * Hermes: what its shell hooks tell, which is all that there is to know: it keeps no transcript. Tokens come from
 * `post_api_request` alone; `on_session_end` ends a turn, `on_session_finalize` a session.
 */

import type { Envelope } from "../event/envelope.ts";
import type { AgentEvent, EventBase } from "../event/event.ts";
import { optional } from "../event/optional.ts";
import type { Adapter, Decoded } from "./adapter.ts";
import { nativeEventOf } from "./hermes/alias.ts";
import { modelCalled, modelFailed } from "./hermes/call.ts";
import { gatewayEvents, isGatewayFrame } from "./hermes/gateway.ts";
import { isRecord, isTrue, pickNumber, pickWord, readPayload, textOf, type HermesPayload } from "./hermes/payload.ts";
import { approval, toolEnded, toolStarted } from "./hermes/tool.ts";
import { parsedJson } from "./parsed-json.ts";
import { surroundings } from "./surroundings.ts";

const AGENT = "hermes";

/** Understood, and of no consequence for spans and metrics. */
const NOTED = new Set([
  "pre_api_request",
  "pre_auxiliary_call",
  "pre_verify",
  "transform_terminal_output",
  "transform_tool_result",
  "transform_llm_output",
  "transform_api_error_classification",
  "pre_gateway_dispatch",
  "gateway_platform_event",
  "kanban_task_claimed",
  "kanban_task_completed",
  "kanban_task_blocked",
  "agent_loop_stopped",
  "on_skill_lifecycle",
  "pre_command",
  "on_stream_start",
  "on_stream_delta",
  "on_stream_end",
  "on_interim_message",
  "pre_transcription",
  "pre_tts_synthesis",
  "on_room_member_activity",
  "on_kanban_worker_spawned",
  "on_kanban_worker_exited",
  "on_kanban_worker_stale_claim",
  "on_kanban_task_updated",
  "on_kanban_dispatch_tick",
]);

const END_REASONS = new Set(["shutdown", "new_session", "session_boundary", "session_expired"]);

/** Hooks of the end run one after the other, but what they tell may arrive in another order. */
const GRACE_MS = 2000;

/** How prompts begin that Hermes writes itself. */
const REVIEW = "Review the conversation above";
const DELEGATION = "[ASYNC DELEGATION";

const CHILD_OUTCOMES: ReadonlyMap<string, "error" | "interrupted"> = new Map([
  ["interrupted", "interrupted"],
  ["cancelled", "interrupted"],
  ["failed", "error"],
  ["error", "error"],
  ["timeout", "error"],
]);

export const hermes: Adapter = { agent: AGENT, decode };

function decode(envelope: Envelope): Decoded {
  const json = envelope.payload.length === 0 ? {} : parsedJson(envelope.payload);
  if (json === undefined) return { status: "invalid", reason: "malformed_json" };
  if (!isRecord(json)) return { status: "invalid", reason: "schema: payload (not an object)" };
  if (isGatewayFrame(json)) return { status: "decoded", events: gatewayEvents(json, AGENT, envelope.timeNs) };
  const payload = readPayload(json);
  // A test of the hook by `hermes hooks test` or `doctor`: nothing has happened.
  if (payload.nativeEvent !== undefined && !payload.isObserved)
    return { status: "decoded", events: [], ignored: "synthetic" };
  const nativeEvent = payload.nativeEvent ?? nativeEventOf(envelope.event);
  const base: EventBase = {
    agent: AGENT,
    sessionId: payload.sessionId,
    atNs: envelope.timeNs,
    ...optional("runKey", payload.turnId),
    ...optional("taskId", payload.taskId),
  };
  const events = eventsOf(nativeEvent, payload, base);
  const { sessionId } = payload;
  if (sessionId !== "") return { status: "decoded", events: [...describe(envelope, payload, base, events), ...events] };
  // What names neither its session nor anything else that could be found again, tells nothing.
  const isJoinable = payload.turnId !== undefined || payload.taskId !== undefined || payload.callId !== undefined;
  const joinable = isJoinable ? events.filter(({ kind }) => kind !== "noted") : [];
  if (joinable.length > 0) return { status: "decoded", events: joinable };
  return { status: "decoded", events: [], ...(NOTED.has(nativeEvent) ? {} : { ignored: "no_session" }) };
}

function eventsOf(nativeEvent: string, payload: HermesPayload, base: EventBase): AgentEvent[] {
  const { extra } = payload;
  switch (nativeEvent) {
    case "on_session_start":
      // A child's session is a subagent's, of which its parent tells.
      if (payload.platform === "subagent") return [];
      return [{ ...base, kind: "session.started", source: "startup", ...optional("model", payload.model) }];
    case "on_session_reset":
      return [
        {
          ...base,
          kind: "session.started",
          source: "clear",
          ...optional("previousSessionId", pickWord(extra, ["old_session_id"])),
        },
      ];
    case "on_session_finalize":
      return sessionEnded(payload, base);
    case "pre_llm_call":
      return [{ ...base, kind: "prompt.submitted", ...promptOf(payload) }];
    case "post_llm_call":
      return [
        {
          ...base,
          kind: "run.answered",
          content: { ...optional("output", textOf(extra["assistant_response"])) },
        },
      ];
    case "on_session_end":
      return runEnded(payload, base);
    case "pre_tool_call":
      return [toolStarted(payload, base)];
    case "post_tool_call":
      return [toolEnded(payload, base)];
    case "post_api_request":
    case "post_auxiliary_call":
      return modelCalled(payload, base);
    case "api_request_error":
      return modelFailed(payload, base);
    case "pre_approval_request":
    case "post_approval_response":
      return approval(payload, base, nativeEvent === "post_approval_response");
    case "subagent_start":
    case "subagent_stop":
      return subagentEvents(payload, base, nativeEvent);
    default:
      return [{ ...base, kind: "noted", nativeEvent, known: NOTED.has(nativeEvent) }];
  }
}

/** The hidden review is known by its words alone; a background subagent's result comes as a prompt. */
function promptOf({
  userMessage,
}: HermesPayload): Pick<AgentEvent & { kind: "prompt.submitted" }, "trigger" | "content"> {
  const prompt = textOf(userMessage);
  const content = { ...optional("input", prompt) };
  if (prompt?.startsWith(REVIEW) === true) return { trigger: "review", content };
  return { trigger: prompt?.startsWith(DELEGATION) === true ? "task" : "user", content };
}

/**
 * The end of a turn. Without a turn it is the end of the process or of the terminal: then it tells whether something was
 * interrupted, of what still runs. Neither completed nor interrupted: the limit of turns was reached.
 */
function runEnded(payload: HermesPayload, base: EventBase): AgentEvent[] {
  const { extra, interrupted, turnId } = payload;
  const seen: AgentEvent = { ...base, kind: "noted", nativeEvent: "on_session_end", known: true };
  if (turnId === undefined) return interrupted ? [seen, { ...base, kind: "run.interrupted", ofSession: true }] : [seen];
  const settled: AgentEvent = { ...base, kind: "run.settled", graceMs: GRACE_MS };
  if (interrupted) return [seen, { ...base, kind: "run.interrupted" }, settled];
  const isFailed = isTrue(extra["failed"]);
  if (isFailed || extra["completed"] === false) {
    return [seen, { ...base, kind: "run.failed", errorType: isFailed ? "_OTHER" : "turn_limit" }, settled];
  }
  const content = { ...optional("output", textOf(extra["assistant_response"])) };
  return [{ ...base, kind: "run.stopped", content }, settled];
}

/** A forwarder for agentmon's format says here that the turn was interrupted. */
function sessionEnded(payload: HermesPayload, base: EventBase): AgentEvent[] {
  const reason = pickWord(payload.extra, ["reason"]) ?? "";
  const ended: AgentEvent = { ...base, kind: "session.ended", reason: END_REASONS.has(reason) ? reason : "other" };
  return payload.interrupted ? [{ ...base, kind: "run.interrupted", ofSession: true }, ended] : [ended];
}

/** A subagent is named by its session, for its end names nothing else. Its parent's turn launched it. */
function subagentEvents({ extra }: HermesPayload, base: EventBase, nativeEvent: string): AgentEvent[] {
  const subagentId = pickWord(extra, ["child_session_id"], 512);
  if (subagentId === undefined) return [{ ...base, kind: "noted", nativeEvent, known: true }];
  const { taskId: _own, ...rest } = base;
  const place = { ...rest, ...optional("runKey", pickWord(extra, ["parent_turn_id"], 512)), subagentId };
  const type = roleOf(extra);
  if (nativeEvent === "subagent_start") {
    const taskId = optional("taskId", pickWord(extra, ["child_subagent_id"]));
    return [{ ...place, ...taskId, kind: "subagent.started", type, childSessionId: subagentId }];
  }
  return [
    {
      ...place,
      kind: "subagent.ended",
      type,
      ...optional("durationMs", pickNumber(extra, ["duration_ms"])),
      ...optional("outcome", CHILD_OUTCOMES.get(pickWord(extra, ["child_status"]) ?? "")),
    },
  ];
}

function roleOf(extra: Record<string, unknown>): string {
  const role = pickWord(extra, ["child_role"]) ?? "";
  return /^[A-Za-z][A-Za-z0-9_-]{0,39}$/.test(role) ? role : "subagent";
}

/** Nothing where nothing else is told: a child's first word must not make a session of it. */
function describe(
  envelope: Envelope,
  payload: HermesPayload,
  base: EventBase,
  events: readonly AgentEvent[],
): AgentEvent[] {
  if (events.length === 0) return [];
  const { platform } = payload;
  const entrypoint = platform !== undefined && /^[a-z][a-z0-9_-]{0,39}$/.test(platform) ? platform : undefined;
  const isTerminal = envelope.env["HERMES_INTERACTIVE"] !== undefined;
  const headless = envelope.env["CI"] !== undefined || (entrypoint === "cli" && !isTerminal);
  return [
    {
      ...base,
      kind: "session.described",
      ...optional("cwd", payload.cwd ?? envelope.cwd),
      ...(entrypoint === undefined ? {} : { entrypoint, headless }),
      hook: surroundings(envelope),
    },
  ];
}
