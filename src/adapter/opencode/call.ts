/** Model calls: one step of an answer each, and the attempts that failed before it. */

import type { AgentEvent, EventBase, Usage } from "../../event/event.ts";
import { optional } from "../../event/optional.ts";
import { before } from "../moment.ts";
import type { OpencodePart, OpencodePayload } from "./payload.ts";

/** What the semantic conventions call them; others keep their own name. */
const PROVIDERS: ReadonlyMap<string, string> = new Map([
  ["google", "gcp.gemini"],
  ["google-vertex", "gcp.vertex_ai"],
  ["google-vertex-anthropic", "gcp.vertex_ai"],
  ["amazon-bedrock", "aws.bedrock"],
  ["azure", "azure.ai.openai"],
  ["azure-cognitive-services", "azure.ai.inference"],
  ["xai", "x_ai"],
  ["mistral", "mistral_ai"],
  ["moonshotai", "moonshot_ai"],
  ["watsonx", "ibm.watsonx.ai"],
]);

/** Agents that OpenCode asks for its own purposes. */
const OWN_AGENTS = new Set(["title", "summary", "compaction"]);

export function stepFinished(part: OpencodePart, payload: OpencodePayload, base: EventBase): AgentEvent[] {
  const { tokens, cost, reason } = part;
  const { startMs, endMs } = payload.context;
  const call = callOf(payload);
  const startNs = before(startMs, base.atNs);
  const told = before(endMs, base.atNs);
  const endNs = told === undefined || (startNs !== undefined && told < startNs) ? base.atNs : told;
  return [
    {
      ...base,
      ...call,
      kind: "llm.called",
      atNs: endNs,
      startNs: startNs ?? endNs,
      messageId: part.id ?? base.atNs.toString(),
      isOwnId: true,
      responseModel: call.requestModel,
      ...optional("finishReason", shortWord(reason)),
      ...(tokens === undefined ? {} : { usage: usageOf(tokens) }),
      // 0 is what OpenCode says of a model of which it knows no price.
      ...(cost === undefined || cost === 0 ? {} : { costUsd: cost }),
    },
  ];
}

/** OpenCode tries again by itself, and tells of the attempt that failed; the run goes on. */
export function attemptFailed(payload: OpencodePayload, base: EventBase): AgentEvent[] {
  const { data, context } = payload;
  const call = callOf(payload);
  return [
    {
      ...base,
      ...call,
      kind: "llm.failed",
      startNs: before(context.startMs, base.atNs) ?? base.atNs,
      attemptId: `${call.requestId ?? base.atNs.toString()}#${data.attempt ?? 0}`,
      errorType: "_OTHER",
      byHook: true,
    },
  ];
}

/** Its counts are disjoint already: input is without the cache, output without reasoning. */
function usageOf({ input, output, reasoning, cache }: NonNullable<OpencodePart["tokens"]>): Usage {
  return { input, cacheRead: cache.read, cacheWrite5m: cache.write, cacheWrite1h: 0, output, reasoning };
}

function callOf({ context }: OpencodePayload): {
  provider: string;
  requestModel: string;
  requestId?: string;
  auxiliary?: string;
} {
  const { agent = "" } = context;
  return {
    provider: providerOf(context.providerID),
    requestModel: context.modelID ?? "unknown",
    ...optional("requestId", context.message),
    ...(OWN_AGENTS.has(agent) ? { auxiliary: agent } : {}),
  };
}

/** Users name providers of their own, who may say where those are. */
function providerOf(name: string | undefined): string {
  const own = (name ?? "unknown").toLowerCase();
  return PROVIDERS.get(own) ?? (/^[a-z][a-z0-9_-]{0,39}$/.test(own) ? own : "custom");
}

function shortWord(value: string | undefined): string | undefined {
  return value !== undefined && /^[a-z][a-z_-]{0,39}$/.test(value) ? value : undefined;
}
