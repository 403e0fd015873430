/** Failures of a turn, in the client's words. What they are about: the model's API, or something else. */
const MODEL_FAILURES = new Set([
  "context_window_exceeded",
  "usage_limit_exceeded",
  "rate_limit_exceeded",
  "flex_unavailable",
  "server_overloaded",
  "model_not_found",
  "policy_capacity_unavailable",
  "cyber_policy",
  "misalignment_policy_violation",
  "internal_server_error",
  "unauthorized",
  "bad_request",
  "http_connection_failed",
  "response_stream_connection_failed",
  "response_stream_disconnected",
  "response_too_many_failed_attempts",
]);
const OTHER_FAILURES = new Set([
  "session_budget_exceeded",
  "too_many_denials",
  "thread_rollback_failed",
  "sandbox_error",
  "inference_hook_denied",
]);

/**
 * Why a turn failed, as spans and metrics carry it: a word of the client's list, or `http_<status>` where it tells one, else
 * the semantic conventions' word for any other. Its message never goes further: it may be the text of an error.
 */
export function failureWord(info: unknown): string {
  const [name, detail] =
    typeof info === "object" && info !== null ? (Object.entries(info)[0] ?? []) : [info, undefined];
  if (typeof name !== "string") return "_OTHER";
  const status: unknown =
    typeof detail === "object" && detail !== null && "http_status_code" in detail ? detail.http_status_code : undefined;
  if (typeof status === "number" && Number.isInteger(status) && status >= 100 && status < 600) return `http_${status}`;
  return MODEL_FAILURES.has(name) || OTHER_FAILURES.has(name) ? name : "_OTHER";
}

/** A call to the model failed, not something around it. */
export function isModelFailure(word: string): boolean {
  return MODEL_FAILURES.has(word) || word.startsWith("http_");
}
