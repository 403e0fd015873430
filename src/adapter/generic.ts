/** Generic: hookspan's own event, by which any tool can join without an adapter. `docs/generic.md` says how. */

import type { Envelope } from "../event/envelope.ts";
import type { AgentEvent, EventBase } from "../event/event.ts";
import { inputHash } from "../event/input-hash.ts";
import { jsonText } from "../event/json-text.ts";
import { optional } from "../event/optional.ts";
import type { Adapter, Decoded } from "./adapter.ts";
import { anyEvent, genericEvent, type GenericEvent, type GenericModelCall } from "./generic/event.ts";
import { before } from "./moment.ts";
import { parsedJson } from "./parsed-json.ts";
import { schemaReason } from "./schema-reason.ts";

const AGENT = "generic";

/** Two hooks that run at once may arrive in another order. */
const GRACE_MS = 2000;

/** `reserved`: names of agents that have an adapter. Their sessions are not to be mixed up with those of anybody else. */
export function createGeneric(reserved: readonly string[]): Adapter {
  return { agent: AGENT, decode: (envelope) => decode(envelope, reserved) };
}

function decode(envelope: Envelope, reserved: readonly string[]): Decoded {
  const json = parsedJson(envelope.payload);
  if (json === undefined) return { status: "invalid", reason: "malformed_json" };
  const parsed = genericEvent.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const other = anyEvent.safeParse(json);
    if (issue?.code === "invalid_union" && other.success) return unknownEvent(envelope, other.data);
    return { status: "invalid", reason: schemaReason(parsed.error) };
  }
  const event = parsed.data;
  if (event.agent !== undefined && reserved.includes(event.agent))
    return { status: "invalid", reason: "schema: agent (name of another adapter)" };
  const base: EventBase = {
    agent: event.agent ?? AGENT,
    sessionId: event.session,
    atNs: before(millisecondsOf(event.time), envelope.timeNs) ?? envelope.timeNs,
    ...optional("runKey", event.run),
    ...optional("subagentId", event.subagent),
  };
  return { status: "decoded", events: [describe(envelope, event, base), ...eventsOf(event, base, envelope.id)] };
}

/** A newer tool may tell of things that this version does not know. */
function unknownEvent({ timeNs: atNs }: Envelope, { event, session }: { event: string; session: string }): Decoded {
  const noted: AgentEvent = { agent: AGENT, sessionId: session, atNs, kind: "noted", nativeEvent: event, known: false };
  return { status: "decoded", events: [noted] };
}

function eventsOf(event: GenericEvent, base: EventBase, envelopeId: string): AgentEvent[] {
  switch (event.event) {
    case "session.start":
      return [{ ...base, kind: "session.started", source: event.source ?? "startup" }];
    case "session.end":
      return [{ ...base, kind: "session.ended", reason: event.reason ?? "other" }];
    case "run.start": {
      const content = { ...optional("input", event.prompt) };
      return [{ ...base, kind: "prompt.submitted", trigger: event.trigger ?? "user", content }];
    }
    case "run.end":
      return runEnded(event, base);
    case "tool.start":
      return [
        { ...base, kind: "tool.started", ...callOf(event), content: { ...optional("input", textOf(event.input)) } },
      ];
    case "tool.end":
      return [toolEnded(event, base)];
    case "model.call":
      return [modelCalled(event, base, envelopeId)];
    case "subagent.start": {
      const { subagent: subagentId, type, child_session } = event;
      return [{ ...base, kind: "subagent.started", subagentId, type, ...optional("childSessionId", child_session) }];
    }
    case "subagent.end":
      return subagentEnded(event, base);
    case "hook.run":
      return [
        {
          ...base,
          kind: "hook.ran",
          hookEvent: event.hook_event,
          hookName: event.hook_name,
          source: event.source ?? "unknown",
          status: event.status,
          ...optional("durationMs", event.duration_ms),
          ...optional("callId", event.call),
          id: envelopeId,
        },
      ];
    case "compaction.start":
      return [{ ...base, kind: "compaction.started", trigger: event.trigger ?? "auto" }];
    case "compaction.end":
      return [{ ...base, kind: "compaction.ended", trigger: event.trigger ?? "auto" }];
  }
}

function runEnded(event: GenericEvent & { event: "run.end" }, base: EventBase): AgentEvent[] {
  const settled: AgentEvent = { ...base, kind: "run.settled", graceMs: GRACE_MS };
  switch (event.outcome ?? (event.error_type === undefined ? "success" : "error")) {
    case "success":
      return [{ ...base, kind: "run.stopped", content: { ...optional("output", event.response) } }, settled];
    case "error":
      return [{ ...base, kind: "run.failed", errorType: event.error_type ?? "_OTHER" }, settled];
    case "interrupted":
      return [{ ...base, kind: "run.interrupted" }, settled];
  }
}

function toolEnded(event: GenericEvent & { event: "tool.end" }, base: EventBase): AgentEvent {
  const { exit_code: exitCode, error_type: errorType, duration_ms: durationMs } = event;
  const isFailed = errorType !== undefined || (exitCode !== undefined && exitCode !== 0);
  const outcome = event.outcome ?? (isFailed ? "error" : "success");
  const failure = errorType ?? (exitCode === undefined || exitCode === 0 ? "tool_error" : "command_failed");
  return {
    ...base,
    kind: "tool.ended",
    ...callOf(event),
    outcome,
    ...(outcome === "error" ? { errorType: failure } : {}),
    ...optional("exitCode", exitCode),
    ...optional("durationMs", durationMs),
    content: { ...optional("input", textOf(event.input)), ...optional("output", textOf(event.output)) },
  };
}

/** A call with an error is an attempt that failed; whether another follows, only its run's end tells. */
function modelCalled(event: GenericModelCall, base: EventBase, envelopeId: string): AgentEvent {
  const { model, usage, duration_ms: durationMs = 0 } = event;
  const call = {
    ...base,
    provider: event.provider ?? "unknown",
    requestModel: model,
    startNs: base.atNs - BigInt(Math.round(durationMs * 1e6)),
    ...optional("requestId", event.request),
    ...optional("auxiliary", event.purpose),
  };
  if (event.error_type !== undefined) {
    return {
      ...call,
      kind: "llm.failed",
      attemptId: event.id ?? envelopeId,
      errorType: event.error_type,
      byHook: true,
    };
  }
  return {
    ...call,
    kind: "llm.called",
    messageId: event.id ?? envelopeId,
    ...(event.id === undefined ? { isOwnId: true } : {}),
    responseModel: event.response_model ?? model,
    ...optional("finishReason", event.finish_reason),
    ...optional("costUsd", event.cost_usd),
    ...(usage === undefined
      ? {}
      : {
          usage: {
            input: usage.input ?? 0,
            cacheRead: usage.cache_read ?? 0,
            cacheWrite5m: usage.cache_write ?? 0,
            cacheWrite1h: 0,
            output: usage.output ?? 0,
            reasoning: usage.reasoning ?? 0,
          },
        }),
  };
}

function subagentEnded(event: GenericEvent & { event: "subagent.end" }, base: EventBase): AgentEvent[] {
  const { subagent: subagentId, type = "", call: callId, error_type: errorType, outcome } = event;
  const link: AgentEvent[] = callId === undefined ? [] : [{ ...base, kind: "subagent.linked", subagentId, callId }];
  const failed: AgentEvent[] =
    errorType === undefined ? [] : [{ ...base, kind: "subagent.failed", subagentId, errorType }];
  const word = outcome ?? (errorType === undefined ? "success" : "error");
  return [{ ...base, kind: "subagent.ended", subagentId, type, outcome: word }, ...link, ...failed];
}

function callOf(event: { tool: string; call?: string | undefined; mcp_server?: string | undefined; input?: unknown }) {
  const { tool, call, mcp_server, input } = event;
  return { tool, ...optional("callId", call), ...optional("mcpServer", mcp_server), inputHash: inputHash(input) };
}

/** The parent of `hookspan.sh` may be a mere script that reports and ends: it is no sign of the agent's life. */
function describe(envelope: Envelope, event: GenericEvent, base: EventBase): AgentEvent {
  return {
    ...base,
    kind: "session.described",
    ...optional("cwd", event.cwd ?? envelope.cwd),
    ...(event.event === "session.start" ? optional("agentVersion", event.version) : {}),
    ...(envelope.env["CI"] === undefined ? {} : { headless: true }),
    hook: { ...optional("traceparent", envelope.traceparent) },
  };
}

function millisecondsOf(time: string | number | undefined): number | undefined {
  return typeof time === "string" ? Date.parse(time) : time;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : jsonText(value);
}
