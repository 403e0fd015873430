import * as fc from "fast-check";
import { expect, test } from "vitest";

import { createExclude, excludedDirectories } from "./exclude.ts";

test.for([
  ["/a/b", "/a/b /a/b/c /a/b/c/d /a/b/", "/a /a/bc /x/a/b"],
  ["/a/b/", "/a/b /a/b/c", "/a"],
  ["/a/*", "/a/b /a/b/c", "/a /b"],
  ["/a/*/c", "/a/b/c /a/b/c/d", "/a/c /a/b/b/c"],
  ["/a/**/c", "/a/c /a/b/c /a/b/b/c /a/c/d", "/a /a/b /c"],
  ["**/secret", "/secret /a/b/secret /secret/x", "/a/secrets /a"],
  ["/a/b*", "/a/b /a/bc", "/a/c /a"],
  ["/a/*b*c", "/a/bc /a/xbyc /a/bbcbc", "/a/cb /a/b"],
  ["/a/b?", "/a/bc /a/bä /a/b😀", "/a/b /a/bcd"],
  ["/a/b.c", "/a/b.c", "/a/bxc"],
  ["/a/[b]", "/a/[b]", "/a/b"],
  ["/**", "/ /a /a/b", ""],
  ["/", "/ /a", ""],
  ["/a//b/./c", "/a/b/c", "/a/b"],
] as const)("%s", ([glob, inside, outside]) => {
  const excluded = excludedDirectories([glob]);
  expect(pathsOf(inside).filter((path) => !excluded(path))).toEqual([]);
  expect(pathsOf(outside).filter(excluded)).toEqual([]);
});

test("no glob excludes nothing, and one of many is enough", () => {
  expect(excludedDirectories([])("/a")).toBe(false);
  expect(excludedDirectories(["/b", "/a"])("/a")).toBe(true);
});

test("agrees with a regular expression that says the same", () => {
  const piece = fc.constantFrom("a", "b", "*", "?", "**", "/", "/", "/**/");
  const glob = fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join("")}`);
  const path = fc.array(fc.constantFrom("a", "b", "/"), { maxLength: 8 }).map((pieces) => `/${pieces.join("")}`);
  fc.assert(
    fc.property(glob, path, (pattern, cwd) => {
      expect(excludedDirectories([pattern])(cwd)).toBe(
        expressionOf(pattern).test(cwd.replace(/\/+/g, "/").replace(/(.)\/$/, "$1")),
      );
    }),
    { numRuns: 2000 },
  );
});

test("a glob of many stars is no burden", () => {
  const excluded = excludedDirectories([`/${"**/".repeat(50)}x`, `/${"*a".repeat(50)}x`]);
  expect(excluded(`/${"a/".repeat(2000)}`)).toBe(false);
  expect(excluded(`/${"a".repeat(4000)}`)).toBe(false);
});

function pathsOf(list: string): string[] {
  return list.split(" ").filter((path) => path !== "");
}

function expressionOf(glob: string): RegExp {
  const folders = glob.split("/").filter((folder) => folder !== "");
  const parts = folders.map((folder) =>
    folder === "**" ? "(?:/[^/]+)*" : `/(?=[^/])${folder.replace(/\*+/g, "[^/]*").replaceAll("?", "[^/]")}`,
  );
  return new RegExp(`^(?:/$|)${parts.join("")}(?:/.*)?$`);
}

test.for([
  ["all agents", undefined, "codex", undefined, false],
  ["an agent that is named", ["codex"], "codex", "/a", false],
  ["an agent that is not", ["codex"], "hermes", "/a", true],
  ["an agent that is not, in no directory", ["codex"], "hermes", undefined, true],
  ["a directory of an agent that is named", ["codex"], "codex", "/secret/x", true],
  ["a directory of any agent", undefined, "codex", "/secret", true],
] as const)("%s", ([, agents, agent, cwd, expected]) => {
  expect(createExclude({ exclude: ["/secret"], agents })(agent, cwd)).toBe(expected);
});
