/** Selects spans, by the names of the registry. */

import { ATTR, OPERATION } from "../../src/trace/semconv.ts";

/** An attribute of a span, as TraceQL names it. */
export function spanAttribute(key: keyof typeof ATTR): string {
  return `span.${ATTR[key]}`;
}

/** Runs alone: a subagent is an `invoke_agent`, too. */
export const RUN = `${spanAttribute("runId")} != nil`;

/** Of the session that the dashboard's variable names. */
export const IN_SESSION = `${spanAttribute("conversationId")} = "$session"`;

export const CHOSEN_AGENT = `resource.service.name =~ "$agent"`;

/** What the dashboard's variables leave. Spans without such an attribute are in All, and nowhere else. */
export const CHOSEN = [
  CHOSEN_AGENT,
  chosen(spanAttribute("repository"), "$repository"),
  chosen(spanAttribute("requestModel"), "$model"),
  chosen("resource.user.id", "$user"),
].join(" && ");

export function hasOperation(key: keyof typeof OPERATION): string {
  return `${spanAttribute("operation")} = "${OPERATION[key]}"`;
}

/** The attributes that become columns of a table. */
export function select(...keys: (keyof typeof ATTR)[]): string {
  return `select(${keys.map(spanAttribute).join(", ")})`;
}

function chosen(attribute: string, variable: string): string {
  return `(${attribute} =~ "${variable}" || "${variable}" = ".*")`;
}
