import { calcPrice } from "@pydantic/genai-prices";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { Usage } from "../event/event.ts";
import genai from "./genai-prices.json" with { type: "json" };
import { parsePriceFile } from "./price-file.ts";
import { createPricer } from "./price.ts";
import { SHIPPED_PRICES } from "./shipped-prices.ts";
import { inputTokens, outputTokens } from "./usage.ts";

const shipped = createPricer(SHIPPED_PRICES);
const ANTHROPIC = "anthropic";
const MEASURED = "claude-code 2.1.329";
const GENAI = "genai-prices 0.1.8";

/** Usage per model and process as Claude Code 2.1.329 wrote it into its `cost-state` lines, with the cost it reckoned. */
test.for<[string, Partial<Usage>, number]>([
  ["claude-opus-5-5", { input: 32, cacheWrite5m: 19_393, cacheRead: 94_184, output: 538 }, 0.12668980000000002],
  ["claude-opus-5-5", { input: 66, cacheWrite5m: 43_205, cacheRead: 103_030, output: 724 }, 0.251375],
  ["claude-opus-5-5", { input: 14, cacheWrite5m: 4120, cacheWrite1h: 900, cacheRead: 29_000, output: 789 }, 0.049436],
  ["claude-opus-5-5", { input: 5058, cacheWrite5m: 121_000, cacheRead: 308_000, output: 910 }, 0.7050320000000001],
  ["claude-sonnet-5-5", { input: 6, cacheWrite5m: 200, cacheRead: 34_300, output: 46 }, 0.0044020000000000005],
  ["claude-haiku-5-5", { input: 900, cacheRead: 18_000, output: 60 }, 0.0003],
  ["claude-haiku-5-5", { input: 10, cacheWrite5m: 18_000, output: 12 }, 0.002257],
])("%s costs what the client itself reckoned: %o", ([model, parts, usd]) => {
  const priced = shipped.price(usage(parts), ANTHROPIC, model);
  expect(priced?.table).toBe(MEASURED);
  expect(priced?.usd).toBeCloseTo(usd, 14);
});

test.for<[string, Partial<Usage>, number]>([
  ["at the limit", { input: 60_000, cacheRead: 30_000, cacheWrite5m: 10_000, output: 1000 }, 0.00805],
  ["above it", { input: 60_001, cacheRead: 30_000, cacheWrite5m: 10_000, output: 1000 }, 0.0402505],
])("the whole prompt decides on the tier of claude-haiku-5-5: %s", ([, parts, usd]) => {
  expect(shipped.price(usage(parts), ANTHROPIC, "claude-haiku-5-5")?.usd).toBeCloseTo(usd, 14);
});

/** USD of a million tokens of input and one of output: 10,000 of each, times 100, so that no tier is in the way. */
test.for<[string, string, string, number | undefined, string]>([
  ["measured name", ANTHROPIC, "claude-fable-5-2", 48, MEASURED],
  ["measured name with a date", ANTHROPIC, "claude-sonnet-5-5-20261105", 12, MEASURED],
  ["measured name, date as Vertex writes it", "gcp.vertex_ai", "claude-opus-4-5@20251101", 30, MEASURED],
  ["measured name with the size of its window", ANTHROPIC, "claude-opus-5-5[1m]", 24, MEASURED],
  ["measured name with its provider", ANTHROPIC, "anthropic/claude-opus-5-5", 24, MEASURED],
  ["no provider named", "", "claude-opus-5-5", 24, MEASURED],
  ["not measured, window size", ANTHROPIC, "claude-opus-5[1m]", 30, GENAI],
  ["not measured, provider in front", ANTHROPIC, "anthropic/claude-opus-4.6", 30, GENAI],
  ["Bedrock in one region costs more", "aws.bedrock", "us.anthropic.claude-opus-4-5-20251101-v1:0", 33, GENAI],
  ["Bedrock everywhere", "aws.bedrock", "global.anthropic.claude-opus-4-5-20251101-v1:0", 30, GENAI],
  ["OpenRouter", "openrouter", "anthropic/claude-sonnet-4.6", 18, GENAI],
  ["Codex", "openai", "gpt-5.3-codex", 15.75, GENAI],
  ["Gemini by the name of the conventions", "gcp.gen_ai", "gemini-2.5-pro", 11.25, GENAI],
  ["Claude at Google", "gcp.vertex_ai", "claude-sonnet-4-6", 18, GENAI],
  ["xAI by the name of the conventions", "x_ai", "grok-4.3", 3.75, GENAI],
  ["Moonshot by the name of the conventions", "moonshot_ai", "kimi-k3", 18, GENAI],
  ["unknown model", ANTHROPIC, "no-such-model-9", undefined, ""],
  ["no model at all", ANTHROPIC, "<synthetic>", undefined, ""],
  ["unknown provider", "custom", "claude-opus-5-5", undefined, ""],
  ["another seller's model", "openai", "anthropic/claude-opus-5-5", undefined, ""],
  ["no price for text", "openai", "whisper-1", undefined, ""],
])("%s: %s %s", ([, provider, model, usd, table]) => {
  const priced = shipped.price(usage({ input: 10_000, output: 6000, reasoning: 4000 }), provider, model);
  expect(priced && Number((priced.usd * 100).toFixed(9))).toBe(usd);
  expect(priced?.table ?? "").toBe(table);
});

test("beyond the window that was measured, the next table is asked", () => {
  expect(sonnet45(200_000)).toEqual({ usd: 0.6, table: MEASURED });
  expect(sonnet45(200_001)).toEqual({ usd: 1.200006, table: GENAI });
});

test("the date and the hour decide where a price changes", () => {
  expect(inputAt("google", "gemini-3.7-flash", "2026-12-31T23:59:59Z")).toBe(0.75);
  expect(inputAt("google", "gemini-3.7-flash", "2027-01-01T00:00:00Z")).toBe(1.5);
  expect(inputAt("deepseek", "deepseek-chat", "2026-11-21T16:29:59Z")).toBe(0.27);
  expect(inputAt("deepseek", "deepseek-chat", "2026-11-21T16:30:00Z")).toBe(0.135);
});

test("the user's own table goes before all others", () => {
  const own = parsePriceFile({
    name: "acme",
    models: { "claude-opus-5-5": { input: 1, output: 2 } },
  });
  const { price } = createPricer([own, ...SHIPPED_PRICES]);
  expect(price(usage({ input: 1_000_000, output: 1_000_000 }), "custom", "claude-opus-5-5")).toEqual({
    usd: 3,
    table: "acme",
  });
  expect(price(usage({}), ANTHROPIC, "claude-sonnet-5-5")?.table).toBe(MEASURED);
});

const name = fc
  .constantFrom(
    ...genai.providers.flatMap(({ id, models }) =>
      models.flatMap(({ match }) => match.map((pattern) => ({ provider: id, pattern }))),
    ),
  )
  .chain(({ provider, pattern }) =>
    fc.record({
      provider: fc.constant(provider),
      model: fc
        .tuple(
          ending(pattern.startsWith("*"), ["", "x-"]),
          fc.constant(pattern.replaceAll("*", "")),
          ending(pattern.endsWith("*"), ["", "-20261105", "-preview", "-x"]),
        )
        .map((parts) => parts.join("")),
    }),
  );
const tokens = fc.oneof(fc.nat(10_000), fc.nat(1_000_000));
const anyUsage = fc.record({
  input: tokens,
  cacheRead: tokens,
  cacheWrite5m: tokens,
  cacheWrite1h: tokens,
  output: tokens,
  reasoning: tokens,
});
const anyTime = fc.date({
  min: new Date("2026-09-23T00:00:00Z"),
  max: new Date("2027-12-31T00:00:00Z"),
  noInvalidDate: true,
});

test("the trimmed table prices as the library does", () => {
  const { price } = createPricer([genai]);
  fc.assert(
    fc.property(name, anyUsage, anyTime, ({ provider, model }, used, timestamp) => {
      const priced = price(used, provider, model, BigInt(timestamp.getTime()) * 1_000_000n);
      const expected = libraryPrice(used, provider, model, timestamp);
      expect(priced === undefined).toBe(expected === undefined);
      const { usd = 0 } = priced ?? {};
      expect(Math.abs(usd - (expected ?? 0))).toBeLessThanOrEqual(1e-12 * (expected ?? 0));
    }),
    { numRuns: 5000 },
  );
});

test("the committed table is what the script makes of the installed package", async () => {
  const script: { genaiPrices: () => unknown } = await import(
    new URL("../../scripts/prices.mjs", import.meta.url).href
  );
  expect(script.genaiPrices()).toEqual(genai);
});

/** Undefined also where the library knows a model, but no price of its text. */
function libraryPrice(used: Usage, providerId: string, model: string, timestamp: Date): number | undefined {
  const result = calcPrice(
    {
      input_tokens: inputTokens(used),
      cache_read_tokens: used.cacheRead,
      cache_write_tokens: used.cacheWrite5m + used.cacheWrite1h,
      cache_write_1h_tokens: used.cacheWrite1h,
      output_tokens: outputTokens(used),
    },
    model,
    { providerId, timestamp },
  );
  if (result === null) return undefined;
  const { input_mtok: input, output_mtok: output } = result.model_price;
  return input === undefined && output === undefined ? undefined : result.total_price;
}

function sonnet45(input: number): unknown {
  return shipped.price(usage({ input }), ANTHROPIC, "claude-sonnet-4-5-20250929");
}

/** USD of a million tokens of input. */
function inputAt(provider: string, model: string, time: string): number | undefined {
  const atNs = BigInt(Date.parse(time)) * 1_000_000n;
  return shipped.price(usage({ input: 1_000_000 }), provider, model, atNs)?.usd;
}

function ending(open: boolean, texts: string[]): fc.Arbitrary<string> {
  return fc.constantFrom(...(open ? texts : [""]));
}

function usage(parts: Partial<Usage>): Usage {
  return {
    input: 0,
    cacheRead: 0,
    cacheWrite5m: 0,
    cacheWrite1h: 0,
    output: 0,
    reasoning: 0,
    ...parts,
  };
}
