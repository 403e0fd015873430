/** Hermes' hooks around a model call: the one place where it tells of tokens. */

import type { AgentEvent, EventBase, Usage } from "../../event/event.ts";
import { optional } from "../../event/optional.ts";
import { isRecord, pickNumber, pickWord, type HermesPayload } from "./payload.ts";

const SECOND_NS = 1_000_000_000n;
/** A time in a payload that is this far from the hook's own is a mistake. */
const FAR_NS = 86_400n * SECOND_NS;

/** What the semantic conventions call them; others keep their own name. */
const PROVIDERS: ReadonlyMap<string, string> = new Map([
  ["gemini", "gcp.gemini"],
  ["google", "gcp.gemini"],
  ["vertex", "gcp.vertex_ai"],
  ["bedrock", "aws.bedrock"],
  ["azure", "azure.ai.openai"],
  ["xai", "x_ai"],
  ["mistral", "mistral_ai"],
  ["moonshot", "moonshot_ai"],
]);

/** More than any call costs; sums of it stay numbers. */
const COST_MAX_USD = 1e9;

const REASONS = new Set(["server_error", "rate_limit", "overloaded", "timeout", "auth", "format_error"]);

/** Of a call of the agent's own, `aux_task` says what for. */
export function modelCalled(payload: HermesPayload, base: EventBase): AgentEvent[] {
  const { extra } = payload;
  const times = timesOf(payload, base.atNs);
  const call = callOf(payload);
  if (extra["error"] !== undefined && extra["error"] !== null) return [failed(payload, base)];
  return [
    {
      ...base,
      ...call,
      kind: "llm.called",
      atNs: times.endNs,
      startNs: times.startNs,
      messageId: payload.requestId ?? base.atNs.toString(),
      isOwnId: true,
      responseModel: payload.responseModel ?? call.requestModel,
      ...optional("finishReason", shortWord(extra["finish_reason"])),
      ...optional("usage", usageOf(payload.usage)),
      ...optional("costUsd", costOf(payload.usage)),
    },
  ];
}

/** One attempt that failed. If Hermes will not try again, the run has failed, unless another model takes over. */
export function modelFailed(payload: HermesPayload, base: EventBase): AgentEvent[] {
  const attempt = failed(payload, base);
  if (!isFinal(payload.extra)) return [attempt];
  return [attempt, { ...base, kind: "run.failed", errorType: attempt.errorType, tentative: true }];
}

/**
 * Disjoint counts out of inclusive ones: `prompt_tokens` counts the cache as well, `output_tokens` reasoning. Undefined where
 * the model reported none.
 */
export function usageOf(usage: unknown): Usage | undefined {
  if (!isRecord(usage)) return undefined;
  const pick = (...names: string[]): number | undefined => {
    const number = pickNumber(usage, names);
    return number === undefined ? undefined : Math.round(number);
  };
  const [prompt, output] = [pick("prompt_tokens"), pick("output_tokens", "completion_tokens")];
  const cacheRead = pick("cache_read_tokens");
  const cacheWrite = pick("cache_write_tokens", "cache_creation_tokens");
  const reasoning = pick("reasoning_tokens");
  const cached = (cacheRead ?? 0) + (cacheWrite ?? 0);
  const input = pick("input_tokens") ?? (prompt === undefined ? undefined : Math.max(0, prompt - cached));
  if ([input, output, cacheRead, cacheWrite, reasoning].every((count) => count === undefined)) return undefined;
  const thought = Math.min(reasoning ?? 0, output ?? reasoning ?? 0);
  return {
    input: input ?? 0,
    cacheRead: cacheRead ?? 0,
    cacheWrite5m: cacheWrite ?? 0,
    cacheWrite1h: 0,
    output: Math.max(0, (output ?? thought) - thought),
    reasoning: thought,
  };
}

/**
 * Hermes tells of no cost; a handler written for agentmon's format may. There it may also be 0 for want of knowledge, and then
 * an estimate is better.
 */
function costOf(usage: Record<string, unknown> | undefined): number | undefined {
  const usd = usage === undefined ? undefined : pickNumber(usage, ["total_cost", "cost"]);
  return usd !== undefined && usd > 0 && usd <= COST_MAX_USD ? usd : undefined;
}

function failed(payload: HermesPayload, base: EventBase): AgentEvent & { kind: "llm.failed" } {
  const { extra, requestId } = payload;
  const { startNs, endNs } = timesOf(payload, base.atNs);
  const retry = pickNumber(extra, ["retry_count"]) ?? 0;
  return {
    ...base,
    ...callOf(payload),
    kind: "llm.failed",
    atNs: endNs,
    startNs,
    attemptId: `${requestId ?? base.atNs.toString()}#${retry}`,
    errorType: failureWord(extra),
    byHook: isFinal(extra) ? "last" : true,
  };
}

function callOf(payload: HermesPayload): {
  provider: string;
  requestModel: string;
  requestId?: string;
  auxiliary?: string;
} {
  return {
    provider: providerOf(payload.provider),
    requestModel: payload.model ?? "unknown",
    ...optional("requestId", payload.requestId),
    ...optional("auxiliary", shortWord(payload.extra["aux_task"])),
  };
}

/** What a user named a provider of their own may tell where it is; then it is just "custom". */
function providerOf(name: string | undefined): string {
  const word = (name ?? "unknown").toLowerCase().split(":")[0] ?? "";
  return PROVIDERS.get(word) ?? (/^[a-z][a-z0-9_-]{0,39}$/.test(word) ? word : "custom");
}

function failureWord(extra: Record<string, unknown>): string {
  const status = pickNumber(extra, ["status_code"]);
  if (status !== undefined && Number.isInteger(status) && status >= 100 && status < 600) return `http_${status}`;
  const reason = pickWord(extra, ["reason", "error_type"]) ?? "";
  return REASONS.has(reason) ? reason : "_OTHER";
}

function isFinal(extra: Record<string, unknown>): boolean {
  const [retry, max] = [pickNumber(extra, ["retry_count"]), pickNumber(extra, ["max_retries"])];
  return extra["retryable"] === false || (retry !== undefined && max !== undefined && retry + 1 >= max);
}

/** Times are seconds. What the payload does not tell, or not believably, is the time of the hook. */
function timesOf({ extra, durationMs }: HermesPayload, atNs: bigint): { startNs: bigint; endNs: bigint } {
  const endNs = near(extra["ended_at"], atNs) ?? atNs;
  const startNs = near(extra["started_at"], endNs) ?? endNs - BigInt(Math.round((durationMs ?? 0) * 1e6));
  return { startNs, endNs };
}

function near(seconds: unknown, limitNs: bigint): bigint | undefined {
  if (typeof seconds !== "number" || !Number.isFinite(seconds) || seconds < 0 || seconds > 1e11) return undefined;
  // A double holds microseconds of today's dates, no more.
  const ns = BigInt(Math.round(seconds * 1e6)) * 1000n;
  return ns <= limitNs && limitNs - ns < FAR_NS ? ns : undefined;
}

function shortWord(value: unknown): string | undefined {
  return typeof value === "string" && /^[a-z][a-z_]{0,39}$/.test(value) ? value : undefined;
}
