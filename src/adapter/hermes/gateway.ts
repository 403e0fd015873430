/**
 * Frames of Hermes' gateway hooks: `{event_type, context}`. In the gateway the shell hooks run as well and tell the same
 * things with ids, so a frame is a sign of life, the start of a session, or a compression. Of a run it gives a glimpse, which
 * counts only where no shell hook tells of the session.
 */

import type { AgentEvent, EventBase } from "../../event/event.ts";
import { inputHash } from "../../event/input-hash.ts";
import { isRecord, pickWord } from "./payload.ts";

type Frame = { event_type: string; context: Record<string, unknown> };

const KNOWN =
  /^(gateway:startup|agent:(start|step|end)|session:(end|reset)|command:.+|reaction:(added|removed)|tui:.+)$/;

export function isGatewayFrame(
  json: Record<string, unknown>,
): json is Record<string, unknown> & { event_type: string } {
  return typeof json["event_type"] === "string" && json["hook_event_name"] === undefined;
}

/** Nothing where the frame names no session. */
export function gatewayEvents(json: Record<string, unknown>, agent: string, atNs: bigint): AgentEvent[] {
  const { event_type: nativeEvent, context } = frameOf(json);
  const sessionId = pickWord(context, ["session_id"], 512);
  // The bridge's own republication, or that of another one: it was told of before.
  if (sessionId === undefined || context["_forwarded"] === true || json["_forwarded"] === true) return [];
  const base: EventBase = { agent, sessionId, atNs };
  const noted: AgentEvent = {
    ...base,
    kind: "noted",
    nativeEvent: nativeEvent.slice(0, 128),
    known: KNOWN.test(nativeEvent),
  };
  switch (nativeEvent) {
    case "session:start":
      return [{ ...base, kind: "session.started", source: "startup" }];
    case "session:compress":
      return compressed(context, base);
    case "agent:start":
    case "agent:end":
      return [noted, glimpse(nativeEvent, context, base)];
    default:
      return [noted];
  }
}

/**
 * A conversation that is compressed goes on in its session, or under a new id: then the old session is over, and what is left of
 * the turn is told under the new one.
 */
function compressed(context: Record<string, unknown>, base: EventBase): AgentEvent[] {
  const oldId = pickWord(context, ["old_session_id"], 512);
  if (context["in_place"] === true || oldId === undefined || oldId === base.sessionId)
    return [{ ...base, kind: "compaction.ended", trigger: "auto" }];
  const old = { ...base, sessionId: oldId };
  return [
    { ...old, kind: "compaction.ended", trigger: "auto" },
    { ...old, kind: "session.ended", reason: "other" },
    { ...base, kind: "session.continued", previousSessionId: oldId },
  ];
}

/** Neither names its turn, and both repeat the message that began it. How it ended, neither says. */
function glimpse(
  nativeEvent: "agent:start" | "agent:end",
  { message }: Record<string, unknown>,
  base: EventBase,
): AgentEvent {
  const phase = nativeEvent === "agent:start" ? "begin" : "end";
  return { ...base, kind: "run.glimpsed", phase, about: inputHash(message ?? null) };
}

function frameOf(json: Record<string, unknown>): Frame {
  const { event_type: type, context } = json;
  return { event_type: typeof type === "string" ? type : "", context: isRecord(context) ? context : {} };
}
