import type { AgentEvent } from "../event/event.ts";

/** A model call of which a hook told: at once, as a whole, and as surely as of a tool call. */
export function isToldByHook(event: AgentEvent): boolean {
  return (
    (event.kind === "llm.called" && event.file === undefined) ||
    (event.kind === "llm.failed" && event.byHook !== undefined)
  );
}
