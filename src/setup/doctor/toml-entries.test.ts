import { expect, test } from "vitest";

import { tomlEntries, tomlText } from "./toml-entries.ts";

test.for<[string, string, string[], string]>([
  ["a key of the root", 'model = "x"', ["model"], "x"],
  ["a key with dots", "features.hooks = false # no", ["features", "hooks"], "false"],
  ["a table", "[features]\nhooks = false", ["features", "hooks"], "false"],
  ["a table of tables", '[[hooks.Stop.hooks]]\ncommand = "a \\"b\\""', ["hooks", "Stop", "hooks", "command"], 'a "b"'],
  [
    "a quoted key with dots, colons and escapes",
    '[hooks.state."C:\\\\a.b:stop:0:0"]\ntrusted_hash = "h"',
    ["hooks", "state", "C:\\a.b:stop:0:0", "trusted_hash"],
    "h",
  ],
  ["a literal key", "[hooks.state.'C:\\a']\ntrusted_hash = 'h'", ["hooks", "state", "C:\\a", "trusted_hash"], "h"],
  [
    "an inline table in one",
    '[otel]\nexporter = { otlp-http = { endpoint = "a,b=c", protocol = "json" } }',
    ["otel", "exporter", "otlp-http", "endpoint"],
    "a,b=c",
  ],
  ["a line end of Windows", "[otel]\r\nexporter = 'none'\r\n", ["otel", "exporter"], "none"],
])("%s", ([, text, path, value]) => {
  const [first] = tomlEntries(text);
  expect(first?.path).toEqual(path);
  expect(tomlText(first?.value ?? "")).toBe(value);
});

test("what looks like an entry and is a text or a remark is none", () => {
  expect(tomlEntries('a = """\n[b]\nc = 1\n"""\n# d = 2\nnot an entry\n').map(({ path }) => path)).toEqual([["a"]]);
});
