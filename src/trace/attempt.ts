/**
 * Attempts of one model call. Where the agent tells of each that failed, all may claim the time at which the first one began;
 * an attempt cannot have begun before the one before it had failed.
 */

import type { AgentEvent } from "../event/event.ts";
import { later, type Draft } from "./draft.ts";

const ATTEMPTS_KEPT = 64;

/** Notes that an attempt failed. Gives the end of the one before it. */
export function noteAttempt(draft: Draft, event: AgentEvent & { kind: "llm.failed" }): bigint | undefined {
  const { requestId, atNs } = event;
  if (requestId === undefined) return undefined;
  const before = takeAttempt(draft, requestId);
  const endNs = later(before, atNs);
  draft.session.attempts = [...(draft.session.attempts ?? []), { requestId, endNs }].slice(-ATTEMPTS_KEPT);
  return before !== undefined && before < atNs ? before : undefined;
}

/** The end of the last attempt that failed, which is forgotten. */
export function takeAttempt(draft: Draft, requestId: string | undefined): bigint | undefined {
  const attempts = draft.session.attempts ?? [];
  const found = attempts.find((one) => one.requestId === requestId);
  if (found !== undefined) draft.session.attempts = attempts.filter((one) => one !== found);
  return found?.endNs;
}
