import { expect, test } from "vitest";

import { boundedIndex, emptyIndex } from "./index-file.ts";

test("the newest 1,000 of each kind stay", () => {
  const processes = Object.fromEntries(
    Array.from({ length: 1500 }, (_, atMs) => [String(atMs), { agent: "codex", sessionId: "s", atMs }]),
  );
  const bounded = boundedIndex({ ...emptyIndex(), processes });
  const ages = Object.values(bounded.processes).map(({ atMs }) => atMs);
  expect(ages).toHaveLength(1000);
  expect(Math.min(...ages)).toBe(500);
  expect(bounded.costStates).toEqual({});
});
