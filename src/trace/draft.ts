/**
 * Draft: the working copy in which one event is folded. The session in it is a shallow copy: lists and items are replaced,
 * never changed in place, so the session before the event stays as it was.
 */

import type { Content, Usage } from "../event/event.ts";
import type { MetricName } from "../metric/instruments.ts";
import { includes, withNewest } from "./ended.ts";
import { endedKey } from "./ids.ts";
import type { Attributes, Increment, SpanContext, SpanRecord } from "./record.ts";
import { ATTR } from "./semconv.ts";
import type { Session } from "./session.ts";

/** What the user's configuration decides in the core. Pure functions, handed in. */
export type Policy = {
  /** The price of a call in USD at a time, for some prices change; undefined where no table knows the model. */
  price: (usage: Usage, provider: string, model: string, atNs: bigint) => { usd: number; table: string } | undefined;
  /** What of a text may leave the machine: undefined for nothing. */
  capture: (kind: "prompt" | "tool_input" | "tool_result" | "response", text: string | undefined) => string | undefined;
  /** What an MCP server is to be called; left out, or undefined: by its own name. */
  mcpName?: (server: string) => string | undefined;
};

/**
 * Why a hook's event changed nothing: it was told of before; or of something that was closed without it; or of something
 * never met.
 */
type Remark = "duplicate" | "late" | "unmatched";

/**
 * What one event made: the next session, finished spans, metric increments, the traces that may now be sent, and what was
 * odd about it, for the bridge's own books.
 */
export type Step = {
  session: Session;
  spans: SpanRecord[];
  increments: Increment[];
  settled: string[];
  remarks: Remark[];
};

export type Draft = Step & { policy: Policy };

/** Adds a finished span, with the two ids that every span carries. */
export function emit(draft: Draft, span: Omit<SpanRecord, "links"> & { links?: SpanRecord["links"] }): void {
  const { session } = draft;
  const endNs = span.endNs < span.startNs ? span.startNs : span.endNs;
  const skewed: Attributes = span.endNs < span.startNs ? { [ATTR.clockSkewed]: true } : {};
  draft.spans.push({
    ...span,
    endNs,
    links: span.links ?? [],
    attributes: {
      [ATTR.sessionId]: session.id,
      [ATTR.conversationId]: session.conversationId ?? session.id,
      ...span.attributes,
      ...skewed,
    },
  });
}

/** Adds one increment, with the agent and the repository where the metric has them. */
export function count(draft: Draft, metric: MetricName, attributes: Attributes, value = 1): void {
  const { session } = draft;
  const repository: Attributes = session.repository === undefined ? {} : { [ATTR.repository]: session.repository };
  draft.increments.push({ metric, agent: session.agent, attributes: { ...attributes, ...repository }, value });
}

export function remark(draft: Draft, word: Remark): void {
  draft.remarks.push(word);
}

/** Attributes without those that are not known. */
export function known(attributes: Record<string, Attributes[string] | undefined>): Attributes {
  const result: Attributes = {};
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) result[name] = value;
  return result;
}

/** The list with the item that `matches` replaced by `next` (or left out, where `next` gives undefined). */
export function replace<T>(list: readonly T[], item: T, next: T | undefined): T[] {
  return next === undefined ? list.filter((one) => one !== item) : list.map((one) => (one === item ? next : one));
}

/** Notes that a thing has ended, so that a second word on it is known for a duplicate. */
export function remember(draft: Draft, kind: string, key: string): void {
  draft.session.ended = withNewest(draft.session.ended, endedKey(kind, key));
}

export function hasEnded(session: Session, kind: string, key: string): boolean {
  return includes(session.ended, endedKey(kind, key));
}

export function captured(
  draft: Draft,
  kinds: { input: "prompt" | "tool_input"; output: "tool_result" | "response" },
  content: Content | undefined,
): { input: string | undefined; output: string | undefined } {
  return {
    input: draft.policy.capture(kinds.input, content?.input),
    output: draft.policy.capture(kinds.output, content?.output),
  };
}

/** A link to another span of ours, with what it stands for. */
export function link(context: SpanContext, type: string): SpanRecord["links"][number] {
  return { traceId: context.traceId, spanId: context.spanId, attributes: { [ATTR.linkType]: type } };
}

export function later(a: bigint | undefined, b: bigint): bigint {
  return a === undefined || b > a ? b : a;
}

export function earlier(a: bigint | undefined, b: bigint): bigint {
  return a === undefined || b < a ? b : a;
}
