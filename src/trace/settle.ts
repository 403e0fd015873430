/**
 * Settling: what was open of a run or a subagent gets its end, and the spans that waited for it go out. Nothing about them
 * can change after this, for a span cannot be changed once it is sent.
 */

import type { AgentEvent } from "../event/event.ts";
import { closeCalls } from "./call.ts";
import { closeCompaction } from "./compaction.ts";
import { captured, count, emit, hasEnded, known, later, link, remark, remember, replace, type Draft } from "./draft.ts";
import type { SpanRecord } from "./record.ts";
import { launchOf } from "./launch.ts";
import { noteRun } from "./run.ts";
import { addRun, segmentContext } from "./segment.ts";
import { ATTR, OPERATION } from "./semconv.ts";
import type { OpenSubagent, Run, Transcript } from "./session.ts";
import { outcomeOf, subagentSpan } from "./subagent.ts";
import { isUncounted, tallyAttributes } from "./tally.ts";
import { closeTools, isBackground } from "./tool.ts";
import { judge, type Verdict } from "./verdict.ts";

/** A stop is never final by itself: a Stop hook may block it, and the turn goes on and stops again. */
export function stopRun(draft: Draft, event: AgentEvent & { kind: "run.stopped" }): void {
  const response = captured(draft, { input: "prompt", output: "response" }, event.content).output;
  const answered = event.unconfirmed === true ? { answeredNs: event.atNs } : {};
  const run = noteRun(draft, event, (before) => ({
    stoppedNs: later(before.stoppedNs, event.atNs),
    ...answered,
    response: response ?? before.response,
  }));
  if (run !== undefined) return settleIfTold(draft, run);
  if (event.runKey === undefined) draft.session.earlyStop = { stoppedNs: event.atNs, ...answered, response };
  const isOver = event.runKey !== undefined && hasEnded(draft.session, "run", event.runKey);
  remark(draft, isOver ? "late" : "unmatched");
}

export function answerRun(draft: Draft, event: AgentEvent & { kind: "run.answered" }): void {
  const response = captured(draft, { input: "prompt", output: "response" }, event.content).output;
  noteRun(draft, event, (run) => ({
    answeredNs: later(run.answeredNs, event.atNs),
    response: response ?? run.response,
  }));
}

/**
 * The source's word that a run is over. It holds from its last stop on: the word may be read before the stop is. With a
 * time of grace it is no matter of stops: the run settles when that time is over (`expire`).
 */
export function tellSettled(draft: Draft, event: AgentEvent & { kind: "run.settled" }): void {
  if (event.graceMs !== undefined) {
    const closesNs = event.atNs + BigInt(Math.round(event.graceMs * 1e6));
    return void noteRun(draft, event, (before) => ({ closesNs: later(before.closesNs, closesNs) }));
  }
  const run = noteRun(draft, event, (before) => ({ settledNs: later(before.settledNs, event.atNs) }));
  if (run !== undefined) settleIfTold(draft, run);
}

/** Emits the root of a run and closes what is its own. Nothing about the run can change after this. */
export function settleRun(draft: Draft, key: string, closedBy: "expired" | "closed"): void {
  closeCalls(draft, (call) => call.runKey === key && call.subagentId === undefined);
  const facts = draft.session.runs.find((run) => run.key === key);
  if (facts === undefined) return;
  closeCompaction(draft, key);
  const verdict = judge(facts, closedBy);
  for (const subagent of draft.session.subagents) {
    if (subagent.runKey === key && !launchOf(draft.session, subagent).background)
      settleSubagent(draft, subagent.id, verdict.endNs);
  }
  closeTools(
    draft,
    (tool) => tool.runKey === key && tool.subagentId === undefined && !isBackground(tool),
    verdict.endNs,
  );
  const run = draft.session.runs.find((one) => one.key === key) ?? facts;
  emitRoot(draft, run, verdict);
  countRun(draft, run, verdict);
  addRun(draft, run);
  remember(draft, "run", key);
  const last = draft.session.previousRun;
  if (last === undefined || last.startNs < run.startNs) {
    draft.session.previousRun = { context: run.context, startNs: run.startNs };
  }
  draft.session.runs = replace(draft.session.runs, run, undefined);
  draft.settled.push(run.context.traceId);
}

/** Emits the span of a subagent and closes its tools. `endNs` is its end if nothing ended it. */
export function settleSubagent(draft: Draft, id: string, endNs: bigint): void {
  closeCalls(draft, (call) => call.subagentId === id);
  const found = draft.session.subagents.find((one) => one.id === id);
  if (found === undefined) return;
  closeTools(draft, (tool) => tool.subagentId === id, found.endNs ?? endNs);
  const subagent = draft.session.subagents.find((one) => one.id === id) ?? found;
  emit(draft, subagentSpan(draft.session, subagent, endNs));
  countSubagent(draft, subagent, endNs);
  remember(draft, "subagent", id);
  letGoOfTranscript(draft, id);
  draft.session.subagents = replace(draft.session.subagents, subagent, undefined);
  draft.settled.push(subagent.context.traceId);
}

/** A session may have hundreds of subagents: of a transcript that is done, only the place where it ended is kept. */
function letGoOfTranscript(draft: Draft, subagentId: string): void {
  const files = Object.entries(draft.session.transcripts).map(([file, one]): [string, Transcript] =>
    one.subagentId === subagentId ? [file, { ...one, done: true, messages: [] }] : [file, one],
  );
  draft.session.transcripts = Object.fromEntries(files);
}

function settleIfTold(draft: Draft, run: Run): void {
  const { settledNs, stoppedNs, continuedNs } = run;
  if (settledNs === undefined || stoppedNs === undefined || settledNs < stoppedNs) return;
  // The stop that this word is about may be read after it: the one at hand was blocked.
  if (continuedNs !== undefined && stoppedNs < continuedNs) return;
  settleRun(draft, run.key, "closed");
}

function emitRoot(draft: Draft, run: Run, verdict: Verdict): void {
  const { session } = draft;
  emit(draft, {
    ...run.context,
    ...(run.parentSpanId === undefined ? {} : { parentSpanId: run.parentSpanId, parentIsRemote: true }),
    name: `${OPERATION.invokeAgent} ${session.agent}`,
    kind: "internal",
    startNs: run.startNs,
    endNs: verdict.endNs,
    ...(verdict.outcome === "error" ? { error: { message: "the run failed" } } : {}),
    links: rootLinks(draft, run),
    attributes: known({
      [ATTR.operation]: OPERATION.invokeAgent,
      [ATTR.agentName]: session.agent,
      [ATTR.runId]: run.key,
      [ATTR.runOutcome]: verdict.outcome,
      [ATTR.runEndReason]: verdict.reason,
      [ATTR.runTrigger]: run.trigger,
      [ATTR.runSynthetic]: run.synthetic ? true : undefined,
      [ATTR.errorType]: verdict.errorType,
      [ATTR.permissionMode]: session.permissionMode,
      [ATTR.repository]: session.repository,
      [ATTR.inputMessages]: message("user", run.prompt),
      [ATTR.outputMessages]: message("assistant", run.response),
      ...tallyAttributes(run.tally),
    }),
  });
}

/** To the session, to the run before, and to the context that came in with it. */
export function rootLinks(draft: Draft, run: Pick<Run, "key" | "startNs" | "inbound">): SpanRecord["links"] {
  const links = [link(segmentContext(draft, run.startNs), "session")];
  const before = draft.session.runs.findLast((one) => one.startNs < run.startNs && one.key !== run.key);
  const settled = draft.session.previousRun;
  const earlier = before ?? (settled !== undefined && settled.startNs < run.startNs ? settled : undefined);
  if (earlier !== undefined) links.push(link(earlier.context, "previous_run"));
  if (run.inbound !== undefined) links.push(link(run.inbound, "inbound"));
  return links;
}

/** One message in the shape of the GenAI conventions' JSON schema for messages. */
function message(role: "user" | "assistant", content: string | undefined): string | undefined {
  if (content === undefined) return undefined;
  const parts = [{ type: "text", content }];
  return JSON.stringify([role === "user" ? { role, parts } : { role, parts, finish_reason: "stop" }]);
}

function countRun(draft: Draft, run: Run, verdict: Verdict): void {
  const agent = { [ATTR.agentName]: draft.session.agent };
  const seconds = Number(verdict.endNs < run.startNs ? 0n : verdict.endNs - run.startNs) / 1e9;
  count(draft, "hookspan.run.count", { ...agent, [ATTR.runOutcome]: verdict.outcome, [ATTR.runTrigger]: run.trigger });
  count(
    draft,
    "gen_ai.invoke_agent.duration",
    { ...agent, ...known({ [ATTR.errorType]: verdict.errorType }) },
    seconds,
  );
  if (!isUncounted(run.tally)) count(draft, "gen_ai.invoke_agent.inference_calls", agent, run.tally.inferenceCalls);
  count(draft, "gen_ai.invoke_agent.tool_calls", agent, run.tally.toolCalls);
}

function countSubagent(draft: Draft, subagent: OpenSubagent, endNs: bigint): void {
  const startNs = subagent.startNs ?? subagent.firstNs;
  const seconds = Math.max(0, Number((subagent.endNs ?? endNs) - startNs) / 1e9);
  const agent = { [ATTR.agentName]: subagent.type };
  const { errorType } = outcomeOf(subagent);
  count(draft, "hookspan.subagent.count", { [ATTR.agentName]: draft.session.agent });
  count(draft, "gen_ai.invoke_agent.duration", { ...agent, ...known({ [ATTR.errorType]: errorType }) }, seconds);
  count(draft, "gen_ai.invoke_agent.inference_calls", agent, subagent.tally.inferenceCalls);
  count(draft, "gen_ai.invoke_agent.tool_calls", agent, subagent.tally.toolCalls);
}
