/**
 * Names of events that agentmon's handler for Hermes takes as its argument. They count only where the payload does not name
 * its event: that configuration calls the end of a turn `session-end`.
 */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["session-start", "on_session_start"],
  ["start", "on_session_start"],
  ["run-start", "pre_llm_call"],
  ["pre-llm", "pre_llm_call"],
  ["run-end", "on_session_end"],
  ["post-llm", "on_session_end"],
  ["tool-start", "pre_tool_call"],
  ["tool-end", "post_tool_call"],
  ["api-result", "post_api_request"],
  ["post-api", "post_api_request"],
  ["session-end", "on_session_finalize"],
  ["stop", "on_session_finalize"],
]);

/** The event's own name, by the argument that the hook was given. */
export function nativeEventOf(argument: string | undefined): string {
  if (argument === undefined) return "unknown";
  return ALIASES.get(argument) ?? argument;
}
