// docs/existing-stacks.md: each Collector snippet is a whole configuration that the real Collector accepts.

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, test } from "vitest";

import { COLLECTOR, stackProgram } from "../support/stack-program.ts";
import { tempDirectory } from "../support/temp-state.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/existing-stacks.md"), "utf8");
const SNIPPETS = PAGE.split(/^## /m).flatMap((section) => {
  const text = /```yaml\n([\s\S]*?)```/.exec(section)?.[1] ?? "";
  return text.includes("pipelines:") ? [{ under: section.split("\n")[0], text }] : [];
});

const program = stackProgram(COLLECTOR);

test("there are snippets for a Collector, Grafana Cloud and Honeycomb", () => {
  expect(SNIPPETS.map(({ under }) => under)).toEqual(["A Collector of yours", "Grafana Cloud", "Honeycomb"]);
});

test.runIf(program !== undefined).each(SNIPPETS)("$under: otelcol validate has nothing to say", async ({ text }) => {
  const directory = tempDirectory();
  const file = join(directory, "snippet.yaml");
  writeFileSync(file, text);
  const env = { GRAFANA_CLOUD_INSTANCE_ID: "1", GRAFANA_CLOUD_TOKEN: "token", HONEYCOMB_API_KEY: "key" };
  const said = await promisify(execFile)(program ?? "", ["validate", "--config", file], { cwd: directory, env });
  expect(said).toEqual({ stdout: "", stderr: "" });
});
