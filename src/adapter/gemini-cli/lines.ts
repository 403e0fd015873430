/** The lines of Gemini CLI's chat file: model calls and their tokens, tool calls that no hook told of. */

import type { AgentEvent, EventBase, Usage } from "../../event/event.ts";
import { optional } from "../../event/optional.ts";
import type { DecodedLine, LineContext } from "../adapter.ts";
import { toolReported } from "./calls.ts";
import { chatLine, decoderState, modelLine, userLine, type DecoderState, type Tokens } from "./line-schema.ts";
import { parsedJson } from "../parsed-json.ts";
import { nanosecondsOf } from "../timestamp.ts";

const AGENT = "gemini-cli";

/** Which of Google's endpoints the client asks, it does not say. The semantic conventions have a name for that, too. */
const PROVIDER = "gcp.gen_ai";

type Line = { json: unknown; base: EventBase; state: DecoderState; file: string };

export function decodeLine(text: string, context: LineContext): DecodedLine {
  const json = parsedJson(text);
  const parsed = chatLine.safeParse(json);
  if (!parsed.success) return { events: [], decoder: context.decoder, malformed: true };
  const { type, timestamp } = parsed.data;
  const before = decoderState.parse(context.decoder);
  const atNs = nanosecondsOf(timestamp) ?? BigInt(before.lastNs ?? "0");
  const state = { ...before, lastNs: atNs.toString() };
  const base = { agent: AGENT, sessionId: context.sessionId, atNs };
  const { events, decoder } = eventsOf(type, { json, base, state, file: context.file });
  return { events, decoder };
}

function eventsOf(type: string | undefined, line: Line): { events: AgentEvent[]; decoder: DecoderState } {
  switch (type) {
    case "user":
      return given(line);
    case "gemini":
      return answered(line);
    default:
      return { events: [], decoder: line.state };
  }
}

/**
 * What the model was given: results of tools, a prompt, or what an AfterAgent hook said that refused the end of the turn.
 * The last two look alike; after a prompt the run has not stopped yet, so the word changes nothing about it.
 */
function given({ json, base, state }: Line): { events: AgentEvent[]; decoder: DecoderState } {
  const { content } = userLine.catch({ content: [] }).parse(json);
  const isText = content.some((part) => part.text !== undefined);
  const events: AgentEvent[] = isText ? [{ ...base, kind: "run.continued" }] : [];
  return { events, decoder: { ...state, askedNs: base.atNs.toString() } };
}

/** A message comes once when it is complete, and again, under its old time, when its tool calls have ended. */
function answered({ json, base, state, file }: Line): { events: AgentEvent[]; decoder: DecoderState } {
  const parsed = modelLine.safeParse(json);
  if (!parsed.success) return { events: [], decoder: state };
  const { id: messageId, model = "unknown", tokens, toolCalls } = parsed.data;
  const startNs = (messageId === state.messageId ? state.messageAskedNs : state.askedNs) ?? base.atNs.toString();
  const called: AgentEvent = {
    ...base,
    kind: "llm.called",
    messageId,
    // Made by the client.
    isOwnId: true,
    provider: PROVIDER,
    requestModel: model,
    responseModel: model,
    startNs: BigInt(startNs),
    ...optional("usage", tokens === undefined ? undefined : disjoint(tokens)),
    file,
  };
  const calls = toolCalls.filter((call) => call !== null);
  const reports = calls.map((call) =>
    toolReported(call, { ...base, atNs: nanosecondsOf(call.timestamp) ?? base.atNs }),
  );
  return { events: [called, ...reports], decoder: { ...state, messageId, messageAskedNs: startNs } };
}

/** No part is larger than what it is a part of, so that the kinds add up to what was told. */
function disjoint({ input, output, cached, thoughts, tool, total }: Tokens): Usage {
  const cacheRead = Math.min(cached, input);
  // The API's total counts the prompts of its own tools beside the rest.
  const toolPrompts = Math.min(tool, Math.max(0, total - input - output - thoughts));
  return {
    input: input - cacheRead + toolPrompts,
    cacheRead,
    cacheWrite5m: 0,
    cacheWrite1h: 0,
    output,
    reasoning: thoughts,
  };
}
