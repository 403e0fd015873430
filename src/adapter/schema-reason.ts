import type * as z from "zod";

/** Why a payload is not what its agent's adapter expects: the first field that is amiss, and how. Nothing of its value. */
export function schemaReason({ issues: [issue] }: z.ZodError): string {
  return `schema: ${issue === undefined ? "unknown" : `${issue.path.join(".") || "payload"} (${issue.code})`}`;
}
