// The built package, from an empty home: install, let an agent's hooks run, uninstall.
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

import settings from "../../hooks/claude-code.settings.json" with { type: "json" };
import plugin from "../../hooks/claude-code-plugin/hooks/hooks.json" with { type: "json" };
import { installWhole } from "../support/installed.ts";

const PACKAGE = join(import.meta.dirname, "..", "..");
const NOBODY = 65534;

test("what an agent then runs ends as a trace, and all of it goes again", async () => {
  const installed = await installWhole();
  const home = String(installed.env["HOME"]);
  const file = join(home, ".claude", "settings.json");
  mkdirSync(dirname(file));
  writeFileSync(file, "{}\n");
  const { code, stdout, stderr } = await installed.run(["install", "--yes"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(
    /^done\n.* `node .*hookspan\.cjs'? status` tells what came\.\n.* tail` shows them in its place\.\n.* doctor` says why\.\n$/m,
  );
  // The package may go: the hook has its own copy.
  const registered = JSON.parse(readFileSync(file, "utf8")).hooks;
  for (const event of ["SessionStart", "UserPromptSubmit", "Stop", "SessionEnd"]) {
    const payload = { session_id: "s", hook_event_name: event, prompt: "x", cwd: home, transcript_path: "" };
    const ran = spawnSync("sh", ["-c", registered[event][0].hooks[0].command], {
      env: installed.env,
      input: JSON.stringify(payload),
      encoding: "utf8",
    });
    expect([ran.status, ran.stdout, ran.stderr]).toEqual([0, "", ""]);
  }
  expect((await installed.run(["uninstall", "--yes", "--purge"])).stderr).toBe("");
  expect(installed.spans().map(({ name }) => name)).toContain("invoke_agent claude-code");
  expect(readFileSync(file, "utf8")).toBe("{}\n");
  expect(existsSync(join(home, ".local"))).toBe(false);
  expect(existsSync(installed.state)).toBe(false);
});

test("state that cannot be sent is not purged", async () => {
  const installed = await installWhole();
  await installed.hook({ session_id: "s", hook_event_name: "SessionStart" });
  await installed.recorder.close();
  const env = { HOOKSPAN_AUTOSTART: "0" };
  const { code, stderr } = await installed.run(["uninstall", "--yes", "--purge", "--timeout", "1"], env);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/could not be sent; the state is kept/)]);
  expect(existsSync(installed.state)).toBe(true);
});

test.for<[string, string[], number, RegExp]>([
  [
    "nobody to ask",
    ["install", "codex"],
    2,
    /no terminal to ask in: look with --dry-run, then `hookspan install --yes`/,
  ],
  ["an unknown agent", ["install", "claude"], 2, /unknown agent "claude"; agents: claude-code, /],
  ["nothing found", ["install", "--yes"], 1, /no agent found/],
  ["a purge of one agent", ["uninstall", "codex", "--purge"], 2, /--purge removes the state of all agents/],
  ["a configuration key that is none", ["config", "set", "endpiont", "x"], 1, /endpiont: unknown key/],
  ["a configuration command that is none", ["config"], 2, /config takes list, get KEY/],
])("%s", async ([, args, code, message]) => {
  const installed = await installWhole();
  const ended = await installed.run(args);
  expect(ended.code).toBe(code);
  expect(ended.stderr).toMatch(message);
  expect(ended.stderr).not.toMatch(/\n\s+at /);
});

test("settings that cannot be edited: exit code 1", async () => {
  const installed = await installWhole();
  const file = join(String(installed.env["HOME"]), ".codex", "hooks.json");
  mkdirSync(dirname(file));
  writeFileSync(file, "{");
  const { code, stdout } = await installed.run(["install", "--yes"]);
  expect([code, stdout]).toEqual([1, expect.stringContaining(`problem  ${file} is not valid JSON from line 1`)]);
  expect(readFileSync(file, "utf8")).toBe("{");
});

test("Claude Code's plugin has the hooks of the settings, and hands events to the installed hook", async () => {
  expect(Object.keys(plugin.hooks)).toEqual(Object.keys(settings.hooks));
  const installed = await installWhole();
  await installed.run(["install", "--hook-only", "--yes"]);
  const root = join(installed.tree.root, "plugin's cache");
  cpSync(join(PACKAGE, "hooks", "claude-code-plugin"), root, { recursive: true });
  const { status, stdout, stderr } = spawnSync("sh", ["-c", plugin.hooks.Stop[0]?.hooks[0]?.command ?? ""], {
    env: { ...installed.env, CLAUDE_PLUGIN_ROOT: root, HOOKSPAN_AUTOSTART: "0" },
    input: JSON.stringify({ session_id: "s", hook_event_name: "Stop" }),
    encoding: "utf8",
  });
  expect([status, stdout, stderr]).toEqual([0, "", ""]);
  expect(installed.spool()).toHaveLength(1);
});

test("a purge still sends to the endpoint that the installation has entered, and takes it out last", async () => {
  const installed = await installWhole();
  const file = String(installed.env["HOOKSPAN_CONFIG"]);
  mkdirSync(join(String(installed.env["HOME"]), ".codex"));
  const env = { HOOKSPAN_ENDPOINT: "", HOOKSPAN_AUTOSTART: "0" };
  await installed.run(["install", "--yes", "--endpoint", installed.recorder.url], env);
  await installed.hook({ session_id: "s", hook_event_name: "UserPromptSubmit", prompt: "x" }, env);
  expect(await installed.run(["uninstall", "--yes", "--purge"], env)).toMatchObject({ code: 0, stderr: "" });
  expect(installed.spans().map(({ name }) => name)).toContain("invoke_agent claude-code");
  expect([file, installed.state].filter((path) => existsSync(path))).toEqual([]);
});

test.for<[string, string, string[], RegExp]>([
  [
    "an agent's directory",
    ".codex",
    [],
    /^problem .*\/\.codex\/hooks\.json cannot be made by you, for .*\/\.codex is not/m,
  ],
  ["where the hook goes", ".local", ["--dry-run"], /^problem .* cannot be made by you, .*; nothing is installed$/m],
])("who may not write in %s is told so by the plan", async ([, closed, args, message]) => {
  const installed = await installWhole();
  const home = String(installed.env["HOME"]);
  for (const name of [".codex", ".gemini", ".local"]) mkdirSync(join(home, name));
  // The superuser may write anywhere.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) execFileSync("chown", ["-R", `${NOBODY}:${NOBODY}`, dirname(installed.tree.root)]);
  chmodSync(join(home, closed), 0o555);
  const { status, stdout, stderr } = spawnSync(process.execPath, [installed.tree.bundle, "install", "--yes", ...args], {
    env: installed.env,
    encoding: "utf8",
    ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
  });
  chmodSync(join(home, closed), 0o755);
  expect(stdout).toMatch(message);
  expect(stdout.match(/^problem/gm)).toHaveLength(1);
  expect([status, stderr]).toEqual([1, expect.stringMatching(/^hookspan: not everything could be done; see .*\n$/)]);
  // One that cannot be done does not keep the others.
  expect(existsSync(join(home, ".gemini", "settings.json"))).toBe(closed === ".codex");
});
