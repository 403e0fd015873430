import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";

import type { HookFile } from "./json-hooks.ts";
import { withYamlHooks, withoutYamlHooks, yamlHooksIn } from "./yaml-hooks.ts";

const FILE: HookFile = { form: "flat", root: {}, isOurs: ({ command }) => /hookspan\.sh/.test(String(command)) };
const HOOK = { command: "/data/hookspan.sh hermes", timeout: 5 };
const WANTED = { start: HOOK, stop: HOOK };
const TEXT = ['    - command: "/data/hookspan.sh hermes"', "      timeout: 5"].join("\n");
const BLOCK = `  start:\n${TEXT}\n  stop:\n${TEXT}\n`;

describe("put in and taken out", () => {
  test.for<[string, string, string]>([
    ["no text", "", `hooks:\n${BLOCK}`],
    ["other settings", "# mine\nmodel: x\n", `# mine\nmodel: x\nhooks:\n${BLOCK}`],
    ["no newline at the end", "model: x", `model: x\nhooks:\n${BLOCK.trimEnd()}`],
    ["only comments", "# nothing yet\n", `# nothing yet\nhooks:\n${BLOCK}`],
    ["no hooks yet", "hooks:\nmodel: x\n", `hooks:\n${BLOCK}model: x\n`],
    ["an empty mapping", "hooks: {} # none\nmodel: x\n", `hooks: # none\n${BLOCK}model: x\n`],
    [
      "other hooks, other indentation",
      "hooks:\n    start: # why\n    - command: mine # here\n    other:\n      - command: |\n          two\n          lines\n\n# about the model\nmodel: x\n",
      `hooks:\n    start: # why\n    - command: mine # here\n    - command: "/data/hookspan.sh hermes"\n      timeout: 5\n    other:\n      - command: |\n          two\n          lines\n    stop:\n      - command: "/data/hookspan.sh hermes"\n        timeout: 5\n\n# about the model\nmodel: x\n`,
    ],
    ["an empty list", "hooks:\n  start: []\n", `hooks:\n${BLOCK}`],
    ["CRLF", "a: 1\r\n", `a: 1\r\nhooks:\n${BLOCK}`.replaceAll(/\r?\n/g, "\r\n")],
    ["escapes and quotes", "a: \"Ren\\u00e9\"\nb: 'x'\n", `a: "Ren\\u00e9"\nb: 'x'\nhooks:\n${BLOCK}`],
  ])("%s", ([name, before, after]) => {
    expect(textOf(withYamlHooks(before, FILE, WANTED))).toBe(after);
    expect(textOf(withYamlHooks(after, FILE, WANTED))).toBe(after);
    const back = textOf(withoutYamlHooks(after, FILE, before));
    // Only what an untouched file gets from its backup anyway may differ.
    const almost = {
      "no newline at the end": "model: x\n",
      "an empty mapping": "hooks: {} # none\nmodel: x\n",
      "an empty list": "hooks:\n",
    };
    expect(back).toBe(Reflect.get(almost, name) ?? before);
    expect(yamlHooksIn(back, FILE)).toEqual({ status: "found", handlers: [] });
  });
});

test("ours of an older version goes, another's stays", () => {
  const before = `hooks:\n  start:\n    - command: /old/hookspan.sh hermes\n    - command: mine\n  gone:\n    - command: /old/hookspan.sh hermes\n`;
  expect(textOf(withYamlHooks(before, FILE, { start: HOOK }))).toBe(`hooks:\n  start:\n    - command: mine\n${TEXT}\n`);
});

test("any mapping: its lines stay, twice is once, and without ours it is the old one again", () => {
  const hook = fc.record({ command: fc.string(), matcher: fc.string() }, { requiredKeys: ["command"] });
  const hooks = fc.dictionary(fc.constantFrom("start", "stop", "other"), fc.array(hook, { minLength: 1 }), {
    minKeys: 1,
  });
  const value = fc.record({ a: fc.jsonValue(), hooks, z: fc.string() }, { requiredKeys: ["a"] });
  const layout = fc.record({
    indent: fc.constantFrom(2, 4),
    indentSeq: fc.boolean(),
    lineWidth: fc.constantFrom(0, 20),
  });
  fc.assert(
    fc.property(value, layout, fc.boolean(), (settings, options, commented) => {
      const plain = stringify(settings, { ...options, version: "1.2" });
      const before = commented ? `# mine\n${plain}# end\n` : plain;
      const after = textOf(withYamlHooks(before, FILE, WANTED));
      expect(yamlHooksIn(after, FILE)).toMatchObject({
        handlers: expect.arrayContaining([{ event: "stop", handler: HOOK }]),
      });
      expect(textOf(withYamlHooks(after, FILE, WANTED))).toBe(after);
      expect(textOf(withoutYamlHooks(after, FILE, before))).toBe(before);
    }),
    { numRuns: 1000 },
  );
});

test.for<[string, string, RegExp]>([
  ["no YAML", "a: [1\nb: 2\n", /not valid YAML from line/],
  ["a list", "- a\n", /no YAML mapping/],
  ["hooks that are none", "hooks: yes please\n", /something else than a mapping/],
  ["a mapping in brackets", "hooks: {start: [{command: mine}]}\n", /in brackets/],
  ["a list in brackets", "hooks:\n  start: [{command: mine}]\n", /in brackets/],
  ["an end mark", "a: 1\n...\n", /cannot edit it|not valid YAML/],
])("refused: %s", ([, text, reason]) => {
  expect(withYamlHooks(text, FILE, WANTED)).toMatchObject({ status: "invalid", reason: expect.stringMatching(reason) });
});

function textOf(edited: ReturnType<typeof withYamlHooks>): string {
  if (edited.status === "invalid") throw new Error(edited.reason);
  return edited.text;
}
