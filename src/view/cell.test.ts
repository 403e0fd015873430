import { expect, test } from "vitest";
import { fit, formatDuration, formatUsd } from "./cell.ts";

test.for<[number, string]>([
  [0, "0 ms"],
  [999.4, "999 ms"],
  [999.6, "1.0 s"],
  [2149, "2.1 s"],
  [59_949, "59.9 s"],
  [59_990, "1 m 00 s"],
  [185_000, "3 m 05 s"],
  [3_599_700, "1 h 00 m"],
  [7_380_000, "2 h 03 m"],
])("%d ms is %s", ([ms, text]) => {
  expect(formatDuration(BigInt(Math.round(ms * 1e6)))).toBe(text);
});

test.for<[number, string]>([
  [0, "$0.0000"],
  [0.251375, "$0.2514"],
  [1234.5, "$1,234.5000"],
])("%d USD is %s", ([usd, text]) => {
  expect(formatUsd(usd)).toBe(text);
});

test.for<[string, number, string]>([
  ["abc", 5, "abc  "],
  ["abcdef", 5, "abcd…"],
  ["a𝒳cdef", 4, "a𝒳c…"],
])("%s in %d columns", ([text, width, shown]) => {
  expect(fit(text, width)).toBe(shown);
});
