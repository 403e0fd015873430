import * as fc from "fast-check";
import { expect, test } from "vitest";

import { unifiedDiff } from "./unified-diff.ts";

test("looks as diff -u looks", () => {
  expect(unifiedDiff("f", "a\nb\nc\nd\ne\n", "a\nb\nC\nd\ne\n")).toBe(
    "--- f\n+++ f\n@@ -1,5 +1,5 @@\n a\n b\n-c\n+C\n d\n e\n",
  );
  expect(unifiedDiff("f", undefined, "a\n")).toBe("--- /dev/null\n+++ f\n@@ -0,0 +1,1 @@\n+a\n");
  expect(unifiedDiff("f", "a", "a\n")).toMatch(/-a\n\\ No newline at end of file\n\+a\n$/);
  expect(unifiedDiff("f", "a\n", "a\n")).toBe("");
});

test("applied to the old text it gives the new one", () => {
  const lines = fc
    .array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 30 })
    .map((some) => some.map((line) => `${line}\n`).join(""));
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      expect(applied(before, unifiedDiff("f", before, after))).toBe(after);
    }),
  );
});

/** What `patch` does, for diffs that fit. */
function applied(before: string, diff: string): string {
  const old = before.split(/(?<=\n)/);
  const result: string[] = [];
  let at = 0;
  for (const line of diff.split(/(?<=\n)/).slice(2)) {
    const hunk = /^@@ -(\d+),(\d+) /.exec(line);
    if (hunk) while (at < Number(hunk[1]) - (hunk[2] === "0" ? 0 : 1)) result.push(old[at++] ?? "");
    else if (line.startsWith("+")) result.push(line.slice(1));
    else if (line.startsWith("-")) at++;
    else if (line.startsWith(" ")) result.push(old[at++] ?? "");
  }
  return [...result, ...old.slice(at)].join("");
}
