/**
 * OpenCode: what hookspan's plugin (`hooks/opencode/hookspan.js`) tells out of the agent's process. There is no transcript to
 * follow. Tokens and cost come from the part that ends a step, once for each.
 */

import type { Envelope } from "../event/envelope.ts";
import type { AgentEvent, EventBase } from "../event/event.ts";
import { optional } from "../event/optional.ts";
import type { Adapter, Decoded } from "./adapter.ts";
import { attemptFailed, stepFinished } from "./opencode/call.ts";
import { before } from "./moment.ts";
import { opencodePayload, type OpencodePayload } from "./opencode/payload.ts";
import { permissionEvents, toolEvents } from "./opencode/tool.ts";
import { parsedJson } from "./parsed-json.ts";
import { described } from "./surroundings.ts";
import { schemaReason } from "./schema-reason.ts";

const AGENT = "opencode";

/** What was told last may overtake what was told before it. */
const GRACE_MS = 2000;

const ABORTED = "MessageAbortedError";
const FAILURES: ReadonlyMap<string, string> = new Map([
  ["ProviderAuthError", "authentication_failed"],
  ["ContextOverflowError", "context_window_exceeded"],
  ["MessageOutputLengthError", "max_output_tokens"],
]);

export const opencode: Adapter = { agent: AGENT, decode };

function decode(envelope: Envelope): Decoded {
  const json = parsedJson(envelope.payload);
  if (json === undefined) return { status: "invalid", reason: "malformed_json" };
  const parsed = opencodePayload.safeParse(json);
  if (!parsed.success) {
    return { status: "invalid", reason: schemaReason(parsed.error) };
  }
  const payload = parsed.data;
  const base: EventBase = {
    agent: AGENT,
    sessionId: payload.data.sessionID,
    atNs: envelope.timeNs,
    ...optional("runKey", payload.context.turn),
  };
  const child = payload.context.child ?? payload.data.info;
  const events =
    child?.parentID === undefined ? eventsOf(payload, base) : childEvents(payload, base, child.parentID, child);
  // A child's first word is its parent's business.
  const about = events[0]?.kind === "subagent.started" ? { ...base, sessionId: events[0].sessionId } : base;
  return { status: "decoded", events: [describe(envelope, payload, about), ...events] };
}

function eventsOf(payload: OpencodePayload, base: EventBase): AgentEvent[] {
  const { event, data, context } = payload;
  switch (event) {
    case "session.created":
      return [{ ...base, kind: "session.started", source: "startup" }];
    case "session.resumed":
      return [{ ...base, kind: "session.started", source: "resume" }];
    case "session.deleted":
      return [{ ...base, kind: "session.ended", reason: "other" }];
    case "dispose":
    case "exit":
      return sessionLeft(payload, base);
    case "chat.message": {
      const runKey = optional("runKey", data.message?.id ?? context.turn);
      return [{ ...base, ...runKey, kind: "prompt.submitted", trigger: "user", content: promptOf(payload) }];
    }
    case "message.part.updated":
      if (data.part?.type === "tool") return toolEvents(data.part, base);
      if (data.part?.type === "step-finish") return stepFinished(data.part, payload, base);
      return [];
    case "session.retry":
      return attemptFailed(payload, base);
    case "session.error":
      if (data.error?.name === ABORTED) return [{ ...base, kind: "run.interrupted" }];
      return [{ ...base, kind: "run.failed", errorType: failureWord(data.error) }];
    case "session.idle":
      return idle(payload, base);
    case "session.compacted":
      return [{ ...base, kind: "compaction.ended", trigger: "auto" }];
    case "permission.asked":
    case "permission.replied":
      return permissionEvents(payload, base);
    default:
      return [{ ...base, kind: "noted", nativeEvent: event, known: false }];
  }
}

/** A session with a parent is a subagent of it. */
function childEvents(
  payload: OpencodePayload,
  base: EventBase,
  parentId: string,
  { agent, createdMs }: NonNullable<OpencodePayload["data"]["info"]>,
): AgentEvent[] {
  const { data, context, event } = payload;
  const { runKey: _childs, ...rest } = base;
  const place = { ...rest, sessionId: parentId, subagentId: data.sessionID };
  const type = typeOf(agent ?? context.agent);
  switch (event) {
    case "session.created":
    case "session.resumed":
    case "chat.message": {
      const atNs = before(createdMs, base.atNs) ?? base.atNs;
      return [{ ...place, kind: "subagent.started", atNs, type, childSessionId: data.sessionID }];
    }
    case "session.idle": {
      const outcome = context.failed === true ? "error" : "success";
      return [{ ...place, kind: "subagent.ended", type, outcome }];
    }
    default:
      return eventsOf(payload, base);
  }
}

/** OpenCode goes idle after a failure as well: the failure stands. */
function idle({ data, context }: OpencodePayload, base: EventBase): AgentEvent[] {
  const settled: AgentEvent = { ...base, kind: "run.settled", graceMs: GRACE_MS };
  if (context.failed === true) return [settled];
  return [{ ...base, kind: "run.stopped", content: { ...optional("output", data.answer) } }, settled];
}

/** The process ends, or the directory is closed in it. What still ran was cut off. */
function sessionLeft({ context }: OpencodePayload, base: EventBase): AgentEvent[] {
  const { runKey: _turn, ...session } = base;
  const ended: AgentEvent = { ...session, kind: "session.ended", reason: "shutdown" };
  return context.busy === true ? [{ ...session, kind: "run.interrupted", ofSession: true }, ended] : [ended];
}

function promptOf({ data }: OpencodePayload): { input?: string } {
  const texts = (data.parts ?? []).flatMap(({ type, text }) => (type === "text" && text !== undefined ? [text] : []));
  return texts.length === 0 ? {} : { input: texts.join("\n") };
}

/** Names of agents are the user's; a name is a word. */
function typeOf(agent: string | undefined): string {
  return agent !== undefined && /^[A-Za-z][A-Za-z0-9_-]{0,39}$/.test(agent) ? agent : "subagent";
}

/** A word of ours; what OpenCode writes beside it may quote anything. */
function failureWord(error: OpencodePayload["data"]["error"]): string {
  const status = error?.data?.statusCode;
  return status === undefined ? (FAILURES.get(error?.name ?? "") ?? "_OTHER") : `http_${status}`;
}

function describe(envelope: Envelope, { data }: OpencodePayload, base: EventBase): AgentEvent {
  const agentVersion = versionOf(data.info?.version);
  return described(envelope, base, { ...optional("cwd", envelope.cwd), ...optional("agentVersion", agentVersion) });
}

function versionOf(version: string | undefined): string | undefined {
  return version !== undefined && /^\d[\w.+-]{0,39}$/.test(version) ? version : undefined;
}
