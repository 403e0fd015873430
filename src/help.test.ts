import { expect, test } from "vitest";

import { HELP } from "./help.ts";

test.for(Object.entries(HELP))("%s: on one screen, with an example", ([name, text]) => {
  const lines = text.trimEnd().split("\n");
  expect(lines.length).toBeLessThanOrEqual(24);
  expect(lines.filter((line) => line.length > 120)).toEqual([]);
  const command = name === "hookspan" ? name : `hookspan ${name}`;
  expect(lines[0]).toMatch(new RegExp(`^${command}: `));
  expect(text).toContain(`\nUsage: ${command} `);
  expect(lines.at(-1)).toMatch(new RegExp(`^Example: .*${command} `.trimEnd()));
});

test("each command is in the list, once", () => {
  const listed = [...(HELP["hookspan"] ?? "").matchAll(/^ {2}([a-z]+) +\S/gm)].map((match) => String(match[1]));
  const known = Object.keys(HELP).filter((name) => name !== "hookspan");
  expect(listed).toHaveLength(known.length);
  expect(listed).toEqual(expect.arrayContaining(known));
});
