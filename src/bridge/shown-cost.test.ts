import { existsSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { tempState } from "../../test/support/temp-state.ts";
import { realDisk } from "../store/disk.ts";
import { shownOf } from "./shown-cost.ts";
import { createStatuslineFiles } from "../store/statusline-files.ts";

const SESSION = { agent: "claude-code", id: "s1" };
const COST = { total_cost_usd: 1.5, total_duration_ms: 1000, total_lines_added: 3, total_lines_removed: 1 };
const EPOCH_S = 1_795_000_000;
const NOW_NS = BigInt(EPOCH_S) * 1_000_000_000n;
const DAY_S = 86_400;

test("what was shown, at the time of the file", () => {
  const { files, put } = setUp();
  put("s1.json", JSON.stringify({ v: 1, session_id: "s1", cost: COST }));
  expect(shownOf(files, SESSION)).toEqual([
    {
      agent: "claude-code",
      sessionId: "s1",
      atNs: NOW_NS,
      kind: "cost.shown",
      totalUsd: 1.5,
      linesAdded: 3,
      linesRemoved: 1,
      durationMs: 1000,
    },
  ]);
});

test.each<[string, string]>([
  ["half of it", '{"v":1,"session_id":"s1","cost":{"total_c'],
  ["nothing", ""],
  ["no object", "7"],
  ["another version", JSON.stringify({ v: 2, session_id: "s1", cost: COST })],
  ["another session's", JSON.stringify({ v: 1, session_id: "s2", cost: COST })],
  ["no total", JSON.stringify({ v: 1, session_id: "s1", cost: { total_duration_ms: 5 } })],
  ["negative", JSON.stringify({ v: 1, session_id: "s1", cost: { total_cost_usd: -1 } })],
  ["no number", '{"v":1,"session_id":"s1","cost":{"total_cost_usd":NaN}}'],
  ["text", JSON.stringify({ v: 1, session_id: "s1", cost: { total_cost_usd: "1.5" } })],
  ["too much", JSON.stringify({ v: 1, session_id: "s1", cost: { total_cost_usd: 1e300 } })],
  ["too long", JSON.stringify({ v: 1, session_id: "s1", cost: COST, more: "x".repeat(5000) })],
])("a file that holds %s tells nothing", (_, content) => {
  const { files, put } = setUp();
  put("s1.json", content);
  expect(shownOf(files, SESSION)).toEqual([]);
});

test("no file, no directory, a link, a path for an id, another agent's session: nothing", () => {
  const { files, put, directory } = setUp();
  expect(shownOf(files, SESSION)).toEqual([]);
  put("other.json", JSON.stringify({ v: 1, session_id: "s1", cost: COST }));
  symlinkSync(join(directory, "other.json"), join(directory, "s1.json"));
  expect(shownOf(files, SESSION)).toEqual([]);
  expect(shownOf(files, { ...SESSION, id: "../statusline/other" })).toEqual([]);
  expect(shownOf(files, { agent: "codex", id: "other" })).toEqual([]);
});

test("the newest 500 of 30 days stay, and drafts of taps that were killed go", () => {
  const { files, put, directory } = setUp();
  files.sweep(NOW_NS);
  expect(existsSync(directory)).toBe(false);
  for (let i = 0; i < 510; i++) put(`${i}.json`, "", i);
  put("old.json", "", 30 * DAY_S + 1);
  put(".s1.77", "", 3601);
  put(".s2.78", "", 60);
  files.sweep(NOW_NS);
  const left = readdirSync(directory);
  expect(left).toHaveLength(501);
  expect(left).toContain(".s2.78");
  expect(left).toContain("499.json");
  expect(left).not.toContain("500.json");
});

function setUp() {
  const directory = tempState().statusline;
  return {
    directory,
    files: createStatuslineFiles(realDisk, directory),
    put: (name: string, content: string, ageS = 0): void => {
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, name), content);
      utimesSync(join(directory, name), EPOCH_S - ageS, EPOCH_S - ageS);
    },
  };
}
