/** Runs of other hooks, as Claude Code's transcript tells of them. Silent successes leave nothing there. */

import type * as z from "zod";

import type { AgentEvent, EventBase } from "../../event/event.ts";
import { hookAttachmentLine, type stopSummaryLine } from "./line-schema.ts";

type StopSummary = z.output<typeof stopSummaryLine>;
type HookStatus = (AgentEvent & { kind: "hook.ran" })["status"];

/** Attachments that stand for one run of one hook. Others (`hook_system_message`, ...) come beside one of these. */
const STATUS: ReadonlyMap<string, HookStatus> = new Map([
  ["hook_success", "completed"],
  ["hook_non_blocking_error", "failed"],
  ["hook_blocking_error", "blocked"],
  ["hook_cancelled", "stopped"],
]);

export function hookRuns(json: unknown, base: EventBase, id: string): AgentEvent[] {
  const parsed = hookAttachmentLine.safeParse(json);
  if (!parsed.success) return [];
  const { type, hookEvent, toolUseID, command, durationMs, timedOut } = parsed.data.attachment;
  const status = type === "hook_cancelled" && timedOut === true ? "failed" : STATUS.get(type);
  if (status === undefined || hookEvent === undefined) return [];
  const callId = toolUseID?.startsWith("toolu_") === true ? { callId: toolUseID } : {};
  const duration = durationMs === undefined ? {} : { durationMs };
  const run: AgentEvent = {
    ...base,
    kind: "hook.ran",
    hookEvent,
    hookName: hookName(command),
    source: "unknown",
    status,
    ...callId,
    ...duration,
    id,
  };
  const runs = isWrapped(command) ? [] : [run];
  const blocksPrompt = status === "blocked" && hookEvent === "UserPromptSubmit";
  return blocksPrompt ? [...runs, { ...base, kind: "run.blocked" }] : runs;
}

/**
 * Whether the turn ends with this stop. A hook that fails stops nothing, and one that blocks is named in brackets before
 * its words; what any other error does, nobody knows (a prompt hook whose model answered nonsense lets the turn end).
 */
export function stopWord(summary: StopSummary): "run.settled" | "run.continued" | undefined {
  const errors = summary.hookErrors.filter((_, i) => !summary.failedHookErrorIndexes.includes(i));
  if (summary.preventedContinuation || errors.length === 0) return "run.settled";
  const isBlock = errors.some((error) => summary.hookInfos.some(({ command }) => error.startsWith(`[${command}]`)));
  return isBlock ? "run.continued" : undefined;
}

/** Every Stop hook with its time. An error line begins with the command that it is from, in brackets. */
export function stopHookRuns(summary: StopSummary, base: EventBase, id: string): AgentEvent[] {
  return summary.hookInfos.flatMap(({ command, durationMs }, i): AgentEvent[] => {
    if (isWrapped(command)) return [];
    const error = summary.hookErrors.findIndex((text) => text.startsWith(`[${command}]`));
    const failed = summary.failedHookErrorIndexes.includes(error);
    const duration = durationMs === undefined ? {} : { durationMs };
    const ended = isOnlyStop(summary) ? "stopped" : "completed";
    const status = error === -1 ? ended : failed ? "failed" : "blocked";
    const run = { ...base, kind: "hook.ran", hookEvent: "Stop", hookName: hookName(command) } as const;
    return [{ ...run, source: "unknown", status, ...duration, id: `${id}:${i}` }];
  });
}

/** A hook printed `continue` false. Of several nobody knows which. */
function isOnlyStop({ preventedContinuation, hookInfos }: StopSummary): boolean {
  return preventedContinuation && hookInfos.length === 1;
}

/** Our wrapper tells of that run itself, and of more of it: each run is told of once. */
function isWrapped(command: string | undefined): boolean {
  return /(?:^|[\s"'/\\])hookspan(?:-wrap\.sh|(?:\.cjs)?["']? wrap)(?:["'\s]|$)/.test(command ?? "");
}

/** Of a command line only the base name of the program: before it may stand assignments of secrets, after it anything. */
function hookName(command: string | undefined): string {
  if (command === undefined) return "unknown";
  if (/^https?:/.test(command)) return "http";
  const parts = command.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  const program = parts.find((part) => !/^\w+=/.test(part))?.replaceAll(/["']/g, "");
  const name = program?.split(/[/\\]/).at(-1) ?? "";
  return /^[\w.@+-]{1,64}$/.test(name) ? name : "unknown";
}
