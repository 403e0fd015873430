/**
 * The user's own price table: new models, negotiated prices. It goes before the shipped ones.
 *
 *     {
 *       "name": "acme 2026-11",
 *       "models": {
 *         "claude-opus-5-5": { "input": 3.2, "output": 16, "cacheRead": 0.16, "cacheWrite": 4, "cacheWrite1h": 6.4 },
 *         "acme-*": [
 *           { "input": 1, "output": 5 },
 *           { "above": 200000, "input": 2, "output": 8 }
 *         ]
 *       }
 *     }
 *
 * Prices are USD per million tokens. A `*` at the beginning or the end of a name stands for anything; an exact name goes
 * before these, a longer one before a shorter. `above`: for prompts of more tokens. What is left out: `cacheRead` and
 * `cacheWrite` cost as `input`, `cacheWrite1h` as `cacheWrite`.
 */

import * as z from "zod";

import type { ModelPrices, Price, PriceTable } from "./price-table.ts";

const EXPECTED_RATE = "expected USD per million tokens, a number of at least 0";
const EXPECTED_TOKENS = "expected a number of tokens";

const rate = z.number({ error: EXPECTED_RATE }).nonnegative({ error: EXPECTED_RATE });

const flat = z.strictObject({
  input: rate,
  output: rate,
  cacheRead: rate.optional(),
  cacheWrite: rate.optional(),
  cacheWrite1h: rate.optional(),
});

const tiers = z
  .array(
    flat.extend({
      above: z.int({ error: EXPECTED_TOKENS }).nonnegative({ error: EXPECTED_TOKENS }).optional(),
    }),
  )
  .refine((list) => list.filter(({ above }) => above === undefined).length === 1, {
    error: "expected exactly one price without `above`, which holds for the smallest prompts",
  });

const file = z.strictObject({
  name: z.string({ error: "expected a text" }).optional(),
  models: z.record(z.string(), z.unknown(), {
    error: "expected an object of prices by model name",
  }),
});

/** Throws an Error that names each wrong key and what was expected there. */
export function parsePriceFile(json: unknown): PriceTable {
  const { name = "user prices", models } = checked(file, json, []);
  const everything = { match: ["*"], modelMatch: ["*"], fallback: [] };
  const entries = Object.entries(models).map(([model, value]) => modelPrices(model, value));
  return {
    name,
    date: "1970-01-01",
    providers: [{ id: "user", ...everything, models: entries.sort(byPrecision) }],
  };
}

function modelPrices(model: string, value: unknown): ModelPrices {
  const path = ["models", model];
  if (!/^\*?[^*/][^*]*\*?$/.test(model))
    fail([{ keys: path, text: "expected a model name, with `*` at its beginning or end only" }]);
  const prices: Price[] = Array.isArray(value) ? checked(tiers, value, path) : [checked(flat, value, path)];
  return {
    id: model,
    match: [model.toLowerCase()],
    prices: prices.sort((a, b) => (a.above ?? -1) - (b.above ?? -1)),
  };
}

function byPrecision(a: ModelPrices, b: ModelPrices): number {
  return Number(isPattern(a)) - Number(isPattern(b)) || b.id.length - a.id.length;
}

function isPattern({ id }: ModelPrices): boolean {
  return id.includes("*");
}

function checked<T>(schema: z.ZodType<T>, value: unknown, path: readonly string[]): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => ({
    keys: path.concat(issue.path.map(String)),
    text: issue.message,
  }));
  return fail(problems);
}

function fail(problems: { keys: readonly string[]; text: string }[]): never {
  const lines = problems.map(({ keys, text }) => `${keys.join(" > ") || "top level"}: ${text}`);
  throw new Error(`the price file cannot be used; correct it: ${lines.join("; ")}`);
}
