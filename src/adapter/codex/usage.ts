/**
 * Model calls. Since 0.155 a rollout has one `token_usage_record` for each response, with the API's id, and that alone is
 * right in every case. Older ones have only `token_count`, which is repeated after compactions and interrupts with the same
 * totals, and then has no part in the sum; of a response whose tools never ended they have nothing.
 */

import type { AgentEvent, Usage } from "../../event/event.ts";
import { optional } from "../../event/optional.ts";
import type { Line, LineEvents } from "./line.ts";
import { tokenCount, usageRecord, type UsageBlock } from "./line-schema.ts";

/** Providers that the semantic conventions have a name for. All others are asked in OpenAI's dialect. */
const PROVIDERS = new Map([
  ["azure", "azure.ai.openai"],
  ["amazon-bedrock", "aws.bedrock"],
]);

export function recordedUsage(line: Line): LineEvents {
  const state = { ...line.state, hasRecords: true as const, askedNs: line.atNs.toString() };
  const parsed = usageRecord.safeParse(line.payload);
  if (!parsed.success) return { events: [], state };
  const { response_id: messageId, usage } = parsed.data;
  return { events: [called(line, { messageId }, usage)], state };
}

export function countedUsage(line: Line): LineEvents {
  const { state } = line;
  const parsed = tokenCount.safeParse(line.payload);
  if (!parsed.success || state.hasRecords === true) return { events: [], state };
  const { total_token_usage: total, last_token_usage: last } = parsed.data.info;
  const totals = [total.input_tokens, total.cached_input_tokens, total.output_tokens].join("/");
  const isEmpty = last.input_tokens + last.output_tokens === 0;
  if (totals === state.totals || isEmpty) return { events: [], state: { ...state, totals } };
  const messageId = `${state.turnId ?? ""}:${totals}`;
  const event = called(line, { messageId, isOwnId: true }, last);
  return { events: [event], state: { ...state, totals, askedNs: line.atNs.toString() } };
}

/** As spans and prices name it. */
export function providerOf(provider: string | undefined): string {
  return PROVIDERS.get(provider ?? "") ?? "openai";
}

function called(line: Line, id: { messageId: string; isOwnId?: true }, usage: UsageBlock | undefined): AgentEvent {
  const { base, state, atNs, context } = line;
  const model = state.model ?? "unknown";
  return {
    ...base,
    kind: "llm.called",
    ...id,
    provider: providerOf(state.provider),
    requestModel: model,
    responseModel: model,
    ...optional("reasoningLevel", state.effort),
    startNs: BigInt(state.askedNs ?? atNs),
    ...(usage === undefined ? {} : { usage: disjoint(usage) }),
    file: context.file,
  };
}

/** No part is larger than what it is a part of, so that the kinds add up to what was told. */
function disjoint(usage: UsageBlock): Usage {
  const cacheRead = Math.min(usage.cached_input_tokens, usage.input_tokens);
  const cacheWrite = Math.min(usage.cache_write_input_tokens, usage.input_tokens - cacheRead);
  const reasoning = Math.min(usage.reasoning_output_tokens, usage.output_tokens);
  return {
    input: usage.input_tokens - cacheRead - cacheWrite,
    cacheRead,
    cacheWrite5m: cacheWrite,
    cacheWrite1h: 0,
    output: usage.output_tokens - reasoning,
    reasoning,
  };
}
