const FAILURES = new Set([
  "rate_limit",
  "authentication_failed",
  "billing_error",
  "invalid_request",
  "server_error",
  "max_output_tokens",
]);

/** Why a turn failed: a word of the client's list, else the semantic conventions' word for any other. */
export function turnFailureWord(error: string | undefined): string {
  return error !== undefined && FAILURES.has(error) ? error : "_OTHER";
}
