import { expect, test } from "vitest";

import { parsePriceFile } from "./price-file.ts";
import { createPricer } from "./price.ts";

const flat = { input: 1, output: 2 };

test("exact names go before patterns, long patterns before short, prices by the size of the prompt", () => {
  const table = parsePriceFile({
    models: {
      "acme-*": { input: 1, output: 0 },
      "acme-large-*": [
        { above: 1000, input: 30, output: 0, cacheRead: 3 },
        { input: 20, output: 0 },
      ],
      "Acme-Large-2": { input: 5, output: 0 },
    },
  });
  const { price } = createPricer([table]);
  const usd = (model: string, input: number, cacheRead = 0): number | undefined =>
    price({ input, cacheRead, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 0 }, "acme", model)?.usd;
  expect(usd("acme-small", 1000)).toBe(0.001);
  expect(usd("acme-large-1", 1000)).toBe(0.02);
  expect(usd("acme-large-1", 1000, 1000)).toBe(0.033);
  expect(usd("acme-large-2", 1000)).toBe(0.005);
  expect(usd("other", 1000)).toBeUndefined();
});

test("what is left out costs as its like", () => {
  const { price } = createPricer([
    parsePriceFile({
      name: "acme",
      models: { a: { input: 1, output: 10 }, b: { input: 1, output: 10, cacheWrite: 3 } },
    }),
  ]);
  const used = {
    input: 0,
    cacheRead: 1_000_000,
    cacheWrite5m: 1_000_000,
    cacheWrite1h: 1_000_000,
    output: 0,
    reasoning: 1_000_000,
  };
  expect(price(used, "", "a")).toEqual({ usd: 13, table: "acme" });
  expect(price(used, "", "b")).toEqual({ usd: 17, table: "acme" });
});

test.for<[string, unknown, string]>([
  ["no object", 7, "top level: "],
  ["no models", {}, "models: expected an object of prices by model name"],
  ["a misspelt key", { models: { a: { ...flat, cache_read: 1 } } }, "models > a: "],
  [
    "a price missing",
    { models: { a: { input: 1 } } },
    "models > a > output: expected USD per million tokens, a number of at least 0",
  ],
  [
    "a negative price",
    { models: { a: { ...flat, input: -1 } } },
    "models > a > input: expected USD per million tokens",
  ],
  [
    "a price as text",
    { models: { a: { ...flat, cacheRead: "1" } } },
    "models > a > cacheRead: expected USD per million tokens",
  ],
  [
    "a tier without its base",
    { models: { a: [{ ...flat, above: 5 }] } },
    "models > a: expected exactly one price without `above`",
  ],
  [
    "a limit that is none",
    { models: { a: [flat, { ...flat, above: "5" }] } },
    "models > a > 1 > above: expected a number of tokens",
  ],
  ["a star in the middle", { models: { "a*b": flat } }, "models > a*b: expected a model name"],
])("%s is refused by name", ([, json, message]) => {
  expect(() => parsePriceFile(json)).toThrow(message);
});
