import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { tempDirectory } from "../../test/support/temp-state.ts";
import { realDisk } from "./disk.ts";
import { createTroubleFile, readTroubles } from "./trouble-file.ts";

test("a trouble is news once, keeps its time, and is gone when it is over", () => {
  const path = join(tempDirectory(), "trouble.json");
  let nowMs = 1000;
  const file = createTroubleFile(realDisk, path, () => nowMs);
  expect([file.note("spans", undefined), existsSync(path)]).toEqual([false, false]);
  expect(file.note("spans", "HTTP 503")).toBe(true);
  nowMs = 2000;
  expect(file.note("spans", "HTTP 503")).toBe(false);
  expect(file.note("metrics", "HTTP 404")).toBe(true);
  expect(readTroubles(realDisk, path)).toEqual([
    { kind: "spans", since: "1970-01-01T00:00:01.000Z", text: "HTTP 503" },
    { kind: "metrics", since: "1970-01-01T00:00:02.000Z", text: "HTTP 404" },
  ]);
  const next = createTroubleFile(realDisk, path, () => nowMs);
  expect([next.note("metrics", undefined), next.note("spans", undefined)]).toEqual([true, true]);
  expect(existsSync(path)).toBe(false);
});

test("a directory that takes nothing, and a file of nonsense, are no trouble of their own", () => {
  const missing = join(tempDirectory(), "none", "trouble.json");
  const file = createTroubleFile(realDisk, missing, () => 0);
  expect([file.note("bridge", "no"), file.note("bridge", "no")]).toEqual([true, true]);
  const nonsense = join(tempDirectory(), "trouble.json");
  writeFileSync(nonsense, '{"v":1,"troubles":7}');
  expect(readTroubles(realDisk, nonsense)).toEqual([]);
});
