/** The lines of Qwen Code's chat file: model calls and their tokens, what became of tool calls, the client's version. */

import type { AgentEvent } from "../../event/event.ts";
import { optional } from "../../event/optional.ts";
import type { DecodedLine, LineContext } from "../adapter.ts";
import { resultReported } from "./calls.ts";
import { chatLine, decoderState, resultLine } from "./line-schema.ts";
import { answered, recordedCall, type Line, type LineEvents } from "./model-calls.ts";
import { parsedJson } from "../parsed-json.ts";
import { nanosecondsOf } from "../timestamp.ts";

const AGENT = "qwen-code";

export function decodeLine(text: string, context: LineContext): DecodedLine {
  const json = parsedJson(text);
  const parsed = chatLine.safeParse(json);
  if (!parsed.success) return { events: [], decoder: context.decoder, malformed: true };
  const { type, subtype, timestamp, version } = parsed.data;
  const before = decoderState.parse(context.decoder);
  const atNs = nanosecondsOf(timestamp) ?? BigInt(before.lastNs ?? "0");
  const state = { ...before, lastNs: atNs.toString(), ...optional("version", version) };
  const base = { agent: AGENT, sessionId: context.sessionId, atNs };
  const isNews = version !== undefined && version !== before.version;
  const described: AgentEvent[] = isNews ? [{ ...base, kind: "session.described", agentVersion: version }] : [];
  const { events, state: decoder } = eventsOf(type, subtype, { json, base, state, file: context.file });
  return { events: [...described, ...events], decoder };
}

function eventsOf(type: string, subtype: string | undefined, line: Line): LineEvents {
  const { state, base } = line;
  // The model has been given something: its next answer cannot have begun before.
  const asked = { ...state, askedNs: base.atNs.toString() };
  switch (type) {
    case "user":
      return { events: [], state: asked };
    case "assistant":
      return answered(line);
    case "system":
      return subtype === "ui_telemetry" ? recordedCall(line) : { events: [], state };
    case "tool_result": {
      const parsed = resultLine.safeParse(line.json);
      return { events: parsed.success ? resultReported(parsed.data, base) : [], state: asked };
    }
    default:
      return { events: [], state };
  }
}
