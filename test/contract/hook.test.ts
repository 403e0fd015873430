import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { STAND_IN_BRIDGE } from "../support/autostart-report.ts";
import { type Hook, type HookTree, QUIET, createHookTree, programPath } from "../support/hook-tree.ts";
import { filesBelow, startedBridge, testHook } from "./hook-suite.ts";

const script = fileURLToPath(new URL("../../hooks/hookspan.sh", import.meta.url));
const builtTwin = join(mkdtempSync(join(tmpdir(), "hookspan-twin-")), "hook.cjs");

const shells = [
  sh("dash", "dash"),
  sh("busybox sh", "busybox", "sh"),
  sh("bash", "bash"),
  sh("bash --posix", "bash", "--posix"),
];
const twin: Hook = { name: "node", place: "dist/hook.cjs", source: builtTwin, runner: [process.execPath] };

beforeAll(async () => {
  const entry = fileURLToPath(new URL("../../src/hook.ts", import.meta.url));
  await build({ entryPoints: [entry], outfile: builtTwin, bundle: true, platform: "node", format: "cjs" });
});
afterAll(() => rmSync(dirname(builtTwin), { recursive: true }));

for (const hook of [...shells, twin]) testHook(hook);

describe.for(shells)("the script under $name", (shell) => {
  test("no node: writes nothing", async () => {
    const tree = createHookTree(shell);
    writeFileSync(tree.bundle, STAND_IN_BRIDGE);
    const env = { ...tree.env, HOOKSPAN_AUTOSTART: undefined, PATH: pathOf(tree, "cat", "mkdir", "rm", "setsid") };
    expect(await tree.run("{}", { env })).toEqual(QUIET);
    expect(filesBelow(tree.state)).toEqual(["no-node", "spool"]);
  });

  test.for<[string, (tree: HookTree) => NodeJS.ProcessEnv]>([
    ["without setsid", (tree) => ({ PATH: pathOf(tree, "cat", "mkdir", "rm", "node") })],
    ["through a chain of symlinks", linkHook],
    ["by the paths that the installer wrote", bakePaths],
    ["by its own search, if what the installer wrote is gone", bakeOldPaths],
  ])("finds and starts the bridge %s", async ([, arrange]) => {
    const tree = createHookTree(shell);
    writeFileSync(tree.bundle, STAND_IN_BRIDGE);
    const env = { ...tree.env, HOOKSPAN_AUTOSTART: undefined, ...arrange(tree) };
    expect(await tree.run("{}", { env })).toEqual(QUIET);
    expect(await startedBridge(tree)).toMatchObject({ cwd: "/", isGroupLeader: true });
    expect(tree.spooled()).toMatchObject([{ status: "whole" }]);
  });

  test("called by a relative path", async () => {
    const tree = createHookTree({
      ...shell,
      runner: [programPath("sh"), "-c", `cd hooks && exec "$@" hookspan.sh x`, "sh", ...shell.runner],
    });
    writeFileSync(tree.bundle, STAND_IN_BRIDGE);
    expect(await tree.run("{}", { env: { ...tree.env, HOOKSPAN_AUTOSTART: undefined } })).toEqual(QUIET);
    expect(await startedBridge(tree)).toMatchObject({ cwd: "/", bundle: tree.bundle });
  });

  test("ids do not recur without /proc either", async () => {
    const tree = createHookTree(shell);
    edit(tree, "/proc/", "/nowhere/");
    const runs = await Promise.all(Array.from({ length: 20 }, () => tree.run()));
    expect(runs).toEqual(runs.map(() => QUIET));
    const ids = tree.spooled().map((parsed) => (parsed.status === "whole" ? parsed.envelope.id : ""));
    expect(new Set(ids.map((id) => id.replace(/^\d+[.]/, ""))).size).toBe(20);
  });

  test.for([
    ["counts, and drops", "00", 5, "dropped"],
    ["counts, and there is room", "c8", 6, "written"],
    ["does not count", "01", 5, "written"],
  ] as const)("a spool that nobody empties: %s", async ([, random, bound, outcome]) => {
    const tree = createHookTree(shell);
    mkdirSync(join(tree.state, "spool"), { recursive: true });
    for (let n = 0; n < 5; n++) writeFileSync(join(tree.state, "spool", `${n}.evt`), "");
    writeFileSync(join(tree.root, "random"), `${random}\n`);
    edit(tree, "/proc/sys/kernel/random/uuid", '"$HOOKSPAN_HOME/../random"');
    edit(tree, "50000", String(bound));
    expect(await tree.run("{}")).toEqual(QUIET);
    const seen = filesBelow(tree.state).includes("dropped") ? "dropped" : "written";
    expect([seen, tree.spooled().length]).toEqual([outcome, outcome === "written" ? 6 : 5]);
  });
});

function sh(name: string, program: string, ...args: string[]): Hook {
  return { name, place: "hooks/hookspan.sh", source: script, runner: [programPath(program), ...args] };
}

/** A PATH with these programs and no others. */
function pathOf(tree: HookTree, ...programs: string[]): string {
  const bin = join(tree.root, "bin");
  mkdirSync(bin);
  for (const program of programs) symlinkSync(programPath(program), join(bin, program));
  return bin;
}

function linkHook(tree: HookTree): NodeJS.ProcessEnv {
  const real = join(tree.root, "hooks/real.sh");
  renameSync(tree.hookFile, real);
  symlinkSync("real.sh", join(tree.root, "hooks/link"));
  symlinkSync(join(tree.root, "hooks/link"), tree.hookFile);
  return {};
}

function bakePaths(tree: HookTree): NodeJS.ProcessEnv {
  const bundle = join(tree.root, "else where.cjs");
  renameSync(tree.bundle, bundle);
  edit(tree, "bridge=''", `bridge='${bundle.replaceAll("'", String.raw`'\''`)}'`);
  edit(tree, "node=''", `node='${process.execPath}'`);
  return { PATH: pathOf(tree, "cat", "mkdir", "rm") };
}

function bakeOldPaths(tree: HookTree): NodeJS.ProcessEnv {
  edit(tree, "bridge=''", "bridge='/old/hookspan.cjs'");
  edit(tree, "node=''", "node='/old/node'");
  return {};
}

function edit(tree: HookTree, from: string, to: string): void {
  const text = readFileSync(tree.hookFile, "utf8");
  if (!text.includes(from)) throw new Error(`the script has no ${from} any more; adapt this test`);
  writeFileSync(
    tree.hookFile,
    text.replaceAll(from, () => to),
  );
}
