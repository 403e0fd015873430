/** The span of a tool call that has ended, and what its duration is counted under. Pure. */

import type { ToolOutcome } from "../event/event.ts";
import { known } from "./draft.ts";
import { waitSeconds, withoutWait } from "./permission.ts";
import type { Attributes, SpanRecord } from "./record.ts";
import { ATTR, OPERATION } from "./semconv.ts";
import type { OpenTool, Session } from "./session.ts";

/** Words of our own for span statuses: what the agent writes is command output. */
const ERROR_MESSAGE = "the tool call failed";

/** Beyond this a difference between clock and reported duration means that the machine slept. */
const SLEPT_MS = 600_000;

type Finished = { span: Omit<SpanRecord, "links">; labels: Attributes; seconds: number };

/** `seconds`: how long it took to execute, as reported; else as seen. */
export function toolSpan(session: Session, tool: OpenTool, endNs: bigint): Finished {
  const reportedMs = tool.backgroundTaskId === undefined ? tool.ended?.durationMs : undefined;
  const durationMs = withoutWait(tool, reportedMs);
  const durationNs = BigInt(Math.round((durationMs ?? 0) * 1e6));
  const startNs = tool.startNs ?? endNs - BigInt(Math.round((reportedMs ?? 0) * 1e6));
  const slept =
    durationMs !== undefined &&
    Number(endNs - startNs) / 1e6 - durationMs > SLEPT_MS &&
    tool.permissionNs === undefined;
  const spanEndNs = slept ? startNs + durationNs : endNs;
  const { outcome, errorType } = outcomeOf(tool);
  const agentName = agentNameOf(session, tool);
  const executedNs = tool.ended?.executedNs;
  const waited = waitSeconds(tool, executedNs ?? endNs - durationNs);
  const isMcp = tool.mcpServer !== undefined || tool.ofMcp === true;
  const type = isMcp ? "extension" : "function";
  const span: Finished["span"] = {
    ...tool.context,
    parentSpanId: tool.parentSpanId,
    name: `${OPERATION.executeTool} ${tool.tool}`,
    kind: "internal",
    startNs,
    endNs: spanEndNs,
    ...(outcome === "error" ? { error: { message: ERROR_MESSAGE } } : {}),
    attributes: known({
      [ATTR.operation]: OPERATION.executeTool,
      [ATTR.toolName]: tool.tool,
      [ATTR.toolType]: type,
      [ATTR.toolCallId]: tool.ticket === true ? undefined : tool.callId,
      [ATTR.agentName]: agentName,
      [ATTR.toolOutcome]: outcome,
      [ATTR.errorType]: outcome === "error" ? errorType : undefined,
      [ATTR.exitCode]: tool.ended?.exitCode,
      [ATTR.toolDuration]: durationMs === undefined ? undefined : durationMs / 1e3,
      [ATTR.toolWait]: waited,
      [ATTR.toolBackground]: tool.backgroundTaskId === undefined ? undefined : true,
      [ATTR.mcpMethod]: isMcp ? "tools/call" : undefined,
      [ATTR.mcpServer]: tool.mcpServer,
      [ATTR.startMissing]: tool.startNs === undefined && tool.ended !== undefined ? true : undefined,
      [ATTR.orphaned]: tool.ended === undefined && tool.reported === undefined ? true : undefined,
      [ATTR.clockSkewed]: slept ? true : undefined,
      [ATTR.toolArguments]: tool.input,
      [ATTR.toolResult]: tool.output,
    }),
  };
  const withWait = Math.max(0, Number(spanEndNs - startNs) / 1e9);
  // Waiting for a permission is not execution.
  const executed = executedNs === undefined ? withWait : Math.max(0, withWait - (waited ?? 0));
  const seconds = durationMs === undefined ? executed : durationMs / 1e3;
  const error = outcome === "error" ? known({ [ATTR.errorType]: errorType }) : {};
  const labels = { [ATTR.agentName]: agentName, [ATTR.toolName]: tool.tool, [ATTR.toolType]: type, ...error };
  return { span, labels, seconds };
}

function outcomeOf(tool: OpenTool): { outcome: ToolOutcome; errorType?: string | undefined } {
  if (tool.ended !== undefined) return tool.ended;
  if (tool.reported === undefined) return { outcome: "unknown" };
  // Asked for and not run: somebody, or a rule, said no.
  const denied = tool.reported.outcome === "unknown" && tool.permissionNs !== undefined && tool.ran !== true;
  return denied ? { outcome: "denied" } : tool.reported;
}

function agentNameOf(session: Session, tool: OpenTool): string {
  return session.subagents.find((one) => one.id === tool.subagentId)?.type ?? session.agent;
}
