import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { tempDirectory } from "../test/support/temp-state.ts";
import { calledAs } from "./called-as.ts";

test("by its name where PATH leads to it, else by its path", () => {
  const root = tempDirectory();
  const [bin, other, spaced] = [join(root, "bin"), join(root, "other"), join(root, "it's mine")];
  for (const directory of [bin, other, spaced]) mkdirSync(directory);
  const program = join(root, "hookspan.cjs");
  for (const path of [program, join(other, "hookspan"), join(spaced, "hookspan.cjs")]) writeFileSync(path, "");
  symlinkSync(program, join(bin, "hookspan"));
  expect(calledAs(program, `/nowhere:${bin}`)).toBe("hookspan");
  expect(calledAs(program, `${other}:.`)).toBe(`node ${program}`);
  expect(calledAs(join(spaced, "hookspan.cjs"), "")).toBe(String.raw`node '${root}/it'\''s mine/hookspan.cjs'`);
});
