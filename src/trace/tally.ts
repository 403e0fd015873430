/** What a run or a subagent has used by its own model and tool calls. Subagents count on their own span, never twice. */

import type { Usage } from "../event/event.ts";
import { addUsage, inputTokens, isEmptyUsage, NO_USAGE, outputTokens } from "../metric/usage.ts";
import { known } from "./draft.ts";
import type { Attributes } from "./record.ts";
import { ATTR } from "./semconv.ts";
import type { Tally } from "./session.ts";

export function emptyTally(): Tally {
  return { usage: NO_USAGE, usd: 0, priced: true, inferenceCalls: 0, toolCalls: 0, models: [] };
}

/** The tally with one model call more. `usd` is undefined where no table knows the model. */
export function withCall(tally: Tally, usage: Usage, model: string, usd: number | undefined): Tally {
  return { ...withUsage(tally, usage, model, usd), inferenceCalls: tally.inferenceCalls + 1 };
}

/** The tally with tokens of calls that nobody told of one by one. */
export function withUsage(tally: Tally, usage: Usage, model: string, usd: number | undefined): Tally {
  return {
    ...tally,
    usage: addUsage(tally.usage, usage),
    usd: tally.usd + (usd ?? 0),
    priced: tally.priced && usd !== undefined,
    models: tally.models.includes(model) ? tally.models : [...tally.models, model],
  };
}

export function withTool(tally: Tally): Tally {
  return { ...tally, toolCalls: tally.toolCalls + 1 };
}

/** Whether the model was called, but nobody told how often. */
export function isUncounted(tally: Tally): boolean {
  return tally.inferenceCalls === 0 && tally.models.length > 0;
}

/** The model only if there was one: the conventions ask for that. The cost only if all of it is known, tokens if any are. */
export function tallyAttributes(tally: Tally): Attributes {
  const called = tally.models.length > 0;
  const metered = called && (tally.priced || !isEmptyUsage(tally.usage));
  return known({
    [ATTR.requestModel]: tally.models.length === 1 ? tally.models[0] : undefined,
    [ATTR.inputTokens]: metered ? inputTokens(tally.usage) : undefined,
    [ATTR.outputTokens]: metered ? outputTokens(tally.usage) : undefined,
    [ATTR.costUsd]: called && tally.priced ? tally.usd : undefined,
    [ATTR.inferenceCalls]: isUncounted(tally) ? undefined : tally.inferenceCalls,
    [ATTR.toolCalls]: tally.toolCalls,
  });
}
