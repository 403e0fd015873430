/** What a model call leaves when it has ended: its span and its observations. */

import type { AgentEvent, Usage } from "../event/event.ts";
import { inputTokens, outputTokens } from "../metric/usage.ts";
import { count, emit, known, type Draft } from "./draft.ts";
import type { Attributes } from "./record.ts";
import { ATTR, OPERATION } from "./semconv.ts";
import type { OpenCall } from "./session.ts";

/** Without a file where a hook told of the call. */
export type Call = Omit<OpenCall, "file"> & { file?: string; auxiliary?: string; costUsd?: number };

export function emitCall(draft: Draft, call: Call, price: { usd: number; table?: string } | undefined): void {
  const { usage } = call;
  emit(draft, {
    ...call.context,
    parentSpanId: call.parentSpanId,
    name: `${OPERATION.chat} ${call.requestModel}`,
    kind: "client",
    startNs: call.startNs,
    endNs: call.endNs,
    attributes: known({
      [ATTR.operation]: OPERATION.chat,
      [ATTR.provider]: call.provider,
      [ATTR.requestModel]: call.requestModel,
      [ATTR.responseModel]: call.responseModel,
      [ATTR.responseId]: call.isOwnId === true ? undefined : call.messageId,
      [ATTR.requestId]: call.requestId,
      [ATTR.finishReasons]: call.finishReason === undefined ? undefined : [call.finishReason],
      [ATTR.reasoningLevel]: call.reasoningLevel,
      [ATTR.llmAuxiliary]: call.auxiliary,
      ...(call.unmetered === true ? {} : usageAttributes(usage)),
      [ATTR.costUsd]: price?.usd,
      [ATTR.costTable]: price?.table,
      [ATTR.timingSource]: call.file === undefined ? "hook" : "transcript",
    }),
  });
}

export function observeCall(draft: Draft, call: Call): void {
  const attributes = {
    [ATTR.operation]: OPERATION.chat,
    [ATTR.provider]: call.provider,
    [ATTR.requestModel]: call.requestModel,
  };
  const tokens = { input: inputTokens(call.usage), output: outputTokens(call.usage) };
  for (const [type, value] of Object.entries(tokens)) {
    count(draft, "gen_ai.client.token.usage", { ...attributes, [ATTR.tokenType]: type }, value);
  }
}

/** One observation for a call with all its attempts, from the first one on: so the agents that tell of it count. */
export function observeDuration(
  draft: Draft,
  { provider, requestModel, startNs, atNs }: AgentEvent & { kind: "llm.called" | "llm.failed" },
  errorType?: string,
): void {
  const attributes = known({
    [ATTR.operation]: OPERATION.chat,
    [ATTR.provider]: provider,
    [ATTR.requestModel]: requestModel,
    [ATTR.errorType]: errorType,
  });
  count(draft, "gen_ai.client.operation.duration", attributes, Math.max(0, Number(atNs - startNs) / 1e9));
}

function usageAttributes(usage: Usage): Attributes {
  return known({
    [ATTR.inputTokens]: inputTokens(usage),
    [ATTR.outputTokens]: outputTokens(usage),
    [ATTR.cacheReadTokens]: usage.cacheRead,
    [ATTR.cacheWriteTokens]: usage.cacheWrite5m + usage.cacheWrite1h,
    [ATTR.cacheWrite1hTokens]: usage.cacheWrite1h > 0 ? usage.cacheWrite1h : undefined,
    [ATTR.reasoningTokens]: usage.reasoning,
  });
}
