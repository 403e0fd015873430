/** The running totals as a short block of lines, or as one JSON value. */

import { fit, formatCount, formatUsd, printable } from "./cell.ts";
import type { Paint } from "./paint.ts";
import type { ModelTokens, Totals } from "./running-totals.ts";

/** A heading, one line per model, one with the cost, one with the counts. */
export function renderTotals(totals: Totals, paint: Paint): string[] {
  const heading = line("totals, in tokens", [...KINDS.map((kind) => kind.replace("_", " ")), "all"]);
  return [paint("dim", heading), ...totals.tokens.map(modelLine), costLine(totals, paint), countLine(totals)];
}

export function totalsToJson(totals: Totals): Record<string, unknown> {
  return {
    type: "totals",
    tokens: totals.tokens.map(({ model, byKind }) => ({ model, ...byKind })),
    unpriced_tokens: totals.unpricedTokens,
    cost_usd: totals.costUsdBySource,
    runs: totals.runsByOutcome,
    sessions: totals.sessions,
    subagents: totals.subagents,
  };
}

const KINDS = ["input", "cache_read", "cache_write", "output", "reasoning"];

function modelLine({ model, byKind }: ModelTokens): string {
  const all = sumOf(byKind);
  return line(printable(model), [...KINDS.map((kind) => formatCount(byKind[kind] ?? 0)), formatCount(all)]);
}

function line(name: string, cells: string[]): string {
  return `${fit(name, 28)}${cells.map((cell) => cell.padStart(12)).join("")}`;
}

function costLine({ costUsdBySource, unpricedTokens }: Totals, paint: Paint): string {
  const sources = Object.entries(costUsdBySource);
  const each = sources.map(([source, usd]) => (sources.length === 1 ? source : `${source} ${formatUsd(usd)}`));
  const cost = `cost ${paint("bold", formatUsd(sumOf(costUsdBySource)))}${inBrackets(each)}`;
  if (unpricedTokens === 0) return cost;
  return `${cost} · ${paint("yellow", `without a price: ${formatCount(unpricedTokens)} tokens`)}`;
}

function countLine({ runsByOutcome, sessions, subagents }: Totals): string {
  const outcomes = Object.entries(runsByOutcome);
  const each = outcomes.map(([outcome, count]) =>
    outcomes.length === 1 ? outcome : `${formatCount(count)} ${outcome}`,
  );
  const runs = `runs ${formatCount(sumOf(runsByOutcome))}${inBrackets(each)}`;
  return `${runs} · sessions ${formatCount(sessions)} · subagents ${formatCount(subagents)}`;
}

function sumOf(sums: Record<string, number>): number {
  return Object.values(sums).reduce((sum, value) => sum + value, 0);
}

function inBrackets(words: string[]): string {
  return words.length === 0 ? "" : ` (${printable(words.join(", "))})`;
}
