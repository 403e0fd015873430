import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { Usage } from "../event/event.ts";
import { addUsage, inputTokens, isEmptyUsage, outputTokens, subtractUsage, usageTotal } from "./usage.ts";

const usage: Usage = {
  input: 1,
  cacheRead: 20,
  cacheWrite5m: 300,
  cacheWrite1h: 4000,
  output: 50_000,
  reasoning: 600_000,
};
const tokens = fc.nat();
const anyUsage = fc.record({
  input: tokens,
  cacheRead: tokens,
  cacheWrite5m: tokens,
  cacheWrite1h: tokens,
  output: tokens,
  reasoning: tokens,
});

test("input counts cached parts, output counts reasoning, and both make the total", () => {
  expect(inputTokens(usage)).toBe(4321);
  expect(outputTokens(usage)).toBe(650_000);
  expect(usageTotal(usage)).toBe(654_321);
});

test("a part that shrank is no difference", () => {
  expect(subtractUsage({ ...usage, input: 0, output: 50_007 }, usage)).toEqual({
    input: 0,
    cacheRead: 0,
    cacheWrite5m: 0,
    cacheWrite1h: 0,
    output: 7,
    reasoning: 0,
  });
});

test("what was added can be taken away, and nothing is left of a usage less itself", () => {
  fc.assert(
    fc.property(anyUsage, anyUsage, (a, b) => {
      expect(subtractUsage(addUsage(a, b), b)).toEqual(a);
      expect(usageTotal(addUsage(a, b))).toBe(usageTotal(a) + usageTotal(b));
      expect(isEmptyUsage(subtractUsage(a, a))).toBe(true);
      expect(isEmptyUsage(a)).toBe(usageTotal(a) === 0);
    }),
  );
});
