/**
 * Model calls. The same message is told of several times (a line per content block, copies in resumed and forked
 * transcripts), so counting and showing are apart: counters take each difference at once, the span waits until the message
 * can grow no more.
 *
 * A line counts if its time is at or after the session's first event (`fold` sees to that for all lines), at or after the
 * file's newest counted time less 60 s, and its message id is not among the file's last 256.
 */

import type { AgentEvent, Usage } from "../event/event.ts";
import { addUsage, NO_USAGE, subtractUsage, usageTotal } from "../metric/usage.ts";
import { noteAttempt, takeAttempt } from "./attempt.ts";
import { emitCall, observeCall, observeDuration, type Call } from "./call-span.ts";
import { count, emit, hasEnded, known, later, remember, replace, type Draft } from "./draft.ts";
import { spanId } from "./ids.ts";
import { noteRun, placeOf } from "./run.ts";
import { ATTR, OPERATION } from "./semconv.ts";
import type { OpenCall, Session, Transcript } from "./session.ts";
import { subagentContext } from "./subagent.ts";
import { withCall } from "./tally.ts";

const MESSAGES_KEPT = 256;
const UNRECONCILED_KEPT = 1024;
const LATE_LINE_NS = 60_000_000_000n;

type Called = AgentEvent & { kind: "llm.called" };
/** Whom tokens are counted for. */
type Consumer = Pick<Called, "atNs" | "startNs" | "provider" | "requestModel" | "responseModel" | "costUsd">;
/** As a transcript tells of it. */
type Written = Called & { file: string };

export function noteCall(draft: Draft, event: Called): void {
  const { file } = event;
  if (file === undefined) completeCall(draft, event);
  else noteWritten(draft, { ...event, file });
}

function noteWritten(draft: Draft, event: Written): void {
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

/** A call of which a hook tells is told of once, and has ended: nothing about it can grow. */
function completeCall(draft: Draft, event: Called): void {
  if (hasEnded(draft.session, "llm", event.messageId)) return;
  remember(draft, "llm", event.messageId);
  const { kind: _kind, agent: _agent, sessionId: _session, atNs: endNs, runKey: _run, ...given } = event;
  const { usage = NO_USAGE, recorded: _told, ...rest } = given;
  const unmetered = event.usage === undefined ? { unmetered: true as const } : {};
  const retriedNs = takeAttempt(draft, event.requestId);
  const startNs = later(retriedNs, event.startNs);
  const place = placeCall(draft, event, event.messageId);
  if (event.subagentId === undefined) noteRun(draft, event, (run) => ({ calledNs: later(run.calledNs, endNs) }));
  const call: Call = { ...rest, ...place, ...unmetered, usage, startNs, endNs };
  countUsage(draft, event, usage, undefined);
  finishCall(draft, call);
  observeDuration(draft, event);
}

export function failCall(draft: Draft, event: AgentEvent & { kind: "llm.failed" }): void {
  if (hasEnded(draft.session, "llm", event.attemptId)) return;
  const { context, parentSpanId } = placeCall(draft, event, event.attemptId);
  const retriedNs = noteAttempt(draft, event);
  const startNs = later(retriedNs, event.startNs);
  if (event.byHook === "last") observeDuration(draft, event, event.errorType);
  emit(draft, {
    ...context,
    parentSpanId,
    name: `${OPERATION.chat} ${event.requestModel}`,
    kind: "client",
    startNs,
    endNs: event.atNs,
    error: { message: "the model call failed" },
    attributes: known({
      [ATTR.operation]: OPERATION.chat,
      [ATTR.provider]: event.provider,
      [ATTR.requestModel]: event.requestModel,
      [ATTR.requestId]: event.requestId,
      [ATTR.llmAuxiliary]: event.auxiliary,
      [ATTR.errorType]: event.errorType,
      [ATTR.timingSource]: event.byHook === undefined ? "transcript" : "hook",
    }),
  });
  remember(draft, "llm", event.attemptId);
}

/** Emits the spans of calls that can grow no more, and adds them up on their run or subagent. */
export function closeCalls(draft: Draft, matches: (call: OpenCall) => boolean): void {
  for (const call of draft.session.calls.filter(matches)) {
    finishCall(draft, call);
    draft.session.calls = replace(draft.session.calls, call, undefined);
  }
}

function finishCall(draft: Draft, call: Call): void {
  const isMetered = call.unmetered !== true;
  const price = isMetered || call.costUsd !== undefined ? priceOf(draft, call) : undefined;
  emitCall(draft, call, price);
  if (isMetered) observeCall(draft, call);
  addToTally(draft, call, price?.usd);
}

/** The agent's own word, else that of the tables. */
function priceOf(draft: Draft, call: Call): { usd: number; table?: string } | undefined {
  if (call.costUsd !== undefined) return { usd: call.costUsd };
  return draft.policy.price(call.usage, call.provider, call.responseModel, call.startNs);
}

function keep(draft: Draft, event: Written, transcript: Transcript, usage: Usage): void {
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
export function countUsage(draft: Draft, event: Consumer, grown: Usage, before: Usage | undefined): void {
  const total = usageTotal(grown);
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
  if (event.costUsd !== undefined) {
    const reported = { [ATTR.agentName]: session.agent, ...model, [ATTR.costSource]: "reported" };
    return event.costUsd > 0 ? count(draft, "hookspan.cost", reported, event.costUsd) : undefined;
  }
  if (total === 0) return;
  const usdOf = (usage: Usage): number | undefined =>
    policy.price(usage, event.provider, event.responseModel, event.startNs)?.usd;
  const now = usdOf(before === undefined ? grown : addUsage(before, grown));
  if (now === undefined) return count(draft, "hookspan.unpriced.token.usage", model, total);
  const usd = now - (before === undefined ? 0 : (usdOf(before) ?? 0));
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

function openCall(draft: Draft, event: Written): void {
  closeCalls(draft, (call) => call.file === event.file);
  const { kind: _kind, agent: _agent, sessionId: _session, atNs, runKey: _run, recorded: _told, ...given } = event;
  const { usage = NO_USAGE, auxiliary: _task, costUsd: _cost, ...rest } = given;
  const place = placeCall(draft, event, event.messageId);
  const unmetered = event.usage === undefined ? { unmetered: true as const } : {};
  draft.session.calls = [...draft.session.calls, { ...rest, ...place, ...unmetered, usage, endNs: atNs }];
}

function growCall(draft: Draft, event: Written): void {
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

function addToTally(draft: Draft, call: Call, usd: number | undefined): void {
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
