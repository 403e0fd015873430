/** The client's words for what other agents' adapters have a word for. */
const OURS = new Map([
  ["tool_not_registered", "unknown_tool"],
  ["invalid_tool_params", "invalid_input"],
  ["shell_execute_error", "command_failed"],
]);

/** Words of the client's own that say more than that the tool failed. */
const THEIRS = new Set([
  "file_not_found",
  "file_write_failure",
  "read_content_failure",
  "attempt_to_create_existing_file",
  "file_too_large",
  "permission_denied",
  "no_space_left",
  "target_is_directory",
  "path_not_in_workspace",
  "search_path_not_found",
  "search_path_not_a_directory",
  "edit_no_occurrence_found",
  "edit_expected_occurrence_mismatch",
  "edit_no_change",
  "execution_denied",
]);

/**
 * Why a tool call of Gemini CLI or Qwen Code failed, as spans and metrics carry it: a word of a list. Its message never goes
 * further: it may be the text of an error.
 */
export function toolErrorWord(type: string | undefined): string {
  const word = type ?? "";
  return OURS.get(word) ?? (THEIRS.has(word) ? word : "tool_error");
}
