import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { tempDirectory } from "../../test/support/temp-state.ts";
import { loadConfig } from "./config.ts";
import { ConfigError } from "./error.ts";
import { withSecretHeaders } from "./secret-headers.ts";

test("headers come from the file beside the configuration and from the command, over those that stand there", () => {
  const directory = tempDirectory();
  writeFileSync(join(directory, "secret"), "# mine\r\nauthorization: Bearer a:b\r\n\r\nx-one: 1\n");
  const headersCommand = "echo 'x-one: 2'; echo noise >&2";
  const config = configOf(directory, {
    headers: { a: "b", authorization: "old" },
    headersFile: "secret",
    headersCommand,
  });
  expect(withSecretHeaders(config).headers).toEqual({ a: "b", authorization: "Bearer a:b", "x-one": "2" });
  writeFileSync(join(directory, "secret"), "authorization: Bearer new\n");
  expect(withSecretHeaders(config).headers).toMatchObject({ authorization: "Bearer new" });
});

test.for<[string, object, RegExp]>([
  ["a file that is not there", { headersFile: "none" }, /headersFile .*none: cannot be read/],
  ["a line that is no header", { headersCommand: "echo s3cret" }, /headersCommand: a line without a colon/],
  ["a name that is none", { headersCommand: "echo 's3 cret: x'" }, /headersCommand: headers\./],
  ["a value that is none", { headersCommand: "printf 'a: s3cret\\001'" }, /headersCommand: headers.a: a string stands/],
  ["a command that fails", { headersCommand: "echo s3cret; exit 1" }, /headersCommand: did not end well/],
])("refused without a word of it: %s", ([, settings, message]) => {
  const config = configOf(tempDirectory(), settings);
  const error = caught(() => withSecretHeaders(config));
  expect(error).toBeInstanceOf(ConfigError);
  expect(String(error)).toMatch(message);
  expect(String(error)).not.toContain("s3cret");
});

function configOf(directory: string, settings: object) {
  const file = join(directory, "config.json");
  writeFileSync(file, JSON.stringify(settings));
  return loadConfig({ env: { HOME: directory, HOOKSPAN_CONFIG: file }, ambientOtel: false, hookStarted: true });
}

function caught(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}
