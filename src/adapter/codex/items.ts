/** Items of a turn that are complete: what became of tool calls, who was launched, and which hook let the turn go on. */

import type { AgentEvent, ToolOutcome } from "../../event/event.ts";
import { jsonText } from "../../event/json-text.ts";
import { optional } from "../../event/optional.ts";
import { toolName } from "../mcp-name.ts";
import { hookSource } from "./hook-source.ts";
import type { Line } from "./line.ts";
import { callItem, hookPromptItem, itemLine, subagentItem } from "./line-schema.ts";
import { exited } from "./output-text.ts";

/** Items that stand for a tool call, with the name that hooks have for it; undefined: the item itself, or the call, says. */
const CALL_ITEMS = new Map<string, string | undefined>([
  ["CommandExecution", "Bash"],
  ["FileChange", "apply_patch"],
  ["ImageView", "view_image"],
  ["McpToolCall", undefined],
  ["CollabAgentToolCall", undefined],
]);

export function completedItem(line: Line): AgentEvent[] {
  const parsed = itemLine.safeParse(line.payload);
  if (!parsed.success) return [];
  const { item, started_at_ms: startedMs, completed_at_ms: completedMs } = parsed.data;
  if (CALL_ITEMS.has(item.type)) return endedCall(line, item, startedMs, completedMs);
  if (item.type === "SubAgentActivity") return subagentActivity(line, item);
  return item.type === "HookPrompt" ? continued(line, item) : [];
}

type Item = { type: string; id: string; [key: string]: unknown };

function endedCall(
  line: Line,
  item: Item,
  startedMs: number | undefined,
  completedMs: number | undefined,
): AgentEvent[] {
  const { base, state } = line;
  const call = callItem.parse(item);
  if (call.status === "inProgress") return [];
  const made = state.calls.find(([id]) => id === item.id)?.[1];
  const { server, tool } = call;
  const mcp =
    item.type === "McpToolCall" && server !== undefined && tool !== undefined ? `mcp__${server}__${tool}` : undefined;
  const name = made ?? CALL_ITEMS.get(item.type) ?? mcp ?? "unknown";
  const output = call.aggregated_output ?? call.stdout ?? jsonText(call.result);
  const executedNs = startedMs === undefined ? undefined : nanoseconds(startedMs);
  const ended: AgentEvent = {
    ...base,
    atNs: completedMs === undefined ? line.atNs : nanoseconds(completedMs),
    kind: "tool.ended",
    recorded: true,
    callId: item.id,
    ...toolName(name),
    ...howEnded(item.type, call.status, call.exit_code ?? undefined),
    ...optional("executedNs", executedNs),
    content: { ...optional("output", output) },
  };
  if (call.status !== "declined") return [ended];
  return [{ ...base, kind: "permission.decided", callId: item.id, tool: toolName(name).tool, decision: "deny" }, ended];
}

function howEnded(
  type: string,
  status: string | undefined,
  exitCode: number | undefined,
): { outcome: ToolOutcome; errorType?: string; exitCode?: number } {
  if (status === "declined") return { outcome: "denied" };
  // A killed process has none: the client writes -1.
  if (exitCode !== undefined && exitCode >= 0) return exited(exitCode);
  if (status !== "failed") return { outcome: "success" };
  const words = new Map([
    ["CommandExecution", "command_failed"],
    ["FileChange", "patch_failed"],
  ]);
  return { outcome: "error", errorType: words.get(type) ?? "tool_error" };
}

/** The call that launches a subagent returns at once, and its item has the call's id. */
function subagentActivity(line: Line, item: Item): AgentEvent[] {
  const parsed = subagentItem.safeParse(item);
  if (!parsed.success || parsed.data.kind !== "started") return [];
  const { agent_thread_id: subagentId } = parsed.data;
  const { subagentId: _launcher, ...base } = line.base;
  const name = line.state.calls.find(([id]) => id === item.id)?.[1] ?? "unknown";
  const call = { callId: item.id, ...toolName(name) };
  return [
    { ...line.base, ...call, kind: "tool.reported", outcome: "success", ran: true },
    { ...base, kind: "subagent.started", recorded: true, subagentId, type: "" },
    { ...base, kind: "subagent.linked", recorded: true, subagentId, callId: item.id, background: true },
  ];
}

/** A Stop hook said no, and its words became a prompt: the turn goes on. */
function continued(line: Line, item: Item): AgentEvent[] {
  const { base, isMain, context, state } = line;
  const runs = hookPromptItem.parse(item).fragments.map(({ hookRunId }, i): AgentEvent => ({
    ...base,
    kind: "hook.ran",
    hookEvent: isMain ? "Stop" : "SubagentStop",
    hookName: "unknown",
    source: hookSource(hookRunId, context.file, state.cwd),
    status: "blocked",
    id: `${item.id}:${i}`,
  }));
  // The line's time is cut to milliseconds, that of the stop is not: within the same one, the word came after the stop.
  return isMain ? [...runs, { ...base, atNs: base.atNs + 999_999n, kind: "run.continued" }] : runs;
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms)) * 1_000_000n;
}
