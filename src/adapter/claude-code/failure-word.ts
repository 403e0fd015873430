const FAILURES = new Set([
  "rate_limit",
  "overloaded",
  "authentication_failed",
  "oauth_org_not_allowed",
  "account_on_hold",
  "verification_required",
  "billing_error",
  "invalid_request",
  "model_not_found",
  "server_error",
  "max_output_tokens",
  "cloud_credential_error",
]);

/**
 * Why a run failed, as spans and metrics carry it: a word of the documented list, else the semantic conventions' word for
 * any other. What the agent wrote never goes further: it may be the text of an error.
 */
export function failureWord(error: string | undefined): string {
  return error !== undefined && FAILURES.has(error) ? error : "_OTHER";
}
