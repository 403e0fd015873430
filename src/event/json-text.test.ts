import { expect, test } from "vitest";

import { inputHash } from "./input-hash.ts";
import { jsonText } from "./json-text.ts";

const DEEP: unknown = JSON.parse(`${"[".repeat(1e5)}${"]".repeat(1e5)}`);

test.each([
  [{ b: 1, a: [null] }, '{"b":1,"a":[null]}'],
  ["\ud800", '"\\ud800"'],
  [undefined, undefined],
  [DEEP, undefined],
])("%#", (value, text) => {
  expect(jsonText(value)).toBe(text);
});

test("one input is told from another, whatever the order of its keys, and none of them throws", () => {
  expect(inputHash({ a: 1, b: { c: 2, d: 3 } })).toBe(inputHash({ b: { d: 3, c: 2 }, a: 1 }));
  expect(new Set([undefined, null, {}, [], "", 0, { a: 1 }].map(inputHash)).size).toBe(7);
  expect(inputHash(DEEP)).toMatch(/^[0-9a-f]{16}$/);
});
