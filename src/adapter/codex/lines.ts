/**
 * The lines of Codex's rollout: model calls and their usage, what became of tool calls, the end of a turn, subagents, hooks
 * that blocked.
 */

import type { AgentEvent, EventBase } from "../../event/event.ts";
import { optional } from "../../event/optional.ts";
import type { DecodedLine, LineContext } from "../adapter.ts";
import { completedItem } from "./items.ts";
import type { Line, LineEvents } from "./line.ts";
import { decoderState, rolloutLine, sessionMeta, turnContext, type DecoderState } from "./line-schema.ts";
import { gotOutput, madeCall } from "./outputs.ts";
import { abortedTurn, completedTurn } from "./turn-end.ts";
import { countedUsage, recordedUsage } from "./usage.ts";
import { parsedJson } from "../parsed-json.ts";
import { nanosecondsOf } from "../timestamp.ts";

const AGENT = "codex";

export function decodeLine(text: string, context: LineContext): DecodedLine {
  const parsed = rolloutLine.safeParse(parsedJson(text));
  if (!parsed.success) return { events: [], decoder: context.decoder, malformed: true };
  const { type, timestamp, payload } = parsed.data;
  const before = decoderState.parse(context.decoder);
  const atNs = nanosecondsOf(timestamp) ?? BigInt(before.lastNs ?? "0");
  const { turn_id: turnId = before.turnId, root_turn_id: rootTurnId = before.rootTurnId } = payload;
  const state = { ...before, lastNs: atNs.toString() };
  const isMain = context.subagentId === undefined;
  const base: EventBase = {
    agent: AGENT,
    sessionId: context.sessionId,
    atNs,
    // A subagent's own turn is no run: the run is the one that it was launched in.
    ...optional("runKey", isMain ? turnId : rootTurnId),
    ...optional("subagentId", context.subagentId),
  };
  const { events, state: decoder } = eventsOf(type, payload.type, { payload, atNs, base, context, state, isMain });
  return { events, decoder };
}

function eventsOf(type: string, kind: string | undefined, line: Line): LineEvents {
  const { state } = line;
  switch (type) {
    case "session_meta":
      return describedSession(line);
    case "turn_context":
      return describedTurn(line);
    case "token_usage_record":
      return recordedUsage(line);
    case "event_msg":
      return happened(kind, line);
    case "response_item":
      return said(kind, line);
    case "compacted":
      return { events: [], state: asked(line) };
    default:
      return { events: [], state };
  }
}

function happened(kind: string | undefined, line: Line): LineEvents {
  const { state } = line;
  switch (kind) {
    case "task_started":
      return { events: [], state: { ...asked(line), ...turnOf(line) } };
    case "task_complete":
      return { events: completedTurn(line), state };
    case "turn_aborted":
      return { events: abortedTurn(line), state };
    case "token_count":
      return countedUsage(line);
    case "item_completed":
      return { events: completedItem(line), state };
    default:
      return { events: [], state };
  }
}

function said(kind: string | undefined, line: Line): LineEvents {
  switch (kind) {
    case "function_call":
    case "custom_tool_call":
      return madeCall(line);
    case "function_call_output":
    case "custom_tool_call_output":
      return gotOutput(line);
    case "agent_message":
      return { events: [], state: asked(line) };
    case "message":
      return { events: [], state: isModels(line) ? line.state : asked(line) };
    default:
      return { events: [], state: line.state };
  }
}

/** The first line of a rollout. Of a subagent's it says nothing of the session. */
function describedSession(line: Line): LineEvents {
  const parsed = sessionMeta.safeParse(line.payload);
  if (!parsed.success) return { events: [], state: line.state };
  const { cli_version: agentVersion, originator, cwd, source, model_provider: provider, forked_from_id } = parsed.data;
  const { runKey: _run, ...base } = line.base;
  const entrypoint = originator !== undefined && /^[\w.@-]{1,64}$/.test(originator) ? originator : undefined;
  const described: AgentEvent = {
    ...base,
    kind: "session.described",
    ...optional("agentVersion", agentVersion),
    ...optional("entrypoint", entrypoint),
    ...(source === "exec" ? { headless: true } : {}),
    ...optional("previousSessionId", forked_from_id),
  };
  const state = { ...line.state, ...optional("provider", provider), ...optional("cwd", cwd) };
  return { events: line.isMain ? [described] : [], state };
}

function describedTurn(line: Line): LineEvents {
  const { model, effort, cwd } = turnContext.parse(line.payload);
  const told = { ...optional("model", model), ...optional("effort", effort), ...optional("cwd", cwd) };
  return { events: [], state: { ...line.state, ...turnOf(line), ...told } };
}

function turnOf({ payload }: Line): Pick<DecoderState, "turnId" | "rootTurnId"> {
  const { turn_id: turnId, root_turn_id: rootTurnId } = rolloutLine.shape.payload.parse(payload);
  return { ...optional("turnId", turnId), ...optional("rootTurnId", rootTurnId) };
}

/** The model has been given something: its next answer cannot have begun before. */
function asked({ state, atNs }: Line): DecoderState {
  return { ...state, askedNs: atNs.toString() };
}

function isModels({ payload }: Line): boolean {
  return typeof payload === "object" && payload !== null && "role" in payload && payload.role === "assistant";
}
