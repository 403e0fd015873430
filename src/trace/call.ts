/**
 * Model calls. The same message is told of several times (a line per content block, copies in resumed and forked
 * transcripts), so counting and showing are apart: counters take each difference at once, the span waits until the message
 * can grow no more.
 *
 * A line counts if its time is at or after the session's first event (`fold` sees to that for all lines), at or after the
 * file's newest counted time less 60 s, and its message id is not among the file's last 256.
 */

import type { AgentEvent, Usage } from "../event/event.ts";
import { addUsage, inputTokens, NO_USAGE, outputTokens, subtractUsage, usageTotal } from "../metric/usage.ts";
import { count, emit, hasEnded, known, later, remember, replace, type Draft } from "./draft.ts";
import { spanId } from "./ids.ts";
import type { Attributes } from "./record.ts";
import { placeOf } from "./run.ts";
import { ATTR, OPERATION } from "./semconv.ts";
import type { OpenCall, Session, Transcript } from "./session.ts";
import { subagentContext } from "./subagent.ts";
import { withCall } from "./tally.ts";

const MESSAGES_KEPT = 256;
const UNRECONCILED_KEPT = 1024;
const LATE_LINE_NS = 60_000_000_000n;

type Called = AgentEvent & { kind: "llm.called" };

export function noteCall(draft: Draft, event: Called): void {
  const { session } = draft;
  const transcript = session.transcripts[event.file] ?? { messages: [] };
  if (transcript.highWaterNs !== undefined && event.atNs < transcript.highWaterNs - LATE_LINE_NS) return;
  const before = transcript.messages.find(([id]) => id === event.messageId)?.[1];
  const usage = event.usage ?? NO_USAGE;
  const grown = before === undefined ? usage : subtractUsage(usage, before);
  keep(draft, event, transcript, before === undefined ? grown : addUsage(before, grown));
  countUsage(draft, event, grown, before);
  if (before === undefined) openCall(draft, event);
  else growCall(draft, event);
}

export function failCall(draft: Draft, event: AgentEvent & { kind: "llm.failed" }): void {
  if (hasEnded(draft.session, "llm", event.attemptId)) return;
  const { context, parentSpanId } = placeCall(draft, event, event.attemptId);
  emit(draft, {
    ...context,
    parentSpanId,
    name: `${OPERATION.chat} ${event.requestModel}`,
    kind: "client",
    startNs: event.startNs,
    endNs: event.atNs,
    error: { message: "the model call failed" },
    attributes: {
      [ATTR.operation]: OPERATION.chat,
      [ATTR.provider]: event.provider,
      [ATTR.requestModel]: event.requestModel,
      [ATTR.errorType]: event.errorType,
      [ATTR.timingSource]: "transcript",
    },
  });
  remember(draft, "llm", event.attemptId);
}

/** Emits the spans of calls that can grow no more, and adds them up on their run or subagent. */
export function closeCalls(draft: Draft, matches: (call: OpenCall) => boolean): void {
  for (const call of draft.session.calls.filter(matches)) {
    const isMetered = call.unmetered !== true;
    const price = isMetered
      ? draft.policy.price(call.usage, call.provider, call.responseModel, call.startNs)
      : undefined;
    emitCall(draft, call, price);
    if (isMetered) observeCall(draft, call);
    addToTally(draft, call, price?.usd);
    draft.session.calls = replace(draft.session.calls, call, undefined);
  }
}

function keep(draft: Draft, event: Called, transcript: Transcript, usage: Usage): void {
  const others = transcript.messages.filter(([id]) => id !== event.messageId);
  draft.session.transcripts = {
    ...draft.session.transcripts,
    [event.file]: {
      ...transcript,
      highWaterNs: later(transcript.highWaterNs, event.atNs),
      messages: [...others, [event.messageId, usage] satisfies [string, Usage]].slice(-MESSAGES_KEPT),
    },
  };
}

/** Counters take the difference to what was counted of this message; prices may have steps, so cost is a difference too. */
function countUsage(draft: Draft, event: Called, grown: Usage, before: Usage | undefined): void {
  const total = usageTotal(grown);
  if (total === 0) return;
  const { session, policy } = draft;
  const model = { [ATTR.provider]: event.provider, [ATTR.requestModel]: event.requestModel };
  const kinds = {
    input: grown.input,
    cache_read: grown.cacheRead,
    cache_write: grown.cacheWrite5m + grown.cacheWrite1h,
    output: grown.output,
    reasoning: grown.reasoning,
  };
  for (const [kind, tokens] of Object.entries(kinds)) {
    const attributes = { [ATTR.agentName]: session.agent, ...model, [ATTR.tokenKind]: kind };
    if (tokens > 0) count(draft, "hookspan.token.usage", attributes, tokens);
  }
  const priceOf = (usage: Usage): number | undefined =>
    policy.price(usage, event.provider, event.responseModel, event.startNs)?.usd;
  const now = priceOf(before === undefined ? grown : addUsage(before, grown));
  if (now === undefined) return count(draft, "hookspan.unpriced.token.usage", model, total);
  const usd = now - (before === undefined ? 0 : (priceOf(before) ?? 0));
  const attributes = { [ATTR.agentName]: session.agent, ...model, [ATTR.costSource]: "estimated" };
  count(draft, "hookspan.cost", attributes, usd);
  const { atNs, provider, requestModel } = event;
  session.unreconciled = bounded([...session.unreconciled, { atNs, provider, model: requestModel, usd }]);
}

/** The two oldest become one: a client that runs for weeks states its cost at its end, and all of it must be covered. */
function bounded(estimates: Session["unreconciled"]): Session["unreconciled"] {
  const [first, second, ...others] = estimates;
  if (first === undefined || second === undefined || estimates.length <= UNRECONCILED_KEPT) return estimates;
  return [{ ...second, usd: first.usd + second.usd }, ...others];
}

function openCall(draft: Draft, event: Called): void {
  closeCalls(draft, (call) => call.file === event.file);
  const {
    kind: _kind,
    agent: _agent,
    sessionId: _session,
    atNs,
    runKey: _run,
    recorded: _told,
    usage = NO_USAGE,
    ...rest
  } = event;
  const place = placeCall(draft, event, event.messageId);
  const unmetered = event.usage === undefined ? { unmetered: true as const } : {};
  draft.session.calls = [...draft.session.calls, { ...rest, ...place, ...unmetered, usage, endNs: atNs }];
}

function growCall(draft: Draft, event: Called): void {
  const call = draft.session.calls.find((one) => one.messageId === event.messageId && one.file === event.file);
  if (call === undefined) return;
  const { unmetered: _unmetered, ...metered } = call;
  const grown = {
    ...(event.usage === undefined ? call : metered),
    endNs: later(call.endNs, event.atNs),
    usage: addUsage(call.usage, subtractUsage(event.usage ?? NO_USAGE, call.usage)),
    finishReason: event.finishReason ?? call.finishReason,
  };
  draft.session.calls = replace(draft.session.calls, call, grown);
}

function placeCall(
  draft: Draft,
  event: AgentEvent,
  key: string,
): Pick<OpenCall, "context" | "parentSpanId" | "runKey"> {
  const place = placeOf(draft, event);
  const parent = event.subagentId === undefined ? place.context : subagentContext(draft, event, event.subagentId);
  const context = { traceId: parent.traceId, spanId: spanId("llm", parent.traceId, key) };
  return { context, parentSpanId: parent.spanId, ...known({ runKey: place.runKey }) };
}

function emitCall(draft: Draft, call: OpenCall, price: { usd: number; table: string } | undefined): void {
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
      ...(call.unmetered === true ? {} : usageAttributes(usage)),
      [ATTR.costUsd]: price?.usd,
      [ATTR.costTable]: price?.table,
      [ATTR.timingSource]: "transcript",
    }),
  });
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

function observeCall(draft: Draft, call: OpenCall): void {
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

function addToTally(draft: Draft, call: OpenCall, usd: number | undefined): void {
  const { session } = draft;
  const add = <T extends { tally: Parameters<typeof withCall>[0] }>(one: T): T => ({
    ...one,
    tally: withCall(one.tally, call.usage, call.requestModel, usd),
  });
  if (call.subagentId === undefined) {
    session.runs = session.runs.map((run) => (run.key === call.runKey ? add(run) : run));
  } else {
    session.subagents = session.subagents.map((one) => (one.id === call.subagentId ? add(one) : one));
  }
}
