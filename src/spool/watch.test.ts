import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { tempDirectory } from "../../test/support/temp-state.ts";
import { watchSpool } from "./watch.ts";

test.each([
  ["by an event", true, 1_000_000],
  ["by looking, where there can be no events", false, 5],
])("a new file is noticed %s", async (_, existsBefore, pollMs) => {
  const directory = join(tempDirectory(), "spool");
  if (existsBefore) mkdirSync(directory);
  const watched: { close(): void }[] = [];
  await new Promise<void>((resolve) => {
    watched.push(watchSpool(directory, resolve, pollMs));
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "a.evt"), "x");
  });
  expect(watched.map((one) => one.close())).toEqual([undefined]);
});
