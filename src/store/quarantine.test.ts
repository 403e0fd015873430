import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { tempState } from "../../test/support/temp-state.ts";
import { realDisk } from "./disk.ts";
import { createQuarantine, quarantineName } from "./quarantine.ts";

const HOUR_NS = 3600n * 1_000_000_000n;
const DAY_MS = 86_400_000;

test.each([
  ["1-2", "Unknown agent: foo/../bar", "1-2.unknown-agent-foo-bar.evt"],
  ["1-2", "", "1-2.unknown.evt"],
  ["a.b", "é".repeat(80), "a.b.unknown.evt"],
  ["x".repeat(250), "r".repeat(300), `${"x".repeat(80)}-(hash).${"r".repeat(60)}.evt`],
])("id %s for %s", (id, reason, expected) => {
  const name = quarantineName(id, reason);
  expect(name.replace(/-[0-9a-f]{16}\./, "-(hash).")).toBe(expected);
});

test("files keep their payload and are counted by reason", () => {
  const { spool, directory, quarantine } = setUp();
  writeFileSync(join(spool, "a.evt"), "payload");
  quarantine.setAside(join(spool, "a.evt"), "a", "malformed");
  quarantine.setAside(join(spool, "a.evt"), "a", "malformed");
  writeFileSync(join(spool, "b.evt"), "x");
  quarantine.setAside(join(spool, "b.evt"), "b", "no agent");
  expect(readFileSync(join(directory, "a.malformed.evt"), "utf8")).toBe("payload");
  expect(quarantine.summary()).toEqual({ items: 2, sizeBytes: 8, byReason: { malformed: 1, "no-agent": 1 } });
});

test.each([
  ["within the bounds", 1n, 100, [3, 3, 3], 0],
  ["after a day", 25n, 100, [0, 0, 0], 3],
  ["over the bound: the oldest", 1n, 7, [0, 3, 3], 1],
  ["after the age of all state: not even names", 24n * 15n, 100, [], 3],
])("%s", (_, hours, quarantineBytes, sizes, emptied) => {
  const { directory, quarantine } = setUp(quarantineBytes);
  for (const name of ["a", "b", "c"]) writeFileSync(join(directory, `${name}.bad.evt`), "123");
  const nowNs = BigInt(Date.now()) * 1_000_000n + hours * HOUR_NS;
  expect(quarantine.enforce(nowNs)).toBe(emptied);
  expect(quarantine.enforce(nowNs)).toBe(0);
  expect(
    readdirSync(directory)
      .sort()
      .map((name) => readFileSync(join(directory, name)).length),
  ).toEqual(sizes);
  expect(quarantine.summary().items).toBe(sizes.length);
});

function setUp(quarantineBytes = 1e6) {
  const { spool, quarantine: directory } = tempState();
  return {
    spool,
    directory,
    quarantine: createQuarantine(realDisk, directory, { quarantineBytes, ageMs: 14 * DAY_MS }),
  };
}
