// Tempo cuts an attribute at a limit of its own, without a word to whoever sent it. With content captured in full, nothing of ours
// may be as long as that.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";

import { FULL_CHARACTERS } from "../src/trace/content.ts";
import { at, foldToEnd } from "./support/folded.ts";

const tempo = z
  .looseObject({ distributor: z.looseObject({ max_attribute_bytes: z.number() }) })
  .parse(parse(readFileSync(join(import.meta.dirname, "../collector-config/tempo.yaml"), "utf8")));

describe.each([
  ["letters", "a"],
  ["characters of four bytes", "😀"],
  ["lines, which JSON escapes", "\n"],
  ["what JSON writes in six bytes", "\u0001"],
])("the longest texts, of %s", (_, character) => {
  test("Tempo keeps whole", () => {
    const text = character.repeat(FULL_CHARACTERS + 1);
    const { spans } = foldToEnd([
      { ...at(0, "r"), kind: "prompt.submitted", trigger: "user", content: { input: text } },
      { ...at(1, "r"), kind: "tool.started", callId: "c", tool: "Bash", content: { input: text } },
      { ...at(2, "r"), kind: "tool.ended", callId: "c", tool: "Bash", outcome: "success", content: { output: text } },
      { ...at(3, "r"), kind: "run.stopped", content: { output: text } },
      { ...at(4, "r"), kind: "run.settled" },
      { ...at(5), kind: "session.ended", reason: "other" },
    ]);
    const sizes = spans.flatMap(({ attributes }) =>
      Object.values(attributes).map((value) => Buffer.byteLength(String(value))),
    );
    expect(sizes.filter((bytes) => bytes > FULL_CHARACTERS - 1)).toHaveLength(4);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(tempo.distributor.max_attribute_bytes);
  });
});
