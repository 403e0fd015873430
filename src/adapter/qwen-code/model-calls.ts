/**
 * Model calls. Qwen Code's chat file tells of each twice: a record with the API's id and the duration, and then the message
 * with the same tokens. The record counts, for it also tells of calls that the client makes beside the conversation, which
 * have no message. Messages count only in a file that has no such records.
 */

import type { AgentEvent, EventBase, Usage } from "../../event/event.ts";
import { assistantLine, telemetryLine, type DecoderState, type UiEvent } from "./line-schema.ts";

/** `base` is that of the line's events. */
export type Line = { json: unknown; base: EventBase; state: DecoderState; file: string };
export type LineEvents = { events: AgentEvent[]; state: DecoderState };

/** By how the client signed in. Most endpoints speak OpenAI's dialect, whoever they are. */
const PROVIDERS = new Map([
  ["gemini", "gcp.gemini"],
  ["vertex-ai", "gcp.vertex_ai"],
  ["anthropic", "anthropic"],
]);
const PROVIDER = "openai";

type Tokens = { input: number; cached: number; output: number; thoughts: number };

export function recordedCall({ json, base, state, file }: Line): LineEvents {
  const parsed = telemetryLine.safeParse(json);
  if (!parsed.success) return { events: [], state };
  const { uuid, systemPayload } = parsed.data;
  const { uiEvent: event } = systemPayload;
  const { model = "unknown" } = event;
  const provider = PROVIDERS.get(event.auth_type ?? "") ?? PROVIDER;
  const tokens: Tokens = {
    input: event.input_token_count,
    cached: event.cached_content_token_count,
    output: event.output_token_count,
    thoughts: event.thoughts_token_count,
  };
  const startNs = base.atNs - BigInt(Math.round((event.duration_ms ?? 0) * 1e6));
  const call = { provider, requestModel: model, startNs: startNs < 0n ? base.atNs : startNs };
  switch (event["event.name"]) {
    case "qwen-code.api_response": {
      const id =
        event.response_id === undefined
          ? { messageId: uuid, isOwnId: true as const }
          : { messageId: event.response_id };
      const of = whose(event, base);
      const called: AgentEvent = {
        ...of,
        kind: "llm.called",
        ...id,
        ...call,
        responseModel: model,
        usage: disjoint(tokens),
        file,
      };
      return { events: around(called, event, call.startNs), state: { ...state, provider, hasRecords: true } };
    }
    case "qwen-code.api_error": {
      const errorType = event.status_code === undefined ? "_OTHER" : `http_${event.status_code}`;
      const failed: AgentEvent = { ...whose(event, base), kind: "llm.failed", attemptId: uuid, ...call, errorType };
      return { events: around(failed, event, call.startNs), state: { ...state, provider } };
    }
    default:
      return { events: [], state };
  }
}

export function answered({ json, base, state, file }: Line): LineEvents {
  if (state.hasRecords === true) return { events: [], state };
  const parsed = assistantLine.safeParse(json);
  if (!parsed.success || parsed.data.usageMetadata === undefined) return { events: [], state };
  const { uuid: messageId, model = "unknown", usageMetadata: told } = parsed.data;
  const tokens: Tokens = {
    input: told.promptTokenCount,
    cached: told.cachedContentTokenCount,
    output: told.candidatesTokenCount,
    thoughts: told.thoughtsTokenCount,
  };
  const called: AgentEvent = {
    ...base,
    kind: "llm.called",
    messageId,
    isOwnId: true,
    provider: state.provider ?? PROVIDER,
    requestModel: model,
    responseModel: model,
    startNs: BigInt(state.askedNs ?? base.atNs),
    usage: disjoint(tokens),
    file,
  };
  return { events: [called], state };
}

/** A helper of the client's own is a subagent: it lives at least as long as its call. */
function around(call: AgentEvent, event: UiEvent, startNs: bigint): AgentEvent[] {
  const { subagent_id: subagentId, subagent_type: told } = event;
  if (subagentId === undefined) return [call];
  const type = told !== undefined && /^[\w.:-]{1,128}$/.test(told) ? told : "unknown";
  const life = { agent: call.agent, sessionId: call.sessionId, recorded: true, subagentId, type } as const;
  return [
    { ...life, atNs: startNs, kind: "subagent.started" },
    call,
    { ...life, atNs: call.atNs, kind: "subagent.ended" },
  ];
}

function whose({ subagent_id: subagentId }: UiEvent, base: EventBase): EventBase {
  return subagentId === undefined ? base : { ...base, subagentId };
}

/** No part is larger than what it is a part of, so that the kinds add up to what was told. */
function disjoint({ input, cached, output, thoughts }: Tokens): Usage {
  const cacheRead = Math.min(cached, input);
  const reasoning = Math.min(thoughts, output);
  return {
    input: input - cacheRead,
    cacheRead,
    cacheWrite5m: 0,
    cacheWrite1h: 0,
    output: output - reasoning,
    reasoning,
  };
}
