/** Tokens of a whole run, where an agent tells of no single model call: counters and the run's own span, and no `chat` span. */

import type { AgentEvent } from "../event/event.ts";
import { countUsage } from "./call.ts";
import { hasEnded, remark, remember, type Draft } from "./draft.ts";
import { placeOf } from "./run.ts";
import { withUsage } from "./tally.ts";

/** A part of a run counts once. Where no run is known, nothing tells a repetition from another run, but the time. */
export function noteUsed(draft: Draft, event: AgentEvent & { kind: "run.used" }): void {
  const { session, policy } = draft;
  const { atNs, provider, model, usage } = event;
  const place = placeOf(draft, event);
  const key = event.runKey ?? place.runKey ?? atNs.toString();
  const part = `used:${key}:${event.part}`;
  if (hasEnded(session, "llm", part)) return remark(draft, "duplicate");
  remember(draft, "llm", part);
  countUsage(draft, { atNs, startNs: atNs, provider, requestModel: model, responseModel: model }, usage, undefined);
  const usd = policy.price(usage, provider, model, atNs)?.usd;
  session.runs = session.runs.map((run) =>
    run.key === key ? { ...run, tally: withUsage(run.tally, usage, model, usd) } : run,
  );
}
