// The cases are numbered from 1 to 35: states of sessions, runs and tools that an agent can leave behind. Each has a test
// whose name begins with its number, or stands here with the reason why not yet.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

const CASES = 35;

const NOT_YET: Record<number, string> = {};

test("every case has a test, or a reason why not yet", () => {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".test.ts"));
  const texts = files.map((name) => readFileSync(join(import.meta.dirname, name), "utf8"));
  const named = new Set(
    texts.flatMap((text) => [...text.matchAll(/["`](\d+): /g)].map(([, number]) => Number(number))),
  );
  const missing = Array.from({ length: CASES }, (_, i) => i + 1).filter((number) => !named.has(number));
  expect(missing).toEqual(Object.keys(NOT_YET).map(Number));
});
