import { expect, test } from "vitest";

import { includes, withNewest } from "./ended.ts";

test("the newest 2,048 are known, each once, whatever was asked before", () => {
  let list: string[] = [];
  const model: string[] = [];
  let missed = 0;
  for (let i = 0; i < 5000; i += 1) {
    // Every seventh comes a second time, soon after the first.
    const key = i % 7 === 6 ? `k${i - 3}` : `k${i}`;
    list = withNewest(list, key);
    if (model.includes(key)) model.splice(model.indexOf(key), 1);
    model.push(key);
    if (model.length > 2048) model.shift();
    if (i % 3 === 0 && !includes(list, key)) missed += 1;
  }
  expect(missed).toBe(0);
  expect(list).toEqual(model);
  expect(model.every((key) => includes(list, key))).toBe(true);
  expect(includes(list, "k0")).toBe(false);
  expect(includes(list, "k1500")).toBe(false);
});

test("a list that has a successor, or two, is as it was", () => {
  const before = withNewest(["a"], "b");
  const [one, other] = [withNewest(before, "c"), withNewest(before, "d")];
  expect([before, one, other].map((list) => ["a", "b", "c", "d"].filter((key) => includes(list, key)))).toEqual([
    ["a", "b"],
    ["a", "b", "c"],
    ["a", "b", "d"],
  ]);
});

test("one that was written longer than it may be is cut", () => {
  const list = Array.from({ length: 3000 }, (_, i) => `k${i}`);
  const next = withNewest(list, "new");
  expect(next).toHaveLength(2048);
  expect([includes(next, "k952"), includes(next, "k953"), includes(next, "new")]).toEqual([false, true, true]);
});
