/** The naive model: what there is to tell, counted from what has happened. It shares no code with src/. */

import { isDeepStrictEqual } from "node:util";

import { usd, type Fact, type Tokens } from "./story.ts";

export type Truth = {
  note(facts: readonly Fact[]): void;
  /** What there shall be one span of each. */
  spans(): Set<string>;
  /** Sums by metric and the attribute that tells them apart; `observed` are the counts of histograms. */
  totals(): { sums: Record<string, number>; observed: Record<string, number> };
};

export function createTruth(): Truth {
  const things = new Map<string, Fact>();

  return {
    note(facts) {
      for (const one of facts)
        things.set(one.fact === "unseen cost" ? `books ${things.size}` : `${one.fact} ${one.id}`, one);
    },
    spans: () => new Set([...things].filter(([, one]) => one.fact !== "unseen cost").map(([name]) => name)),
    totals() {
      const sums: Record<string, number> = {};
      const observed: Record<string, number> = {};
      for (const one of things.values()) {
        if (one.fact === "session") add(sums, "hookspan.session.count", 1);
        if (one.fact === "unseen cost") add(sums, "hookspan.cost reconciled", one.usd);
        if (one.fact === "tool") add(observed, `gen_ai.execute_tool.duration ${one.name}`, 1);
        if (one.fact === "run") {
          add(sums, "hookspan.run.count", 1);
          add(observed, "gen_ai.invoke_agent.duration", 1);
        }
        if (one.fact === "call") {
          addCall(sums, one.model, one.tokens);
          add(observed, "gen_ai.client.token.usage input", 1);
          add(observed, "gen_ai.client.token.usage output", 1);
        }
      }
      return { sums, observed };
    },
  };
}

/** Costs are sums of binary fractions, in whatever order they came. A sum of nothing may be there or not. */
export function isAlike(a: Record<string, number>, b: Record<string, number>): boolean {
  return isDeepStrictEqual(rounded(a), rounded(b));
}

function rounded(sums: Record<string, number>): [string, number][] {
  return Object.entries(sums)
    .filter(([, value]) => value !== 0)
    .map(([name, value]): [string, number] => [name, name.includes(".cost ") ? Number(value.toFixed(9)) : value])
    .sort(([one], [other]) => (one < other ? -1 : 1));
}

function addCall(sums: Record<string, number>, model: string, tokens: Tokens): void {
  const { input, cacheRead, cacheWrite, cacheWriteHour, output } = tokens;
  add(sums, `hookspan.token.usage ${model} input`, input);
  add(sums, `hookspan.token.usage ${model} cache_read`, cacheRead);
  add(sums, `hookspan.token.usage ${model} cache_write`, cacheWrite + cacheWriteHour);
  add(sums, `hookspan.token.usage ${model} output`, output);
  add(sums, "gen_ai.client.token.usage input", input + cacheRead + cacheWrite + cacheWriteHour);
  add(sums, "gen_ai.client.token.usage output", output);
  const cost = usd(model, tokens);
  if (cost !== undefined) return add(sums, "hookspan.cost estimated", cost);
  add(sums, `hookspan.unpriced.token.usage ${model}`, input + cacheRead + cacheWrite + cacheWriteHour + output);
}

/** A counter that nothing was added to has no series. */
function add(sums: Record<string, number>, name: string, value: number): void {
  if (value !== 0) sums[name] = (sums[name] ?? 0) + value;
}
