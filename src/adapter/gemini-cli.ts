/**
 * Gemini CLI: what its hooks tell. Tokens come from its chat file (`gemini-cli/lines.ts`). Hooks name neither turns nor tool
 * calls, so runs are told apart by time and calls are paired by tool and input.
 */

import type { Envelope } from "../event/envelope.ts";
import type { AgentEvent, EventBase } from "../event/event.ts";
import { optional } from "../event/optional.ts";
import type { Adapter, Decoded } from "./adapter.ts";
import { toolEnded, toolStarted } from "./gemini-cli/calls.ts";
import { decodeLine } from "./gemini-cli/lines.ts";
import { geminiPayload, type GeminiPayload } from "./gemini-cli/payload.ts";
import { transcriptOf } from "./gemini-cli/transcripts.ts";
import { parsedJson } from "./parsed-json.ts";
import { schemaReason } from "./schema-reason.ts";
import { described } from "./surroundings.ts";

const AGENT = "gemini-cli";

/**
 * Understood, and of no consequence: AfterModel comes with every piece of an answer, and its tokens lack the cached ones and
 * the thoughts; PreCompress comes before every model call, whether something is compressed or not.
 */
const NOTED = new Set(["BeforeModel", "AfterModel", "BeforeToolSelection", "PreCompress", "Notification"]);

export const geminiCli: Adapter = { agent: AGENT, decode, decodeLine };

function decode(envelope: Envelope): Decoded {
  const json = parsedJson(envelope.payload);
  if (json === undefined) return { status: "invalid", reason: "malformed_json" };
  const parsed = geminiPayload.safeParse(json);
  if (!parsed.success) return { status: "invalid", reason: schemaReason(parsed.error) };
  const payload = parsed.data;
  const base = { agent: AGENT, sessionId: payload.session_id, atNs: envelope.timeNs };
  const { files, refused } = transcriptOf(payload, base);
  const events = [describe(envelope, payload, base), ...files, ...eventsOf(payload, base)];
  return { status: "decoded", events, ...(refused ? { refused: "transcript_name" } : {}) };
}

function eventsOf(payload: GeminiPayload, base: EventBase): AgentEvent[] {
  const { hook_event_name: nativeEvent } = payload;
  switch (nativeEvent) {
    case "SessionStart":
      return [{ ...base, kind: "session.started", source: payload.source }];
    case "SessionEnd":
      // A turn that goes well has its AfterAgent: one that is still open now, was broken off.
      return [
        { ...base, kind: "run.interrupted", ofSession: true },
        { ...base, kind: "session.ended", reason: payload.reason },
      ];
    case "BeforeAgent":
      return [
        { ...base, kind: "prompt.submitted", trigger: "user", content: { ...optional("input", payload.prompt) } },
      ];
    case "AfterAgent":
      return [
        {
          ...base,
          kind: "run.stopped",
          unconfirmed: true,
          content: { ...optional("output", payload.prompt_response) },
        },
      ];
    case "BeforeTool":
      return [toolStarted(payload, base)];
    case "AfterTool":
      return [toolEnded(payload, base)];
    default:
      return [{ ...base, kind: "noted", nativeEvent, known: NOTED.has(nativeEvent) }];
  }
}

function describe(envelope: Envelope, payload: GeminiPayload, base: EventBase): AgentEvent {
  const facts = { ...optional("cwd", payload.cwd ?? envelope.cwd) };
  return described(envelope, base, facts);
}
