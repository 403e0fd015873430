/** Codex: what its hooks tell. Tokens, outcomes and the end of a turn come from its rollout (`codex/lines.ts`). */

import type { Envelope } from "../event/envelope.ts";
import type { AgentEvent, EventBase } from "../event/event.ts";
import { optional } from "../event/optional.ts";
import type { Adapter, Decoded } from "./adapter.ts";
import { toolEvents } from "./codex/calls.ts";
import { decodeLine } from "./codex/lines.ts";
import { anyPayload, codexPayload, type AnyPayload, type CodexPayload } from "./codex/payload.ts";
import { transcriptsOf } from "./codex/transcripts.ts";
import { parsedJson } from "./parsed-json.ts";
import { schemaReason } from "./schema-reason.ts";
import { described } from "./surroundings.ts";

const AGENT = "codex";

export const codex: Adapter = { agent: AGENT, decode, decodeLine };

function decode(envelope: Envelope): Decoded {
  const json = parsedJson(envelope.payload);
  if (json === undefined) return { status: "invalid", reason: "malformed_json" };
  const any = anyPayload.safeParse(json);
  if (!any.success) return { status: "invalid", reason: schemaReason(any.error) };
  const { session_id: sessionId, hook_event_name: nativeEvent } = any.data;
  const base = { agent: AGENT, sessionId, atNs: envelope.timeNs, ...whose(any.data) };
  const { files, refused } = transcriptsOf(any.data, base);
  const parsed = codexPayload.safeParse(json);
  const events: AgentEvent[] = parsed.success
    ? eventsOf(parsed.data, base)
    : [{ ...base, kind: "noted", nativeEvent, known: false }];
  const all = [describe(envelope, any.data, base), ...files, ...events];
  return { status: "decoded", events: all, ...(refused ? { refused: "transcript_name" } : {}) };
}

/** A subagent's hooks name its own turn, which is no run of ours: what it does belongs to the run that is going on. */
function whose({ agent_id: subagentId, turn_id: turnId }: AnyPayload): Pick<EventBase, "runKey" | "subagentId"> {
  return subagentId === undefined ? { ...optional("runKey", turnId) } : { subagentId };
}

function eventsOf(payload: CodexPayload, base: EventBase): AgentEvent[] {
  switch (payload.hook_event_name) {
    case "SessionStart":
      return [{ ...base, kind: "session.started", source: payload.source, ...optional("model", payload.model) }];
    case "SessionEnd":
      return [{ ...base, kind: "session.ended", reason: "other" }];
    case "UserPromptSubmit":
      // What a subagent is asked is no turn of the user's.
      return base.subagentId === undefined
        ? [{ ...base, kind: "prompt.submitted", trigger: "user", content: { ...optional("input", payload.prompt) } }]
        : [{ ...base, kind: "noted", nativeEvent: payload.hook_event_name, known: true }];
    case "PreToolUse":
    case "PermissionRequest":
    case "PostToolUse":
      return toolEvents(payload, base);
    case "PreCompact":
      return [...commanded(payload.trigger, base), { ...base, kind: "compaction.started", trigger: payload.trigger }];
    case "PostCompact":
      return [{ ...base, kind: "compaction.ended", trigger: payload.trigger }];
    case "SubagentStart":
    case "SubagentStop":
      return subagentEvents(payload.hook_event_name, payload.agent_type, base);
    case "Stop":
      return [
        {
          ...base,
          kind: "run.stopped",
          content: { ...optional("output", payload.last_assistant_message ?? undefined) },
        },
      ];
    case "Interrupt":
      return [{ ...base, kind: "run.interrupted" }];
  }
}

/** A compaction that the user asked for is a turn of its own, without a prompt and without a stop. */
function commanded(trigger: "manual" | "auto", base: EventBase): AgentEvent[] {
  const isTurn = trigger === "manual" && base.runKey !== undefined && base.subagentId === undefined;
  return isTurn ? [{ ...base, kind: "prompt.submitted", trigger: "user" }] : [];
}

function subagentEvents(
  nativeEvent: "SubagentStart" | "SubagentStop",
  type = "unknown",
  base: EventBase,
): AgentEvent[] {
  const { subagentId } = base;
  if (subagentId === undefined) return [{ ...base, kind: "noted", nativeEvent, known: true }];
  const kind = nativeEvent === "SubagentStart" ? "subagent.started" : "subagent.ended";
  return [{ ...base, kind, subagentId, type }];
}

function describe(envelope: Envelope, payload: AnyPayload, base: EventBase): AgentEvent {
  const facts = {
    ...optional("cwd", payload.cwd ?? envelope.cwd),
    ...optional("permissionMode", payload.permission_mode),
  };
  return described(envelope, base, facts);
}
