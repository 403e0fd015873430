/**
 * The lines of Claude Code's transcript: model calls and their usage, failed attempts, what became of tool calls that no
 * hook ends, runs of other hooks, the word that a run is over, and the client's own books.
 */

import type { AgentEvent, EventBase, Usage } from "../../event/event.ts";
import { optional } from "../../event/optional.ts";
import type { DecodedLine, LineContext } from "../adapter.ts";
import { failureWord } from "./failure-word.ts";
import type { Line, LineEvents } from "./line.ts";
import { hookRuns, stopHookRuns, stopWord } from "./hook-lines.ts";
import {
  apiErrorLine,
  assistantLine,
  costStateLine,
  decoderState,
  requestLine,
  stopSummaryLine,
  transcriptLine,
  type UsageBlock,
  type DecoderState,
} from "./line-schema.ts";
import { user } from "./user-lines.ts";
import { parsedJson } from "../parsed-json.ts";
import { nanosecondsOf } from "../timestamp.ts";

const AGENT = "claude-code";

/** Hooks name their prompt since this version; before it, the transcript's prompt ids are no help. */
const PROMPT_ID_SINCE = [2, 1, 196];

/** Up to this version no line says that a turn is over for good; every recording of a later one has it. */
const NO_SUMMARY_UNTIL = [2, 1, 100];

const REQUESTS_KEPT = 8;
const TOOLS_KEPT = 64;

export function decodeLine(text: string, context: LineContext): DecodedLine {
  const json = parsedJson(text);
  const parsed = transcriptLine.safeParse(json);
  if (!parsed.success) return { events: [], decoder: context.decoder, malformed: true };
  const { type, timestamp, uuid, version, promptId } = parsed.data;
  const before = decoderState.parse(context.decoder);
  const atNs = nanosecondsOf(timestamp) ?? BigInt(before.lastNs ?? "0");
  const state: DecoderState = {
    ...before,
    lastNs: atNs.toString(),
    ...(version === undefined ? {} : { version }),
    ...(promptId === undefined ? {} : { promptId }),
  };
  const line: Line = { json, atNs, base: baseOf(context, state, atNs), context, state, uuid: uuid ?? atNs.toString() };
  const decoded = eventsOf(type, line);
  const described: AgentEvent[] =
    version === undefined || version === before.version
      ? []
      : [{ ...line.base, kind: "session.described", agentVersion: version }];
  return { events: [...described, ...decoded.events], decoder: decoded.state };
}

function eventsOf(type: string, line: Line): LineEvents {
  const { state } = line;
  switch (type) {
    case "api-request":
      return request(line);
    case "assistant":
      return assistant(line);
    case "user":
      return user(line);
    case "system":
      return system(line);
    case "attachment":
      return { events: hookRuns(line.json, line.base, line.uuid), state };
    case "cost-state":
      return { events: costState(line), state };
    default:
      return { events: [], state };
  }
}

function request(line: Line): LineEvents {
  const parsed = requestLine.safeParse(line.json);
  if (!parsed.success) return { events: [], state: line.state };
  const { id, params } = parsed.data;
  const one: DecoderState["requests"][number] = [id, line.atNs.toString(), params.model];
  return { events: [], state: { ...line.state, requests: [...line.state.requests, one].slice(-REQUESTS_KEPT) } };
}

function assistant(line: Line): LineEvents {
  const parsed = assistantLine.safeParse(line.json);
  if (!parsed.success) return { events: [], state: line.state };
  const { message, requestId, requestRef, requestedModel, effort, isApiErrorMessage, error, apiErrorStatus } =
    parsed.data;
  if (message.model === "<synthetic>") {
    return isApiErrorMessage === true ? finalError(line, error, apiErrorStatus) : { events: [], state: line.state };
  }
  const { base, context, state } = line;
  const asked = [...state.requests, ...(state.answering ? [state.answering] : [])].find(([id]) => id === requestRef);
  const called: AgentEvent = {
    ...base,
    kind: "llm.called",
    messageId: message.id,
    ...optional("requestId", requestId),
    provider: providerOf(message.model),
    requestModel: requestedModel ?? message.model,
    responseModel: message.model,
    ...optional("finishReason", message.stop_reason ?? undefined),
    ...optional("reasoningLevel", effort),
    startNs: asked === undefined ? startOf(line) : BigInt(asked[1]),
    ...(message.usage === undefined ? {} : { usage: usageOf(message.usage) }),
    file: context.file,
  };
  const isAnswer = message.stop_reason === "end_turn" && context.subagentId === undefined;
  const answered: AgentEvent[] =
    isAnswer && !isNewer(state.version, NO_SUMMARY_UNTIL) ? [{ ...base, kind: "run.answered" }] : [];
  const calls = message.content.flatMap((block): [string, string][] =>
    block.type === "tool_use" && block.id !== undefined && block.name !== undefined ? [[block.id, block.name]] : [],
  );
  const tools = [...state.tools, ...calls].slice(-TOOLS_KEPT);
  const requests = state.requests.filter(([id]) => id !== requestRef);
  return { events: [called, ...answered], state: { ...state, tools, requests, ...optional("answering", asked) } };
}

/** The last word of the client on a failed turn: every request since the last answer failed. */
function finalError(line: Line, error: string | undefined, status: number | undefined): LineEvents {
  const { base, state } = line;
  const attemptType = status === undefined ? "_OTHER" : `http_${status}`;
  const word = failureWord(error);
  const runType = word === "_OTHER" ? attemptType : word;
  // Each attempt ended by the time the next began.
  const failures = state.requests.map((one, i) => {
    const endNs = BigInt(state.requests[i + 1]?.[1] ?? line.atNs);
    return { ...failure(line, one, attemptType), atNs: endNs };
  });
  const failed: AgentEvent[] =
    line.context.subagentId === undefined ? [{ ...base, kind: "run.failed", errorType: runType }] : [];
  return { events: [...failures, ...failed], state: { ...state, requests: [] } };
}

function system(line: Line): LineEvents {
  const { json, base, context, state, uuid } = line;
  const subtype = typeof json === "object" && json !== null && "subtype" in json ? json.subtype : undefined;
  if (subtype === "api_error") return apiError(line);
  if (subtype !== "stop_hook_summary") return { events: [], state };
  const summary = stopSummaryLine.parse(json);
  const word = stopWord(summary);
  // The line's time is cut to milliseconds, that of the stop is not: within the same one, the word came after the stop.
  const atNs = base.atNs + 999_999n;
  const told: AgentEvent[] =
    context.subagentId === undefined && word !== undefined ? [{ ...base, atNs, kind: word }] : [];
  return { events: [...stopHookRuns(summary, base, uuid), ...told], state };
}

/** One failed attempt; the client will try again. */
function apiError(line: Line): LineEvents {
  const { error } = apiErrorLine.parse(line.json);
  const errorType =
    error.status === undefined
      ? error.connection === undefined
        ? "_OTHER"
        : "connection_error"
      : `http_${error.status}`;
  const { requests } = line.state;
  const last = requests.at(-1) ?? [line.uuid, line.atNs.toString(), "unknown"];
  return { events: [failure(line, last, errorType)], state: { ...line.state, requests: requests.slice(0, -1) } };
}

function failure(line: Line, [id, startNs, model]: DecoderState["requests"][number], errorType: string): AgentEvent {
  const attempt = { attemptId: id, startNs: BigInt(startNs), errorType };
  return { ...line.base, kind: "llm.failed", provider: providerOf(model), requestModel: model, ...attempt };
}

function costState(line: Line): AgentEvent[] {
  const parsed = costStateLine.safeParse(line.json);
  if (!parsed.success) return [];
  const { totalCostUSD, totalLinesAdded, totalLinesRemoved, startTime } = parsed.data;
  const { runKey: _run, ...base } = line.base;
  const books = { totalUsd: totalCostUSD, linesAdded: totalLinesAdded, linesRemoved: totalLinesRemoved };
  return [{ ...base, kind: "cost.stated", startTimeMs: startTime, ...books }];
}

function usageOf(usage: UsageBlock): Usage {
  const reasoning = Math.min(usage.output_tokens_details?.thinking_tokens ?? 0, usage.output_tokens);
  const hour = usage.cache_creation?.ephemeral_1h_input_tokens ?? 0;
  return {
    input: usage.input_tokens,
    cacheRead: usage.cache_read_input_tokens,
    cacheWrite5m:
      usage.cache_creation?.ephemeral_5m_input_tokens ?? Math.max(0, usage.cache_creation_input_tokens - hour),
    cacheWrite1h: hour,
    output: usage.output_tokens - reasoning,
    reasoning,
  };
}

/** Bedrock and Vertex have forms of their own for model ids; all else that Claude Code talks to is Anthropic's API. */
function providerOf(model: string): string {
  if (/^([a-z]+\.)?anthropic\./.test(model) || model.startsWith("arn:")) return "aws.bedrock";
  return /^claude-.*@/.test(model) ? "gcp.vertex_ai" : "anthropic";
}

function baseOf(context: LineContext, state: DecoderState, atNs: bigint): EventBase {
  const namesRun = state.promptId !== undefined && !isOlder(state.version, PROMPT_ID_SINCE);
  return {
    agent: AGENT,
    sessionId: context.sessionId,
    atNs,
    ...(namesRun ? optional("runKey", state.promptId) : {}),
    ...optional("subagentId", context.subagentId),
  };
}

/** Without a request line: the model was asked when the line before was written. */
function startOf(line: Line): bigint {
  const before = decoderState.parse(line.context.decoder).lastNs;
  return before === undefined ? line.atNs : BigInt(before);
}

function isOlder(version: string | undefined, than: readonly number[]): boolean {
  return version !== undefined && compare(version, than) < 0;
}

function isNewer(version: string | undefined, than: readonly number[]): boolean {
  return version === undefined || compare(version, than) > 0;
}

function compare(version: string, other: readonly number[]): number {
  const parts = version.split(".").map((part) => Number.parseInt(part, 10));
  const differing = other.findIndex((part, i) => (parts[i] ?? 0) !== part);
  return differing === -1 ? 0 : (parts[differing] ?? 0) - (other[differing] ?? 0);
}
