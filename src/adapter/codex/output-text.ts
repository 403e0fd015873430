/**
 * What the model was told about a tool call, where only the text says how it ended. The client's own words stand at the
 * beginning; what a command printed comes after `Output:` and is never looked at.
 */

import type { ToolOutcome } from "../../event/event.ts";

export type Told =
  | { status: "ended"; outcome: ToolOutcome; errorType?: string; exitCode?: number }
  /** It was refused before any hook ran. */
  | { status: "rejected"; errorType: string }
  /** A command that goes on while the model does other things. */
  | { status: "running" }
  /** The tool's own result: what it means, the tool knows. */
  | { status: "unsaid" };

const BEGINNINGS: readonly [RegExp, Told][] = [
  [/^.{0,40}blocked by PreToolUse hook/, { status: "ended", outcome: "blocked" }],
  [/^(?:Wall time: [\d.]+ seconds\n)?aborted by user/, { status: "ended", outcome: "cancelled" }],
  [/^(?:exec command |patch )?rejected by user/, { status: "ended", outcome: "denied" }],
  [/^user (?:rejected|cancelled) MCP tool call/, { status: "ended", outcome: "denied" }],
  [/^This action was rejected due to unacceptable risk/, { status: "ended", outcome: "denied" }],
  [/^(?:apply_patch verification failed|patch rejected)/, failed("patch_failed")],
  [/^failed to parse function arguments/, { status: "rejected", errorType: "invalid_input" }],
  [/^unsupported (?:custom tool )?call/, { status: "rejected", errorType: "unknown_tool" }],
];

/** Before its output a shell's answer has a few lines of the client's own. */
const HEADER = /^(?:Chunk ID: \S+\n)?Wall time: [\d.]+ seconds\nProcess (?:exited with code (-?\d{1,10})|running)/;
const EXIT_CODE = /^Exit code: (-?\d{1,10})\n/;
/** The oldest form: `{"output":"...","metadata":{"exit_code":0,...}}`. */
const METADATA = /"metadata":\{"exit_code":(-?\d{1,10})[,}][^{}]*\}?\}$/;

export function toldBy(text: string): Told {
  const known = BEGINNINGS.find(([beginning]) => beginning.test(text));
  if (known !== undefined) return known[1];
  const header = HEADER.exec(text);
  if (header !== null && header[1] === undefined) return { status: "running" };
  const code =
    header?.[1] ?? EXIT_CODE.exec(text)?.[1] ?? (text.startsWith('{"output"') ? METADATA.exec(text)?.[1] : undefined);
  return code === undefined ? { status: "unsaid" } : { status: "ended", ...exited(Number(code)) };
}

/** How a command ended, by its exit code. */
export function exited(exitCode: number): { outcome: ToolOutcome; errorType?: string; exitCode: number } {
  return exitCode === 0
    ? { outcome: "success", exitCode }
    : { outcome: "error", errorType: "command_failed", exitCode };
}

function failed(errorType: string): Told {
  return { status: "ended", outcome: "error", errorType };
}
