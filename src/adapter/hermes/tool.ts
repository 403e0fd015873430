/** Hermes' hooks around a tool call, and how a call ended. */

import type { AgentEvent, EventBase, ToolOutcome } from "../../event/event.ts";
import { inputHash } from "../../event/input-hash.ts";
import { jsonText } from "../../event/json-text.ts";
import { optional } from "../../event/optional.ts";
import { toolName } from "../mcp-name.ts";
import { isRecord, pickWord, type HermesPayload } from "./payload.ts";

type Verdict = { outcome: ToolOutcome; errorType?: string; exitCode?: number };

/** What a shell says of a command that its time-out ended, and of one that was interrupted. */
const TIMED_OUT = 124;
const INTERRUPTED = 130;

const DELEGATE = "delegate_task";

export function toolStarted(payload: HermesPayload, base: EventBase): AgentEvent {
  return {
    ...base,
    kind: "tool.started",
    ...callOf(payload),
    content: { ...optional("input", contentOf(payload.toolInput)) },
  };
}

export function toolEnded(payload: HermesPayload, base: EventBase): AgentEvent {
  const { extra } = payload;
  const result = parsed(extra["result"]);
  const isDispatched = isRecord(result) && result["mode"] === "background";
  return {
    ...base,
    kind: "tool.ended",
    ...callOf(payload),
    ...outcomeOf(payload, result),
    ...optional("durationMs", payload.durationMs),
    withWait: true,
    ...(payload.tool === DELEGATE ? { launched: { background: isDispatched } } : {}),
    content: {
      ...optional("input", contentOf(payload.toolInput)),
      ...optional("output", outputOf(result, extra["error"])),
    },
  };
}

/**
 * The questions before a dangerous command. A time-out in the terminal is told of as "deny"; "cancelled" and others decide
 * nothing.
 */
export function approval(payload: HermesPayload, base: EventBase, isResponse: boolean): AgentEvent[] {
  const { callId, extra } = payload;
  const tool = "terminal";
  if (callId === undefined) return [];
  if (!isResponse) return [{ ...base, kind: "permission.requested", tool, callId, inputHash: "" }];
  const choice = pickWord(extra, ["choice"]) ?? "";
  const allows = ["once", "session", "always", "smart_approve"].includes(choice);
  const denies = ["deny", "timeout", "smart_deny"].includes(choice);
  if (!allows && !denies) return [];
  return [{ ...base, kind: "permission.decided", tool, callId, decision: allows ? "allow" : "deny" }];
}

/** Inner calls of a script have no id. */
function callOf(payload: HermesPayload): { callId?: string; tool: string; mcpServer?: string; inputHash: string } {
  const { callId, tool, toolInput } = payload;
  return { ...optional("callId", callId), ...toolName(tool ?? "unknown"), inputHash: inputHash(toolInput) };
}

/**
 * `status` is `ok` for a command that failed, timed out or was interrupted: its exit code, inside of the result, tells.
 * Where there is no status, the result and `error` do.
 */
function outcomeOf({ tool, extra }: HermesPayload, result: unknown): Verdict {
  const status = pickWord(extra, ["status"]);
  if (status === "blocked" || status === "cancelled") return { outcome: status };
  const facts = isRecord(result) && !tool?.startsWith("mcp__") ? result : {};
  const code = facts["exit_code"];
  const exitCode = typeof code === "number" && Number.isInteger(code) ? code : undefined;
  const text = isRecord(result) ? result["error"] : undefined;
  const isError = status === "error" || (status !== "ok" && (isTelling(text) || isTelling(extra["error"])));
  if (exitCode === -1 && typeof text === "string" && text.startsWith("BLOCKED:")) return { outcome: "denied" };
  if (exitCode === INTERRUPTED) return { outcome: "cancelled", exitCode };
  if (exitCode === TIMED_OUT) return { outcome: "error", errorType: "timeout", exitCode };
  if (exitCode !== undefined && exitCode > 0) return { outcome: "error", errorType: "command_failed", exitCode };
  if (isError) return { outcome: "error", errorType: "tool_error" };
  return { outcome: "success", ...optional("exitCode", exitCode) };
}

function isTelling(error: unknown): boolean {
  return error !== undefined && error !== null && error !== "" && error !== false;
}

/** Results are JSON in a string. */
function parsed(result: unknown): unknown {
  if (typeof result !== "string") return result;
  try {
    return JSON.parse(result);
  } catch {
    return result;
  }
}

/** The most telling part of a result: what the tool put out, else what went wrong, else all of it. */
function outputOf(result: unknown, error: unknown): string | undefined {
  const [output, failure] = isRecord(result) ? [result["output"], result["error"]] : [];
  return contentOf([output, failure, error, result].find(isTelling));
}

function contentOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : jsonText(value);
}
