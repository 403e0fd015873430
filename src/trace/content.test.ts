import * as fc from "fast-check";
import { expect, test } from "vitest";

import { captured } from "./content.ts";

const KEY = ["sk-", "ant-api03-Zx98Yw76Vu54Ts32Rq10-Po_98"].join("");

test.for([
  ["nothing with capture off", "none", "prompt", "hello", undefined],
  ["nothing of no text", "full", "prompt", undefined, undefined],
  ["an empty text", "full", "tool_result", "", ""],
  ["a short prompt", "preview", "prompt", "hello", "hello"],
  ["a prompt as long as the limit", "preview", "prompt", "x".repeat(200), "x".repeat(200)],
  ["200 characters of a prompt", "preview", "prompt", "x".repeat(201), `${"x".repeat(199)}…`],
  ["500 of a tool's input", "preview", "tool_input", "x".repeat(501), `${"x".repeat(499)}…`],
  ["500 of a tool's result", "preview", "tool_result", "x".repeat(500), "x".repeat(500)],
  ["500 of a response", "preview", "response", "x".repeat(9_000_000), `${"x".repeat(499)}…`],
  ["60,000 at most", "full", "response", "x".repeat(60_001), `${"x".repeat(59_999)}…`],
  ["code points, not units", "preview", "prompt", "😀".repeat(200), "😀".repeat(200)],
  ["no half of a pair", "preview", "prompt", "😀".repeat(201), `${"😀".repeat(199)}…`],
  ["no lone surrogate", "full", "prompt", "a\uD800b\uDC00c", "a\uFFFDb\uFFFDc"],
  ["no secret", "full", "tool_input", `curl ${KEY}`, "curl [redacted]"],
  ["no half of a secret at the limit", "preview", "prompt", `${"x ".repeat(95)}${KEY}`, `${"x ".repeat(95)}[redacted]`],
] as const)("captures %s", ([, mode, kind, text, expected]) => {
  expect(captured(mode, kind, text)).toBe(expected);
});

test("a secret cut off where redaction stops to look does not slip in when another one shrinks", () => {
  const text = `${"a=1 ".repeat(5)} TOKEN=${"y".repeat(4440)} ${KEY} ${"z".repeat(2000)}`;
  // The look ends 4,496 units in, amid the key.
  expect(text.slice(0, 4496)).toMatch(/sk-\S+$/);
  expect(captured("preview", "prompt", text)).toBe(`${"a=1 ".repeat(5)} TOKEN=[redacted] …`);
});

test("whatever the text, the result is well formed and within the limit", () => {
  const text = fc
    .array(
      fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("\uD83D", "\uDE00", "😀", ` ${KEY} `, "-----BEGIN ")),
    )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, fc.nat(100), (part, times) => {
      const result = captured("preview", "response", part.repeat(times)) ?? "";
      expect(Array.from(result).length).toBeLessThanOrEqual(500);
      expect(Buffer.from(result, "utf8").toString("utf8")).toBe(result);
      expect(result).not.toContain(KEY);
    }),
  );
});
