// Hermes' forwarder (hooks/hermes): its Python tests one by one, and what it has to do beside where that is proved.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";
import { parse } from "yaml";

import { FORWARDER_PROMISES } from "./hermes-forwarder/promises.ts";
import { runPythonTests, type PythonTest } from "./support/python-tests.ts";

const ROOT = join(import.meta.dirname, "..");

const ran = run();

test("Python's tests ran", () => {
  if (ran.status === "failed") throw ran.error;
  expect(ran.tests.length).toBeGreaterThan(80);
});

describe("in Python", () => {
  test.each(ran.tests)("$name", ({ error }) => {
    expect(error).toBeNull();
  });
});

describe("what is promised is proved", () => {
  test("by as many tests as there are promises", () => {
    const counts = Object.entries(FORWARDER_PROMISES).map(([part, promises]) => [part, promises.length]);
    expect(Object.fromEntries(counts)).toEqual({ forwarder: 24, intake: 27, endToEnd: 6, registry: 17, terminal: 6 });
    const all = Object.values(FORWARDER_PROMISES).flat();
    expect(new Set(all.map(({ promise }) => promise)).size).toBe(80);
  });

  test.each(Object.values(FORWARDER_PROMISES).flat())("$promise", ({ file, title }) => {
    expect(testsOf(file, title)).toBe(1);
  });
});

test("HOOK.yaml names what the forwarder forwards", () => {
  const hook: unknown = parse(readFileSync(join(ROOT, "hooks/hermes/HOOK.yaml"), "utf8"));
  expect(hook).toEqual({
    name: "hookspan",
    description: expect.stringContaining("HOOKSPAN_HERMES_FORWARDER=0"),
    events: ["tui:*", "agent:*", "session:*", "command:*", "gateway:*"],
  });
});

/** How many tests of a file have a title: of vitest's, as a literal or as the first cell of a table's row. */
function testsOf(file: string, title: string): number {
  if (file.endsWith(".py")) return ran.tests.filter(({ name }) => name === title).length;
  return readFileSync(join(ROOT, file), "utf8").split(JSON.stringify(title)).length - 1;
}

/** Once for the whole file: each test is told of by itself. */
function run(): { status: "ran"; tests: PythonTest[] } | { status: "failed"; tests: PythonTest[]; error: unknown } {
  try {
    return { status: "ran", tests: runPythonTests(join(ROOT, "test/hermes-forwarder/test_handler.py")) };
  } catch (error) {
    return { status: "failed", tests: [], error };
  }
}
