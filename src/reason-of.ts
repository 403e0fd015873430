/** An error's text, and that of what caused it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined || error.message.includes(reasonOf(error.cause))
    ? error.message
    : `${error.message}: ${reasonOf(error.cause)}`;
}
