/**
 * Tool calls: from their start to their end. A call whose end comes before its start waits for it; a call that nothing ends
 * waits for its run. A denied or blocked call has no end of its own: the batch summary or the transcript reports it.
 */

import type { AgentEvent } from "../event/event.ts";
import { captured, count, earlier, emit, hasEnded, known, remark, remember, replace, type Draft } from "./draft.ts";
import { spanId } from "./ids.ts";
import { placeOf } from "./run.ts";
import { ATTR } from "./semconv.ts";
import type { OpenTool, Session } from "./session.ts";
import { noteLaunch } from "./launch.ts";
import { takePermission } from "./permission.ts";
import { linkSubagent, subagentContext } from "./subagent.ts";
import { withTool } from "./tally.ts";
import { named, type Named } from "./ticket.ts";
import { toolSpan } from "./tool-span.ts";

type ToolEvent = Named<AgentEvent & { kind: "tool.started" | "tool.ended" | "tool.reported" }>;

export function startTool(draft: Draft, told: AgentEvent & { kind: "tool.started" }): void {
  const event = named(draft, told);
  if (hasEnded(draft.session, "tool", event.callId)) return remarkEnded(draft, event.callId);
  const tool = open(draft, event);
  if (tool.startNs !== undefined) remark(draft, "duplicate");
  const permissionNs = takePermission(draft, event);
  const input = captured(draft, { input: "tool_input", output: "tool_result" }, event.content).input;
  const started = note(draft, tool, {
    startNs: earlier(tool.startNs, event.atNs),
    inputHash: event.inputHash,
    ...known({ input: input ?? tool.input }),
    ...(permissionNs === undefined ? {} : { permissionNs }),
  });
  if (started.ended !== undefined) finish(draft, started, started.ended.atNs);
}

export function endTool(draft: Draft, told: AgentEvent & { kind: "tool.ended" }): void {
  const event = named(draft, told);
  if (event.launched !== undefined) {
    const { subagentId, background } = event.launched;
    // The launch of a background subagent ends at once, perhaps before the subagent's own start is heard of.
    if (background && subagentId !== undefined) subagentContext(draft, event, subagentId);
    if (subagentId !== undefined) linkSubagent(draft, subagentId, { callId: event.callId, background });
  }
  if (hasEnded(draft.session, "tool", event.callId)) return remarkEnded(draft, event.callId);
  const tool = open(draft, event);
  if (tool.ended !== undefined) return remark(draft, "duplicate");
  const { input, output } = captured(draft, { input: "tool_input", output: "tool_result" }, event.content);
  const { atNs, outcome, errorType, exitCode, durationMs, executedNs, withWait, backgroundTaskId, launched } = event;
  if (launched !== undefined && launched.subagentId === undefined) {
    const startNs = earlier(tool.startNs, atNs - BigInt(Math.round((durationMs ?? 0) * 1e6)));
    const { callId, runKey } = tool;
    noteLaunch(draft, { callId, runKey, startNs, endNs: atNs, background: launched.background });
  }
  const ended = note(draft, tool, {
    ended: { atNs, outcome, errorType, exitCode, durationMs, executedNs, withWait },
    backgroundTaskId,
    inputHash: tool.inputHash ?? event.inputHash,
    input: tool.input ?? input,
    output: output ?? tool.output,
  });
  if (event.commits) count(draft, "hookspan.commit.count", { [ATTR.agentName]: draft.session.agent }, event.commits);
  // What was asked and answered in between is still on its way.
  if (withWait === true && ended.permissionNs !== undefined && ended.decidedNs === undefined) return;
  // Its run may be over when it ends, so it is counted there now.
  if (isBackground(ended)) return tallyTool(draft, ended);
  if (ended.startNs !== undefined || isOver(draft.session, ended)) finish(draft, ended, event.atNs);
}

/** A report is kept until the run settles: the call's own end, if it comes, knows better. The first one tells the time. */
export function reportTool(draft: Draft, told: AgentEvent & { kind: "tool.reported" }): void {
  const event = named(draft, told);
  if (hasEnded(draft.session, "tool", event.callId)) return;
  const tool = open(draft, event);
  // "cancelled" is the transcript's plain word for what a batch can only guess; an unknown outcome gives way to any other.
  const before = tool.reported;
  const better = before === undefined || before.outcome === "unknown" || event.outcome === "cancelled";
  const { outcome, errorType } = better ? event : before;
  const { input, output } = captured(draft, { input: "tool_input", output: "tool_result" }, event.content);
  note(draft, tool, {
    reported: { atNs: earlier(before?.atNs, event.atNs), outcome, errorType },
    ...(event.ran === true ? { ran: true } : {}),
    ...known({ input: tool.input ?? input, output: output ?? tool.output }),
  });
}

/** The answer to what was asked came: a call that has ended meanwhile need not wait for it any more. */
export function finishDecided(draft: Draft, { callId }: AgentEvent & { kind: "permission.decided" }): void {
  const tool = draft.session.tools.find((one) => one.callId === callId);
  if (tool?.startNs !== undefined && tool.ended?.withWait === true) finish(draft, tool, tool.ended.atNs);
}

/** A background shell's task has ended. What its launch said is no word on how it went, unless the notice has none. */
export function endTask(draft: Draft, event: AgentEvent & { kind: "task.notified" }): void {
  const tool = draft.session.tools.find((one) => one.backgroundTaskId === event.taskId);
  if (tool === undefined) return;
  const { outcome = tool.ended?.outcome ?? "unknown", errorType } = event;
  finish(draft, { ...tool, ended: { atNs: event.atNs, outcome, errorType } }, event.atNs);
}

/**
 * Ends the calls that nothing will end: as reported, where something was, else as orphans, at `endNs`. A background shell of
 * which no notice came is an orphan too: its end was that of its launch.
 */
export function closeTools(draft: Draft, matches: (tool: OpenTool) => boolean, endNs: bigint): void {
  const ended = draft.session.tools.filter(matches);
  draft.session.tools = draft.session.tools.filter((tool) => tool.proven || !ended.includes(tool));
  for (const tool of ended.filter(({ proven }) => proven)) {
    if (isBackground(tool)) finish(draft, { ...tool, ended: undefined, reported: undefined }, endNs);
    else finish(draft, tool, tool.ended?.atNs ?? tool.reported?.atNs ?? endNs);
  }
}

/** A background shell lives on after its run; it ends with its notification or with the session. */
export function isBackground(tool: OpenTool): boolean {
  return tool.backgroundTaskId !== undefined;
}

/** The other half of a call that was closed without it comes too late; any other word on an ended call is a repetition. */
function remarkEnded(draft: Draft, callId: string): void {
  remark(draft, hasEnded(draft.session, "closed_tool", callId) ? "late" : "duplicate");
}

function open(draft: Draft, event: ToolEvent): OpenTool {
  const { callId, tool: name, mcpServer, ofMcp, subagentId, atNs } = event;
  const proven = event.kind !== "tool.reported" || event.opens === true;
  const found = draft.session.tools.find((tool) => tool.callId === callId);
  if (found !== undefined)
    return proven && !found.proven ? note(draft, found, { proven, tool: name, mcpServer, ofMcp }) : found;
  const place = placeOf(draft, event);
  const parent = subagentId === undefined ? place.context : subagentContext(draft, event, subagentId);
  const { traceId } = parent;
  const tool: OpenTool = {
    callId,
    ...(event.ticket === true ? { ticket: true } : {}),
    tool: name,
    mcpServer,
    ofMcp,
    runKey: place.runKey ?? "",
    context: { traceId, spanId: spanId("tool", traceId, callId) },
    parentSpanId: parent.spanId,
    subagentId,
    proven,
    firstNs: atNs,
  };
  draft.session.tools = [...draft.session.tools, tool];
  return tool;
}

function note(draft: Draft, tool: OpenTool, fact: Partial<OpenTool>): OpenTool {
  const next = { ...tool, ...fact };
  draft.session.tools = replace(draft.session.tools, tool, next);
  return next;
}

/** Emits the span of a call, counts it once, and lets go of it. */
function finish(draft: Draft, tool: OpenTool, endNs: bigint): void {
  const { session } = draft;
  // Only what is shown has the name of the configuration: calls are paired by the server's own.
  const mcpServer =
    tool.mcpServer === undefined ? undefined : (draft.policy.mcpName?.(tool.mcpServer) ?? tool.mcpServer);
  const { span, labels, seconds } = toolSpan(session, { ...tool, mcpServer }, endNs);
  emit(draft, span);
  count(draft, "gen_ai.execute_tool.duration", labels, seconds);
  if (!isBackground(tool)) tallyTool(draft, tool);
  remember(draft, "tool", tool.callId);
  if (tool.startNs === undefined || tool.ended === undefined) remember(draft, "closed_tool", tool.callId);
  session.tools = session.tools.filter((one) => one.callId !== tool.callId);
}

/** Whether what the call belongs to has ended, and so nothing will come for it any more. */
function isOver(session: Session, { runKey, subagentId }: OpenTool): boolean {
  return subagentId === undefined
    ? !session.runs.some((run) => run.key === runKey)
    : !session.subagents.some((one) => one.id === subagentId);
}

function tallyTool(draft: Draft, tool: OpenTool): void {
  const { session } = draft;
  if (tool.subagentId === undefined) {
    session.runs = session.runs.map((run) => (run.key === tool.runKey ? { ...run, tally: withTool(run.tally) } : run));
    return;
  }
  session.subagents = session.subagents.map((one) =>
    one.id === tool.subagentId ? { ...one, tally: withTool(one.tally) } : one,
  );
}
