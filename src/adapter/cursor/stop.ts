/** Cursor's `stop`: how a turn ended, and the one place where it tells of tokens. Its documentation does not know of them. */

import type { AgentEvent, EventBase, Usage } from "../../event/event.ts";
import type { CursorPayload } from "./payload.ts";

/** Hooks of the end run one after the other, but what they tell may arrive in another order. */
const GRACE_MS = 2000;

export function stopEvents(payload: CursorPayload, base: EventBase): AgentEvent[] {
  return [ended(payload, base), ...used(payload, base), { ...base, kind: "run.settled", graceMs: GRACE_MS }];
}

function ended({ status }: CursorPayload, base: EventBase): AgentEvent {
  if (status === "aborted") return { ...base, kind: "run.interrupted" };
  if (status === "error") return { ...base, kind: "run.failed", errorType: "_OTHER" };
  return { ...base, kind: "run.stopped" };
}

/** A stop hook may ask for another round of the same turn, which tells of tokens of its own. */
function used(payload: CursorPayload, base: EventBase): AgentEvent[] {
  const usage = usageOf(payload);
  if (usage === undefined) return [];
  const part = `stop:${payload.loop_count ?? 0}`;
  return [{ ...base, kind: "run.used", part, provider: "cursor", model: modelOf(payload.model), usage }];
}

/**
 * Disjoint counts. By what was seen of it, `input_tokens` includes what came from the cache; where that cannot be, because
 * there is more of it, the input stands beside it.
 */
export function usageOf(payload: CursorPayload): Usage | undefined {
  const { input_tokens: input = 0, output_tokens: output = 0 } = payload;
  const { cache_read_tokens: cacheRead = 0, cache_write_tokens: cacheWrite = 0 } = payload;
  if (input + output + cacheRead + cacheWrite === 0) return undefined;
  const fresh = input - cacheRead - cacheWrite;
  return {
    input: fresh >= 0 ? fresh : input,
    cacheRead,
    cacheWrite5m: cacheWrite,
    cacheWrite1h: 0,
    output,
    reasoning: 0,
  };
}

/** `default` is what Cursor says where it chose the model itself. */
export function modelOf(model: string | undefined): string {
  return model !== undefined && /^[A-Za-z0-9][\w.:/-]{0,79}$/.test(model) ? model : "unknown";
}
