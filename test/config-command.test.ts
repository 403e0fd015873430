// `hookspan config`: reads and changes one file, and never shows a secret.
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { UsageError } from "../src/commands/arguments.ts";
import { configure } from "../src/commands/config.ts";
import { ConfigError } from "../src/config/error.ts";
import { tempDirectory } from "./support/temp-state.ts";

test.for<[string, string[], unknown]>([
  ["a text", ["endpoint", "https://c.example:4318"], { endpoint: "https://c.example:4318" }],
  ["a number", ["timeout", "5000"], { timeout: 5000 }],
  ["a text that looks like a number", ["instance", "17"], { instance: "17" }],
  ["a part of an object", ["bounds.ageDays", "2"], { bounds: { ageDays: 2 } }],
  ["a header", ["headers.authorization", "Bearer abc"], { headers: { authorization: "Bearer abc" } }],
  [
    "a name with dots",
    ["resource.deployment.environment.name", "ci"],
    { resource: { "deployment.environment.name": "ci" } },
  ],
  ["a list", ["exclude", '["~/private"]'], { exclude: ["~/private"] }],
  ["an object", ["tls", '{"ca":"ca.pem"}'], { tls: { ca: "ca.pem" } }],
])("set: %s", ([, [key = "", value = ""], content]) => {
  const { run, file } = world();
  expect(run("set", key, value)).toBe("");
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(content);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("what stands in the file stays as it is written", () => {
  const text = '{\r\n\t"capture": "none",\r\n\t"headers": { "a": "Ren\\u00e9" }\r\n}\r\n';
  const { run, file } = world(text);
  chmodSync(file, 0o640);
  run("set", "capture", "preview");
  run("set", "headers.b", "c");
  expect(readFileSync(file, "utf8")).toBe(
    '{\r\n\t"capture": "preview",\r\n\t"headers": { "a": "Ren\\u00e9", "b": "c" }\r\n}\r\n',
  );
  expect(statSync(file).mode & 0o777).toBe(0o640);
  run("set", "capture", "none");
  run("unset", "headers.b");
  run("unset", "timeout");
  expect(readFileSync(file, "utf8")).toBe(text);
});

test.for<[string, string[], RegExp]>([
  [
    "a value that is none",
    ["set", "capture", "all"],
    /config\.json: capture: "all" stands there; allowed: .*none, preview, full/,
  ],
  ["a number out of bounds", ["set", "timeout", "0"], /timeout: 0 stands there; allowed: milliseconds/],
  ["a text for a number", ["set", "timeout", "soon"], /timeout: "soon" stands there; allowed: milliseconds/],
  ["a key that is none", ["set", "endpiont", "http://x"], /endpiont: unknown key/],
  ["a part that is none", ["set", "bounds.agedays", "1"], /bounds\.agedays: unknown key, did you mean ageDays\?/],
  ["a secret that is none", ["set", "headers.a", "s3cret\n"], /headers\.a: a string stands there/],
  [
    "two destinations",
    ["set", "endpoints", '{"traces":"http://a","metrics":"http://b"}'],
    /endpoint: stands beside endpoints/,
  ],
])("refused, and nothing is written: %s", ([, args, message]) => {
  const text = '{ "endpoint": "http://x" }';
  const { run, file } = world(text);
  const error = caught(() => run(...args));
  expect(error).toBeInstanceOf(ConfigError);
  expect(String(error)).toMatch(message);
  expect(String(error)).not.toContain("s3cret");
  expect(readFileSync(file, "utf8")).toBe(text);
});

test.for([["{"], ['{ "capture": "none" } // mine'], ["[]"]])("a file that is none is left alone: %s", ([text = ""]) => {
  const { run, file } = world(text);
  expect(() => run("set", "capture", "full")).toThrow(ConfigError);
  expect(readFileSync(file, "utf8")).toBe(text);
});

describe("get and list", () => {
  const TEXT = JSON.stringify({ headers: { authorization: "Bearer s3cret" }, timeout: 5, bounds: { ageDays: 2 } });

  test("say what a bridge would take, and where it comes from", () => {
    const { run } = world(TEXT, { HOOKSPAN_ENDPOINT: "http://e:4318" });
    expect(run("get", "timeout")).toBe("5\n");
    expect(run("get", "endpoint")).toBe("http://e:4318\n");
    expect(run("get", "bounds.ageDays")).toBe("2\n");
    expect(run("get", "capture")).toBe("none\n");
    expect(run("list")).toMatch(
      /^endpoint +environment +http:\/\/e:4318\n(?:.*\n)*timeout +file +5\n(?:.*\n)*capture +default +none\n/,
    );
    expect(JSON.parse(run("list", "--json"))).toMatchObject({ timeout: { value: 5, source: "file" } });
  });

  test("show no secret", () => {
    const { run } = world(TEXT);
    expect(run("get", "headers")).toBe('{"authorization":"(secret)"}\n');
    expect(run("get", "headers.authorization")).toBe("(secret)\n");
    expect(run("list") + run("list", "--json")).not.toContain("s3cret");
  });
});

test("path", () => {
  const { run, file } = world();
  expect(run("path")).toBe(`${file}\n`);
  expect(existsSync(file)).toBe(false);
});

test.for([[[]], [["show"]], [["get"]], [["set", "capture"]], [["list", "x"]], [["get", "captur"]]] as [string[]][])(
  "a mistake: config %s",
  ([args]) => {
    expect(() => world().run(...args)).toThrow(UsageError);
  },
);

function world(text?: string, env: Record<string, string> = {}) {
  const home = tempDirectory();
  const file = join(home, "deep", "config.json");
  const variables = { HOME: home, HOOKSPAN_CONFIG: text === undefined ? file : join(home, "config.json"), ...env };
  if (text !== undefined) writeFileSync(variables.HOOKSPAN_CONFIG, text);
  return { file: variables.HOOKSPAN_CONFIG, run: (...args: string[]) => configure(args, variables) };
}

function caught(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}
