// The package as npm makes it: what is in it, and that it works from where npm installs it.

import { execFile } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, test } from "vitest";

import packageJson from "../../package.json" with { type: "json" };
import { tempDirectory } from "../support/temp-state.ts";

const ROOT = join(import.meta.dirname, "../..");

const FILES = [
  ".claude-plugin/marketplace.json",
  "CHANGELOG.md",
  "LICENSE",
  "README.md",
  "dist/hook.cjs",
  "dist/hookspan.cjs",
  "docker-compose.yml",
  "hooks/claude-code-plugin/.claude-plugin/plugin.json",
  "hooks/claude-code-plugin/README.md",
  "hooks/claude-code-plugin/hooks/hooks.json",
  "hooks/claude-code-plugin/run.sh",
  "hooks/claude-code.settings.json",
  "hooks/codex.hooks.json",
  "hooks/copilot-cli.hooks.json",
  "hooks/cursor.hooks.json",
  "hooks/gemini-cli.settings.json",
  "hooks/hermes.config.yaml",
  "hooks/hermes/HOOK.yaml",
  "hooks/hermes/handler.py",
  "hooks/hookspan-statusline.sh",
  "hooks/hookspan-wrap.sh",
  "hooks/hookspan-wrap-report.sh",
  "hooks/hookspan.sh",
  "hooks/opencode/hookspan.js",
  "hooks/qwen-code.settings.json",
  "package.json",
];

test("holds what users need and nothing else, and works once installed", async () => {
  const directory = tempDirectory();
  // Without scripts: prepack would build again what other tests are running.
  const archive = (await npm(ROOT, "pack", "--silent", "--ignore-scripts", "--pack-destination", directory)).trim();
  // Not by `npm pack --json`, which puts asterisks for what looks like a UUID.
  const files = (await run(directory, "tar", "-tvzf", archive)).trim().split("\n").map(listed);
  const wanted = [
    ...FILES,
    // The list of the test Collector's components is for developers.
    ...filesBelow("collector-config").filter((path) => !path.endsWith("/builder.yaml")),
    ...filesBelow("grafana").filter((path) => !path.endsWith(".ts")),
    ...filesBelow("src/view/recording").map((path) => path.replace("src/view", "dist")),
  ];
  expect(files.map(({ path }) => path).sort()).toEqual(wanted.sort());
  const programs = files.filter(({ mode }) => mode.includes("x")).map(({ path }) => path);
  expect(programs.sort()).toEqual([
    "dist/hookspan.cjs",
    "hooks/claude-code-plugin/run.sh",
    "hooks/hookspan-statusline.sh",
    "hooks/hookspan-wrap-report.sh",
    "hooks/hookspan-wrap.sh",
    "hooks/hookspan.sh",
  ]);

  const prefix = join(directory, "prefix");
  await npm(directory, "install", "--global", "--prefix", prefix, "--offline", join(directory, archive));
  const hookspan = join(prefix, "bin/hookspan");
  expect((await run(directory, hookspan, "--version")).trim()).toBe(packageJson.version);
  expect(await run(directory, hookspan, "demo")).toMatch(/^runs 2 \(success\) · sessions 1 · subagents 4$/m);
});

/** `-rwxr-xr-x 0/0 123 1985-10-26 09:15 package/dist/hookspan.cjs` */
function listed(line: string): { mode: string; path: string } {
  return { mode: line.slice(0, 10), path: line.slice(line.indexOf("package/") + "package/".length) };
}

async function npm(cwd: string, ...args: string[]): Promise<string> {
  return run(cwd, "npm", ...args);
}

/** Resolves with the output, if the exit code is 0. The user's own settings and caches are left alone. */
async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  const home = tempDirectory();
  const env = { PATH: process.env["PATH"], HOME: home, npm_config_update_notifier: "false" };
  const { stdout } = await promisify(execFile)(command, args, { cwd, env });
  return stdout;
}

function filesBelow(directory: string): string[] {
  return readdirSync(join(ROOT, directory), { recursive: true, encoding: "utf8" })
    .map((name) => `${directory}/${name}`)
    .filter((path) => statSync(join(ROOT, path)).isFile());
}
