import { expect, test } from "vitest";

import type { Series } from "../metric/totals.ts";
import { tempState } from "../../test/support/temp-state.ts";
import { realDisk } from "./disk.ts";
import { createQuarantine } from "./quarantine.ts";
import type { StateDirectory } from "./state-directory.ts";
import { loadTotals, mergeSeries, saveSent } from "./totals-file.ts";

const counter: Series = { metric: "hookspan.cost", agent: "codex", attributes: { a: "b" }, value: 0.1, credit: 0.25 };
const histogram: Series = {
  metric: "gen_ai.client.token.usage",
  agent: "codex",
  attributes: {},
  value: { count: 1, sum: 2, min: 2, max: 2, buckets: [0, 1, 0] },
  startNs: 1_795_196_713_872_299_001n,
  sent: { atNs: 1_795_196_713_872_299_002n, value: { count: 0, sum: 0, min: 0, max: 0, buckets: [0, 0, 0] } },
};

test("series come back as they were, to the nanosecond", () => {
  const directory = tempState();
  const deps = depsIn(directory);
  expect(loadTotals(deps, directory.totals)).toEqual({ status: "absent" });
  mergeSeries(deps, directory.totals, [
    ["c", counter],
    ["h", histogram],
  ]);
  expect(loadTotals(deps, directory.totals)).toEqual({
    status: "found",
    value: {
      lastExportNs: 0n,
      series: new Map([
        ["c", counter],
        ["h", histogram],
      ]),
    },
  });
});

test("a merge replaces the series it names and no other, once or twice", () => {
  const directory = tempState();
  const deps = depsIn(directory);
  mergeSeries(deps, directory.totals, [
    ["c", counter],
    ["h", histogram],
  ]);
  for (const _ of [1, 2])
    mergeSeries(deps, directory.totals, [
      ["c", { ...counter, value: 7 }],
      ["__proto__", counter],
    ]);
  const read = loadTotals(deps, directory.totals);
  expect(read).toMatchObject({ status: "found" });
  expect(read.status === "found" && [...read.value.series]).toEqual([
    ["c", { ...counter, value: 7 }],
    ["h", histogram],
    ["__proto__", counter],
  ]);
});

test("marks of an export change what was sent, and no value", () => {
  const directory = tempState();
  const deps = depsIn(directory);
  mergeSeries(deps, directory.totals, [["c", counter]]);
  const sent = new Map([
    ["c", { startNs: 1n, atNs: 2n, value: 99 }],
    ["unknown", { startNs: 1n, atNs: 2n, value: 1 }],
  ]);
  saveSent(deps, directory.totals, { atNs: 2n, sent });
  expect(loadTotals(deps, directory.totals)).toEqual({
    status: "found",
    value: { lastExportNs: 2n, series: new Map([["c", { ...counter, startNs: 1n, sent: { atNs: 2n, value: 99 } }]]) },
  });
});

function depsIn(directory: StateDirectory) {
  return {
    disk: realDisk,
    quarantine: createQuarantine(realDisk, directory.quarantine, { quarantineBytes: 1e6, ageMs: 1e9 }),
  };
}
