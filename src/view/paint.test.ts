import { expect, test } from "vitest";
import { wantsColor } from "./paint.ts";

test.for<[string, { isTTY?: boolean }, Record<string, string>, boolean]>([
  ["a terminal", { isTTY: true }, { TERM: "xterm" }, true],
  ["a pipe", {}, { TERM: "xterm" }, false],
  ["NO_COLOR", { isTTY: true }, { NO_COLOR: "1" }, false],
  ["an empty NO_COLOR counts as none", { isTTY: true }, { NO_COLOR: "" }, true],
  ["a terminal that can nothing", { isTTY: true }, { TERM: "dumb" }, false],
])("colours: %s", ([, terminal, env, wanted]) => {
  expect(wantsColor(terminal, env)).toBe(wanted);
});
