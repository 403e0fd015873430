/** Cursor runs Claude Code's hook files too: which of its own events a name of Claude's stands for. */
const CLAUDE_NAMES: ReadonlyMap<string, string> = new Map([
  ["UserPromptSubmit", "beforeSubmitPrompt"],
  ["SessionStart", "sessionStart"],
  ["SessionEnd", "sessionEnd"],
  ["PreToolUse", "preToolUse"],
  ["PostToolUse", "postToolUse"],
  ["PostToolUseFailure", "postToolUseFailure"],
  ["SubagentStart", "subagentStart"],
  ["SubagentStop", "subagentStop"],
  ["PreCompact", "preCompact"],
  ["Stop", "stop"],
]);

/** The event in Cursor's own word for it. */
export function nativeEventOf(name: string): string {
  return CLAUDE_NAMES.get(name) ?? name;
}
