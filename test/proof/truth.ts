/** What a workload must come to, by naive arithmetic while it is written. It shares no code with `src/`. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

import * as z from "zod";

import type { Usage } from "./claude-shapes.ts";

/** `spans` counts the spans that must come out, by name; the sets name those that have an id of the agent's. */
export type Truth = {
  events: number;
  sessions: string[];
  prompts: string[];
  calls: string[];
  failedCalls: number;
  messages: string[];
  spans: Record<string, number>;
  /** By model and kind. */
  tokens: Record<string, number>;
  usd: number;
  subagents: number;
  compactions: number;
  linesAdded: number;
  linesRemoved: number;
};

const PRICES = join(import.meta.dirname, "../recordings/claude-code/prices-2.1.329.json");
/** Of those models whose price has no steps. */
const priceSchema = z.object({
  input: z.number(),
  output: z.number(),
  read: z.number(),
  w5m: z.number(),
  w1h: z.number(),
});
const prices = z
  .object({ models: z.record(z.string(), z.object({ usd_per_million: z.unknown() })) })
  .parse(JSON.parse(readFileSync(PRICES, "utf8"))).models;

export const MODELS = ["claude-opus-5-5", "claude-sonnet-5-5"] as const;

export function emptyTruth(): Truth {
  return {
    events: 0,
    sessions: [],
    prompts: [],
    calls: [],
    failedCalls: 0,
    messages: [],
    spans: {},
    tokens: {},
    usd: 0,
    subagents: 0,
    compactions: 0,
    linesAdded: 0,
    linesRemoved: 0,
  };
}

/** Books one message with its last usage, and gives what it cost: USD. */
export function bookMessage(truth: Truth, id: string, model: string, usage: Usage): number {
  const price = priceSchema.parse(prices[model]?.usd_per_million);
  const { input, cacheRead, write5m, write1h, output, thinking } = usage;
  const usd =
    (input * price.input + cacheRead * price.read + write5m * price.w5m + write1h * price.w1h + output * price.output) /
    1e6;
  truth.messages.push(id);
  truth.usd += usd;
  bookSpan(truth, `chat ${model}`);
  const kinds = {
    input,
    cache_read: cacheRead,
    cache_write: write5m + write1h,
    output: output - thinking,
    reasoning: thinking,
  };
  for (const [kind, tokens] of Object.entries(kinds)) {
    if (tokens > 0) truth.tokens[`${model} ${kind}`] = (truth.tokens[`${model} ${kind}`] ?? 0) + tokens;
  }
  return usd;
}

export function bookSpan(truth: Truth, name: string): void {
  truth.spans[name] = (truth.spans[name] ?? 0) + 1;
}
