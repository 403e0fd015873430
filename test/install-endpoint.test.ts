// `hookspan install --endpoint`: what it does to the configuration file, and how that is taken back.
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

import { createFakeMachine, type FakeMachine } from "./support/fake-machine.ts";

const URL = "https://collector.example.org:4318";
const OTHER = "http://127.0.0.1:14318";

test.for<[string, string | undefined, string]>([
  ["absent", undefined, `{\n  "endpoint": "${URL}"\n}\n`],
  ["empty", "", `{\n  "endpoint": "${URL}"\n}\n`],
  ["without an endpoint", '{"capture":  "none"}', `{"capture":  "none", "endpoint": "${URL}"}`],
  ["with another", `\uFEFF{\r\n\t"endpoint": "${OTHER}"\r\n}`, `\uFEFF{\r\n\t"endpoint": "${URL}"\r\n}`],
])("a configuration %s gets it, again is nothing, and it goes without a trace", async ([, text, after]) => {
  const { machine, path } = machineWith(text);
  const before = machine.snapshot();
  const planned = await machine.install("--endpoint", URL, "--dry-run");
  expect(planned.output).toContain(`${text === undefined ? "create" : "change"}   ${path}  (`);
  expect(planned.output).toContain(`endpoint ${URL}`);
  expect(machine.snapshot()).toEqual(before);

  expect((await machine.install("--endpoint", URL, "--yes")).reason).toBeUndefined();
  expect(readFileSync(path, "utf8")).toBe(after);
  const installed = machine.snapshot();
  for (const args of [["--endpoint", URL, "--yes"], ["--yes"]]) {
    expect((await machine.install(...args)).output).toContain("nothing to change");
    expect(machine.snapshot()).toEqual(installed);
  }
  const { output, reason } = await machine.uninstall("--yes");
  expect([output, reason]).toEqual([expect.stringContaining("what still waits has no endpoint then"), undefined]);
  expect(machine.snapshot()).toEqual(before);
});

test("one after another: what was before the first comes back", async () => {
  const { machine } = machineWith('{ "capture": "none" }\n');
  const before = machine.snapshot();
  await machine.install("--endpoint", OTHER, "--yes");
  await machine.install("--endpoint", URL, "--yes");
  await machine.uninstall("--yes");
  expect(machine.snapshot()).toEqual(before);
});

test("edited since, it is the user's: it stays, and that is said", async () => {
  const { machine, path } = machineWith(undefined);
  await machine.install("--endpoint", URL, "--yes");
  const mine = `{ "endpoint": "${URL}", "capture": "full" }\n`;
  writeFileSync(path, mine);
  expect((await machine.uninstall("--yes")).output).toContain(`note     ${path} is kept: it was edited since`);
  expect(readFileSync(path, "utf8")).toBe(mine);
  expect(existsSync(`${path}.hookspan.bak`)).toBe(false);
  expect(existsSync(machine.data)).toBe(false);
});

test("with one of two agents gone it stays", async () => {
  const { machine, path } = machineWith(undefined);
  await machine.install("codex", "gemini-cli", "--endpoint", URL, "--yes");
  await machine.uninstall("codex", "--yes");
  expect(readFileSync(path, "utf8")).toContain(URL);
  await machine.uninstall("gemini-cli", "--yes");
  expect(existsSync(path)).toBe(false);
});

test("no secret of the file is shown", async () => {
  const { machine } = machineWith('{\n  "headers": { "authorization": "Bearer hush" }\n}\n');
  expect((await machine.install("--endpoint", URL, "--dry-run")).output).not.toContain("hush");
});

test.for<[string, string, (path: string) => void, RegExp]>([
  ["no JSON", '{ "capture"', () => {}, /is not valid JSON/],
  ["something else than settings", '{ "capture": "some" }', () => {}, /capture: "some" stands there/],
  [
    "both URLs in full",
    `{ "endpoints": { "traces": "${OTHER}", "metrics": "${OTHER}" } }`,
    () => {},
    /beside endpoints/,
  ],
  ["nothing that may be written", "{}", (path) => chmodSync(path, 0o444), /is read-only/],
  ["nothing, as a directory", "", (path) => mkdirSync(path), /is not a file/],
  ["nothing, as a link to nothing", "", (path) => symlinkSync("nowhere", path), /is a link to nothing/],
])("a configuration of %s: nothing is installed", async ([, text, harm, message]) => {
  const { machine, path } = machineWith(text === "" ? undefined : text);
  if (text === "") mkdirSync(dirname(path), { recursive: true });
  harm(path);
  const before = machine.snapshot();
  const { output, reason } = await machine.install("--endpoint", URL, "--yes");
  expect(output).toMatch(message);
  expect(output).toContain("nothing is installed, for the data would go elsewhere");
  expect(reason).toMatch(/not everything could be done/);
  expect(machine.snapshot()).toEqual(before);
});

test("an endpoint that is none is said before anything is looked at", async () => {
  const { machine } = machineWith(undefined);
  await expect(machine.install("--endpoint", "collector:4317", "--yes")).rejects.toThrow(
    /option --endpoint: .* allowed: a URL that begins with http/,
  );
});

function machineWith(text: string | undefined): { machine: FakeMachine; path: string } {
  const machine = createFakeMachine();
  const path = join(machine.home, ".config", "hookspan", "config.json");
  mkdirSync(join(machine.home, ".codex"));
  if (text !== undefined) machine.write(path, text);
  return { machine, path };
}
