/** Arithmetic of token counts. The parts of a usage are disjoint, so they may be added up. */

import type { Usage } from "../event/event.ts";

export const NO_USAGE: Usage = { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 0 };

/** Part by part. */
export function addUsage(a: Usage, b: Usage): Usage {
  return combine(a, b, (x, y) => x + y);
}

/** What `a` has beyond `b`, part by part, never below zero: a source that takes tokens back has told of none. */
export function subtractUsage(a: Usage, b: Usage): Usage {
  return combine(a, b, (x, y) => Math.max(0, x - y));
}

/** All that the model read and wrote. */
export function usageTotal(usage: Usage): number {
  return inputTokens(usage) + outputTokens(usage);
}

/** The whole prompt, as the semantic conventions count it: cached parts included. */
export function inputTokens(usage: Usage): number {
  return usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h;
}

/** The whole answer, as the semantic conventions count it: reasoning included. */
export function outputTokens(usage: Usage): number {
  return usage.output + usage.reasoning;
}

export function isEmptyUsage(usage: Usage): boolean {
  return usageTotal(usage) === 0;
}

function combine(a: Usage, b: Usage, part: (x: number, y: number) => number): Usage {
  return {
    input: part(a.input, b.input),
    cacheRead: part(a.cacheRead, b.cacheRead),
    cacheWrite5m: part(a.cacheWrite5m, b.cacheWrite5m),
    cacheWrite1h: part(a.cacheWrite1h, b.cacheWrite1h),
    output: part(a.output, b.output),
    reasoning: part(a.reasoning, b.reasoning),
  };
}
