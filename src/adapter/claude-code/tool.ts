/** What Claude Code's words about a tool call mean, in hooks and transcript alike. */

import type { ToolOutcome } from "../../event/event.ts";

/** How the model was told that a call was not run, or not to its end. Unknown: the text is the tool's own. */
export function outcomeOfResult(result: unknown): { outcome: ToolOutcome; errorType?: string } {
  const text = firstText(result);
  if (/^PreToolUse:\S+ hook error/.test(text)) return { outcome: "blocked" };
  if (!text.startsWith("<tool_use_error>")) return { outcome: "unknown" };
  if (text.includes("No such tool available")) return { outcome: "error", errorType: "unknown_tool" };
  if (text.includes("InputValidationError")) return { outcome: "error", errorType: "invalid_input" };
  return { outcome: "error", errorType: "tool_error" };
}

/** How a background task ended, in the word of its notification. Its exit code stands in prose only. */
export function outcomeOfTask(status: string | undefined): { outcome?: ToolOutcome; errorType?: string } {
  if (status === "completed") return { outcome: "success" };
  if (status === "failed") return { outcome: "error", errorType: "command_failed" };
  return status === "killed" ? { outcome: "cancelled" } : {};
}

/** The first line of a failure names the exit code of a command; every other text is output and stays here. */
export function failureOf(error: string): { errorType: string; exitCode?: number } {
  const code = /^Exit code (\d{1,3})\b/.exec(error)?.[1];
  return code === undefined ? { errorType: "tool_error" } : { errorType: "command_failed", exitCode: Number(code) };
}

function firstText(result: unknown): string {
  if (typeof result === "string") return result;
  const first: unknown = Array.isArray(result) ? result[0] : undefined;
  if (typeof first !== "object" || first === null || !("text" in first)) return "";
  return typeof first.text === "string" ? first.text : "";
}
