import { expect, test } from "vitest";
import { oneLine, withoutSecrets } from "./reason.ts";

test.for([
  ["the whole value", "you sent Bearer abc123xyz", ["Bearer abc123xyz"], "you sent ***"],
  ["the value without its scheme", "token abc123xyz unknown", ["Bearer abc123xyz"], "token *** unknown"],
  ["one value of several headers", "key=k-1234567, tenant=blue", ["k-1234567", "green"], "key=***, tenant=blue"],
  ["words of a scheme stay", "Bearer expected", ["Bearer abc123xyz"], "Bearer expected"],
  ["an empty header", "nothing", [""], "nothing"],
] as const)("masks %s", ([, text, secrets, masked]) => {
  expect(withoutSecrets(text, secrets)).toBe(masked);
});

test("a text becomes one short line", () => {
  expect(oneLine(` a\r\n\u001b[31mb\t${"x".repeat(500)}`)).toBe(`a [31mb ${"x".repeat(192)}`);
});
