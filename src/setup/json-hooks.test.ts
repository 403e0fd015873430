import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { type HookFile, hooksIn, withHooks, withoutHooks } from "./json-hooks.ts";
import { parseJsonc } from "./jsonc.ts";

const OURS = { type: "command", command: "/data/hookspan.sh agent", timeout: 5 };
const GROUPS: HookFile = { form: "groups", root: {}, isOurs: ({ command }) => /hookspan\.sh/.test(String(command)) };
const FLAT: HookFile = { ...GROUPS, form: "flat", root: { version: 1 } };
const WANTED = { Start: OURS, Stop: OURS };

describe("in the manner of the text around it", () => {
  test.for<[string, string, string]>([
    ["no text", "", '{\n  "hooks": {\n    "Start": ['],
    ["an empty object", "{}", '{\n  "hooks": {\n    "Start": ['],
    ["four spaces", '{\n    "a": 1\n}\n', '{\n    "a": 1,\n    "hooks": {\n        "Start": [\n            {\n'],
    ["tabs", '{\n\t"a": 1\n}', '{\n\t"a": 1,\n\t"hooks": {\n\t\t"Start": [\n'],
    ["CRLF", '{\r\n  "a": 1\r\n}\r\n', '{\r\n  "a": 1,\r\n  "hooks": {\r\n    "Start": [\r\n'],
    ["one line", '{"a":1}', '{"a":1, "hooks": {"Start":[{"hooks":[{'],
    ["a comment behind the last member", '{\n  "a": 1 // one\n}\n', '{\n  "a": 1, // one\n  "hooks": {\n'],
    ["a comment at the end", '{\n  "a": 1\n  // end\n}\n', '{\n  "a": 1,\n  "hooks": {\n'],
    ["a trailing comma", '{\n  "a": 1,\n}\n', '{\n  "a": 1,\n  "hooks": {\n'],
    ["only a comment", "{\n  // none\n}", '{\n  // none\n  "hooks": {\n'],
    ["escapes", '{"n": "Ren\\u00e9\\/"}', '{"n": "Ren\\u00e9\\/", "hooks"'],
    ["a line comment inside of one line", '{"a": 1 // c\n}', '{"a": 1, // c\n"hooks": {'],
  ])("%s", ([, before, beginning]) => {
    const after = textOf(withHooks(before, GROUPS, WANTED));
    expect(after.slice(0, beginning.length)).toBe(beginning);
    expect(eventsIn(after, GROUPS)).toEqual(["Start", "Stop"]);
    // Where there was no file, the installer removes it.
    expect(textOf(withoutHooks(after, GROUPS, before))).toBe(before || "{}\n");
  });
});

test("a trailing comma stays one, behind ours too", () => {
  expect(textOf(withHooks('{\n  "hooks": {\n    "Stop": [],\n  },\n}', GROUPS, { Go: OURS }))).toMatch(
    /\],\n {2}\},\n\}$/,
  );
});

test("hooks of others stay first, and stay when ours go", () => {
  const before =
    '{ "hooks": { "Stop": [ { "matcher": "x", "hooks": [ { "type": "command", "command": "mine" } ] } ] } }\n';
  const after = textOf(withHooks(before, GROUPS, WANTED));
  expect(after).toContain('"command": "mine" } ] }, {"hooks":[{"type"');
  expect(textOf(withoutHooks(after, GROUPS, before))).toBe(before);
  expect(textOf(withoutHooks(after, GROUPS))).toBe(before);
});

test("ours of an older version is replaced in its place, and what is doubled or no longer wanted goes", () => {
  const old = '{"type":"command","command":"/old/hookspan.sh agent"}';
  const mine = '{ "type": "command", "command": "mine" }';
  const before = `{"hooks": {"Stop": [{"hooks": [${old}, ${mine}]}, {"hooks": [${old}]}], "Gone": [{"hooks": [${old}]}]}}`;
  const after = textOf(withHooks(before, GROUPS, WANTED));
  const ours = JSON.stringify(OURS);
  expect(after).toBe(`{"hooks": {"Stop": [{"hooks": [${ours}, ${mine}]}], "Start": [{"hooks":[${ours}]}]}}`);
});

test("what is right already is not touched, however it is written", () => {
  const text = '{"hooks":{"Stop":[{"hooks":[{"timeout":5,"command":"\\/data/hookspan.sh agent","type":"command"}]}]}}';
  expect(withHooks(text, GROUPS, { Stop: OURS })).toEqual({ status: "edited", text });
});

test("the flat form, with the version that its agent wants", () => {
  const before = '{\n  "hooks": {\n    "Stop": [{ "command": "mine" }]\n  }\n}\n';
  const after = textOf(withHooks(before, FLAT, WANTED));
  expect(parseJsonc(after)).toMatchObject({
    value: { version: 1, hooks: { Stop: [{ command: "mine" }, OURS], Start: [OURS] } },
  });
  expect(textOf(withoutHooks(after, FLAT, before))).toBe(before);
});

test("a comment before ours does not swallow what follows", () => {
  const before = `{ "a": 1, // one\n  "hooks": {"Stop": [{"hooks": [${JSON.stringify(OURS)}]}]} }`;
  expect(textOf(withoutHooks(before, GROUPS))).toBe('{ "a": 1 // one\n   }');
});

test.for<[string, string, RegExp]>([
  ["no JSON", '{\n  "a": 1\n  "b": 2\n}', /not valid JSON from line 3/],
  ["no object", "[]", /holds no JSON object/],
  ["hooks that are none", '{"hooks": []}', /something else than an object at "hooks"/],
  ["an event that is none", '{"hooks": {"Stop": {}}}', /something else than a list at "hooks.Stop"/],
  ["a key twice", '{"hooks": {}, "hooks": {}}', /"hooks" twice/],
  ["an event twice", '{"hooks": {"A": [], "A": []}}', /"hooks.A" twice/],
  ["two texts", "{} {}", /not valid JSON/],
])("refused: %s", ([, text, reason]) => {
  expect(withHooks(text, GROUPS, WANTED)).toMatchObject({ status: "invalid", reason: expect.stringMatching(reason) });
});

test("any text: the old one stays inside the new one, twice is once, and without ours it is the old one again", () => {
  fc.assert(
    fc.property(settingsText(), fc.constantFrom(GROUPS, FLAT), (before, file) => {
      const after = textOf(withHooks(before, file, WANTED));
      expect(eventsIn(after, file).sort()).toEqual(["Start", "Stop"]);
      expect(withHooks(after, file, WANTED)).toEqual({ status: "edited", text: after });
      expect(isInside(before.replaceAll(/\s/g, ""), after)).toBe(true);
      const back = textOf(withoutHooks(after, file, before));
      expect(back.replaceAll(/\s/g, "")).toBe(before.replaceAll(/\s/g, ""));
    }),
    { numRuns: 2000 },
  );
});

/** Settings of all kinds, in layouts of all kinds. */
function settingsText(): fc.Arbitrary<string> {
  const handler = fc.record({ type: fc.constant("command"), command: fc.string() });
  const list = fc.array(
    fc.oneof(handler, fc.record({ matcher: fc.string(), hooks: fc.array(handler, { minLength: 1 }) })),
  );
  const hooks = fc.dictionary(fc.constantFrom("Start", "Stop", "Other", "\u00e9"), list);
  const value = fc.oneof(
    fc.dictionary(
      fc.string().filter((key) => key !== "hooks" && key !== "version" && key !== "__proto__"),
      fc.jsonValue(),
    ),
    fc.record({ a: fc.jsonValue(), hooks, z: fc.string() }, { requiredKeys: ["hooks"] }),
  );
  const space = fc.constantFrom("", " ", "\n", "\r\n", "\t", "\n    ", " /* c */ ", " // c\n", "\n  // c\n  ");
  return fc.tuple(value, fc.infiniteStream(space), fc.boolean()).map(([json, spaces, trailing]) => {
    const tokens = JSON.stringify(json).match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^{}[\],:"]+/g) ?? [];
    const laidOut = tokens.map((token, at) => {
      const hasMore = trailing && /^[}\]]$/.test(token) && !/^[{[]$/.test(tokens[at - 1] ?? "");
      return (hasMore ? "," : "") + String(spaces.next().value) + token;
    });
    return `${laidOut.join("")}${String(spaces.next().value)}`;
  });
}

function isInside(part: string, whole: string): boolean {
  let at = 0;
  for (const letter of whole) if (letter === part[at]) at++;
  return at === part.length;
}

function textOf(edited: ReturnType<typeof withHooks>): string {
  if (edited.status === "invalid") throw new Error(edited.reason);
  return edited.text;
}

function eventsIn(text: string, file: HookFile): string[] {
  const found = hooksIn(text, file);
  if (found.status === "invalid") throw new Error(found.reason);
  return found.handlers.map(({ event }) => event);
}
