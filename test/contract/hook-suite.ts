/** What every hook must do, whatever it is written in. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";

import { describe, expect, onTestFinished, test, vi } from "vitest";

import { type Hook, type HookTree, QUIET, createHookTree, writeLease } from "../support/hook-tree.ts";
import { STAND_IN_BRIDGE, type StandInReport } from "../support/autostart-report.ts";

const MEGABYTE = 1024 * 1024;

/** Registers the contract for one hook. */
export function testHook(hook: Hook): void {
  describe.for([
    ["the envelope", testEnvelope],
    ["trouble", testTrouble],
    ["is a bridge alive?", testLease],
    ["autostart", testAutostart],
  ] as const)(`${hook.name}: %s`, ([, register]) => {
    register(hook);
  });
}

function testEnvelope(hook: Hook): void {
  test.for<[string, () => Uint8Array]>([
    ["nothing", () => Buffer.of()],
    ["2 KB", () => Buffer.from(`${JSON.stringify({ prompt: "x".repeat(2048) })}\n`)],
    ["1 MB", () => Buffer.alloc(MEGABYTE, "{}\n")],
    ["32 MB", () => Buffer.alloc(32 * MEGABYTE, "{}\n")],
    ["more than the bridge will take", () => Buffer.alloc(33 * MEGABYTE, "{}\n")],
    ["bytes", () => randomBytes(100_000)],
    ["NUL bytes only", () => Buffer.alloc(10_000)],
    ["no newline at the end", () => Buffer.from('{"a":1}')],
    ["newlines only", () => Buffer.from("\n\n\n")],
    ["what looks like an end line", () => Buffer.from("\nend=1.a\n\nend=1.a\n")],
    ["what looks like an envelope", () => Buffer.from("v=1\nid=1.a\nagent=x\n\n{}\nend=1.a\n")],
    ["what a shell would expand", () => Buffer.from("$(exit 9) `exit 9` \\n %s * ~ $HOME '\"")],
  ])("payload: %s", async ([, payload]) => {
    const tree = createHookTree(hook);
    const bytes = payload();
    expect(await tree.run(bytes)).toEqual(QUIET);
    expect(onlyEnvelope(tree).payload.equals(bytes)).toBe(true);
  });

  test("the header says who, when and where", async () => {
    const tree = createHookTree(hook);
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const env = { ...tree.env, TRACEPARENT: traceparent, TRACESTATE: "a=b,c=d" };
    const beforeNs = BigInt(Date.now() - 1000) * 1_000_000n;
    expect(await tree.run("{}", { args: ["opencode", "session.idle"], env })).toEqual(QUIET);
    const envelope = onlyEnvelope(tree);
    const [name] = readdirSync(join(tree.state, "spool"));
    expect(envelope).toMatchObject({ agent: "opencode", event: "session.idle", cwd: tree.root, ppid: process.pid });
    expect(envelope).toMatchObject({ traceparent, tracestate: "a=b,c=d", env: {} });
    expect(name).toBe(`${envelope.id}.evt`);
    expect(envelope.id).toMatch(new RegExp(`^${envelope.pid}[.]`));
    expect(envelope.timeNs).toBeGreaterThan(beforeNs);
    expect(envelope.timeNs).toBeLessThanOrEqual(BigInt(Date.now()) * 1_000_000n + 999_999n);
  });

  test("the known variables come along, and no other", async () => {
    const tree = createHookTree(hook);
    const markers = {
      CLAUDE_PID: "4711",
      CLAUDE_CODE_ENTRYPOINT: "sdk-cli",
      CLAUDE_CODE_ENABLE_TELEMETRY: "1",
      CLAUDECODE: "1",
      CLAUDE_CODE_SESSION_ID: "0b1c",
      HERMES_HOME: "/h e/*",
      CODEX_HOME: "/c",
      CI: "true",
    };
    expect(await tree.run("{}", { env: { ...tree.env, ...markers, SECRET_X: "hunter2" } })).toEqual(QUIET);
    expect(onlyEnvelope(tree).env).toEqual(markers);
    const [name = ""] = readdirSync(join(tree.state, "spool"));
    expect(readFileSync(join(tree.state, "spool", name), "utf8")).not.toMatch(/SECRET|hunter2|HOOKSPAN/);
  });

  test("values with a newline, and empty ones, are left out", async () => {
    const tree = createHookTree(hook);
    const cwd = join(tree.root, "a\nid=9");
    mkdirSync(cwd);
    const env = { ...tree.env, TRACEPARENT: "", TRACESTATE: "a\nagent=x", CLAUDE_PID: "1\n\n{}", CI: "" };
    expect(await tree.run("{}", { cwd, env })).toEqual(QUIET);
    const envelope = onlyEnvelope(tree);
    expect(Object.keys(envelope).toSorted()).toEqual(["agent", "env", "id", "payload", "pid", "ppid", "timeNs"]);
    expect(envelope).toMatchObject({ agent: "claude-code", env: {} });
  });

  test("nobody else can read it", async () => {
    const tree = createHookTree(hook);
    const through = ["/bin/sh", "-c", 'umask 0; exec "$@"', "sh"];
    expect(await tree.run("{}", { through })).toEqual(QUIET);
    const [name = ""] = readdirSync(join(tree.state, "spool"));
    const modes = [".", "spool", join("spool", name)].map((path) => statSync(join(tree.state, path)).mode & 0o777);
    expect(modes).toEqual([0o700, 0o700, 0o600]);
  });

  test.for([
    ["HOOKSPAN_HOME", { HOOKSPAN_HOME: "/h//", XDG_STATE_HOME: "/x", HOME: "/u" }, "h/spool"],
    ["XDG_STATE_HOME", { XDG_STATE_HOME: "/x", HOME: "/u" }, "x/hookspan/spool"],
    ["HOME, for XDG_STATE_HOME is relative", { XDG_STATE_HOME: "x", HOME: "/u" }, "u/.local/state/hookspan/spool"],
    [
      "HOME, for the others are empty",
      { HOOKSPAN_HOME: "", XDG_STATE_HOME: "", HOME: "/u" },
      "u/.local/state/hookspan/spool",
    ],
  ] as const)("the state directory is found by %s", async ([, variables, spool]) => {
    const tree = createHookTree(hook);
    const rooted = Object.entries(variables).map(([key, value]) => [key, value.replace(/^\//, `${tree.root}/`)]);
    const env = { PATH: tree.env["PATH"], HOOKSPAN_AUTOSTART: "0", ...Object.fromEntries(rooted) };
    expect(await tree.run("{}", { env })).toEqual(QUIET);
    expect(readdirSync(join(tree.root, spool))).toHaveLength(1);
  });

  test("50 at once are 50 envelopes", async () => {
    const tree = createHookTree(hook);
    const runs = await Promise.all(Array.from({ length: 50 }, (_, number) => tree.run(`{"n":${number}}\n`)));
    expect(runs).toEqual(runs.map(() => QUIET));
    const payloads = tree
      .spooled()
      .map((parsed) => (parsed.status === "whole" ? parsed.envelope.payload.toString() : ""));
    expect(new Set(payloads)).toEqual(new Set(runs.map((_, number) => `{"n":${number}}\n`)));
  });
}

function testTrouble(hook: Hook): void {
  test.for<[string, (tree: HookTree) => NodeJS.ProcessEnv, string[]?]>([
    ["no home", () => ({ HOOKSPAN_HOME: undefined, HOME: undefined })],
    ["a home that is not there and cannot be made", () => ({ HOOKSPAN_HOME: undefined, HOME: "/proc/nonexistent" })],
    ["a relative state directory", () => ({ HOOKSPAN_HOME: "state" })],
    ["a state directory below a file", (tree) => ({ HOOKSPAN_HOME: join(tree.hookFile, "state") })],
    ["a state directory that is a file", (tree) => ({ HOOKSPAN_HOME: tree.hookFile })],
    ["a spool that is a file", (tree) => ({ HOOKSPAN_HOME: withSpoolFile(tree) })],
    ["a state directory that is a symlink", (tree) => ({ HOOKSPAN_HOME: symlinkTo(tree) })],
    ["the same with a slash", (tree) => ({ HOOKSPAN_HOME: `${symlinkTo(tree)}/` })],
    ["a spool that is a symlink", (tree) => ({ HOOKSPAN_HOME: withSpoolSymlink(tree) })],
    ["somebody else's state directory", (tree) => ({ HOOKSPAN_HOME: somebodyElses(tree) })],
    ["no agent", () => ({}), []],
    ["an empty agent", () => ({}), [""]],
    ["disabled: 1", () => ({ HOOKSPAN_DISABLED: "1" })],
    ["disabled: true", () => ({ HOOKSPAN_DISABLED: "true" })],
    ["disabled: YES", () => ({ HOOKSPAN_DISABLED: "YES" })],
    ["disabled: on", () => ({ HOOKSPAN_DISABLED: "on" })],
  ])("%s: reads the payload and writes nothing", async ([, variables, args = ["claude-code"]]) => {
    const tree = createHookTree(hook);
    const env = { ...tree.env, ...variables(tree) };
    const before = filesBelow(tree.root);
    expect(await tree.run(Buffer.alloc(MEGABYTE), { env, args })).toEqual(QUIET);
    expect(filesBelow(tree.root)).toEqual(before);
  });

  test("not disabled: 0", async () => {
    const tree = createHookTree(hook);
    expect(await tree.run("{}", { env: { ...tree.env, HOOKSPAN_DISABLED: "0" } })).toEqual(QUIET);
    expect(onlyEnvelope(tree).payload.toString()).toBe("{}");
  });

  test("a disk that takes no more: nothing looks whole, and the next event is taken", async () => {
    const tree = createHookTree(hook);
    // A limit on the size of files refuses a write as a full disk does, for every user and on every system.
    const through = ["/bin/sh", "-c", 'ulimit -f 100; exec "$@"', "sh"];
    expect(await tree.run(Buffer.alloc(MEGABYTE), { through })).toEqual(QUIET);
    expect(tree.spooled()).toEqual([{ status: "incomplete" }]);
    expect(await tree.run()).toEqual(QUIET);
    expect(statuses(tree)).toEqual(["incomplete", "whole"]);
  });

  test("a disk that takes nothing", async () => {
    const tree = createHookTree(hook);
    const through = ["/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "sh"];
    expect(await tree.run(Buffer.alloc(MEGABYTE), { through })).toEqual(QUIET);
    expect(tree.spooled()).toEqual([{ status: "incomplete" }]);
  });

  test("killed half-way: nothing looks whole, and later events are taken", async () => {
    const tree = createHookTree(hook);
    const child = tree.start();
    child.stdin?.write('{"half":');
    const spool = join(tree.state, "spool");
    await vi.waitFor(() => {
      const [name = ""] = readdirSync(spool);
      expect(readFileSync(join(spool, name), "utf8")).toContain('{"half":');
    }, 10_000);
    process.kill(-(child.pid ?? 0), "SIGKILL");
    await once(child, "close");
    expect(tree.spooled()).toEqual([{ status: "incomplete" }]);
    expect(await tree.run()).toEqual(QUIET);
    expect(statuses(tree)).toEqual(["incomplete", "whole"]);
  });

  test("a working directory that is gone", async () => {
    const tree = createHookTree(hook);
    const through = ["/bin/sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', "sh"];
    // Some shells complain of it before they read the script, so stderr is not ours.
    expect(await tree.run("{}", { through })).toEqual({ ...QUIET, stderr: expect.any(String) });
    expect(onlyEnvelope(tree).payload.toString()).toBe("{}");
  });
}

/** Without a bundle no bridge can be started, so a hook writes if and only if it takes one to be alive. */
function testLease(hook: Hook): void {
  const self = process.pid;
  const here = hostname();
  const dead = spawnSync("/bin/sh", ["-c", ":"]).pid;
  test.for([
    ["ours", `${self}\n${here}\n`, 50, true],
    ["ours, no newline at the end", `${self}\n${here}`, 50, true],
    ["ours, run out: the pid may be another's by now", `${self}\n${here}\n`, -1, false],
    ["ours, crashed", `${dead}\n${here}\n`, 50, false],
    ["of a container that shares the home", `${dead}\n${here}-2\n`, 50, true],
    ["of a container that is gone", `${self}\n${here}-2\n`, -1, false],
    ["of an unknown host", `${dead}\n`, 50, true],
    ["empty", "", 50, false],
    ["not a lease", `-1\n${here}\n`, 50, false],
  ] as const)("lease: %s", async ([, content, aheadS, alive]) => {
    const tree = createHookTree(hook);
    writeLease(tree.state, content, aheadS);
    expect(await tree.run("{}", { env: { ...tree.env, HOOKSPAN_AUTOSTART: undefined } })).toEqual(QUIET);
    expect({ written: tree.spooled().length === 1, gaveUp: existsSync(join(tree.state, "no-node")) }).toEqual({
      written: alive,
      gaveUp: !alive,
    });
  });

  test("no bridge can be had: prompts do not pile up on disk", async () => {
    const tree = createHookTree(hook);
    const env = { ...tree.env, HOOKSPAN_AUTOSTART: undefined };
    expect(await tree.run(Buffer.alloc(MEGABYTE), { env })).toEqual(QUIET);
    expect(filesBelow(tree.state)).toEqual(["no-node", "spool"]);
    expect(statSync(join(tree.state, "no-node")).mode & 0o777).toBe(0o600);
  });
}

function testAutostart(hook: Hook): void {
  test("starts a bridge that has nothing of the agent's", async () => {
    const tree = createHookTree(hook);
    writeFileSync(tree.bundle, STAND_IN_BRIDGE);
    const kept = {
      PATH: tree.env["PATH"],
      HOME: tree.env["HOME"],
      HOOKSPAN_HOME: tree.state,
      XDG_CONFIG_HOME: "/c o\nnfig",
      XDG_RUNTIME_DIR: "/run/user/1000",
      HOOKSPAN_CONFIG: "/etc/hookspan.json",
      HOOKSPAN_ENDPOINT: "http://127.0.0.1:4318",
      HOOKSPAN_HEADERS: "authorization=Bearer s3cret",
      HOOKSPAN_INSTANCE: "ci-pool",
      HOOKSPAN_LOG_LEVEL: "debug",
    };
    const dropped = {
      OTEL_SDK_DISABLED: "true",
      HOOKSPAN_CAPTURE: "full",
      ANTHROPIC_API_KEY: "sk",
      MANY: "a\nNODE_OPTIONS=b\n*\n-x\n",
      CDPATH: "/",
      IFS: "/",
      // Names that a script may use for itself.
      bridge: "b",
      envelope: "e",
      home: "h",
      id: "i",
      is_full: "yes",
      name: "n",
      newline: "l",
      node: "n",
    };
    expect(await tree.run("{}", { env: { ...kept, ...dropped } })).toEqual(QUIET);
    const report = await startedBridge(tree);
    expect(report).toMatchObject({
      argv: ["bridge", "--until-idle"],
      cwd: "/",
      standardStreams: ["null", "null", "null"],
      isGroupLeader: true,
    });
    expect(report.bundle).toBe(tree.bundle);
    // Bash cannot be kept from setting the first two.
    const { _, SHLVL: _level, ...environment } = report.env;
    expect(environment).toEqual(kept);
    expect(onlyEnvelope(tree).payload.toString()).toBe("{}");
  });

  test("NODE_OPTIONS of a project do not reach the bridge", async () => {
    const tree = createHookTree(hook);
    writeFileSync(tree.bundle, STAND_IN_BRIDGE);
    const env = { ...tree.env, HOOKSPAN_AUTOSTART: undefined, NODE_OPTIONS: "--max-old-space-size=123" };
    expect(await tree.run("{}", { env })).toEqual(QUIET);
    expect((await startedBridge(tree)).env).not.toHaveProperty("NODE_OPTIONS");
  });

  test("starts none while one lives, nor when switched off", async () => {
    const tree = createHookTree(hook);
    writeFileSync(tree.bundle, STAND_IN_BRIDGE);
    const env = { ...tree.env, HOOKSPAN_AUTOSTART: undefined };
    expect(await tree.run("{}", { env: { ...env, HOOKSPAN_AUTOSTART: "0" } })).toEqual(QUIET);
    writeLease(tree.state, `${process.pid}\n${hostname()}\n`, 50);
    expect(await tree.run("{}", { env })).toEqual(QUIET);
    writeLease(tree.state, `${process.pid}\n${hostname()}\n`, -1);
    expect(await tree.run("{}", { env })).toEqual(QUIET);
    await startedBridge(tree);
    expect(reports(tree.state)).toHaveLength(1);
    expect(statuses(tree)).toEqual(["whole", "whole", "whole"]);
  });

  test("starts one for a payload that outlasted its bridge", async () => {
    const tree = createHookTree(hook);
    writeFileSync(tree.bundle, STAND_IN_BRIDGE);
    writeLease(tree.state, `${process.pid}\n${hostname()}\n`, 50);
    const child = tree.start({ env: { ...tree.env, HOOKSPAN_AUTOSTART: undefined } });
    child.stdin?.write("{");
    await vi.waitFor(() => expect(tree.spooled()).toEqual([{ status: "incomplete" }]), 10_000);
    const spool = join(tree.state, "spool");
    const [name = ""] = readdirSync(spool);
    await vi.waitFor(() => expect(readFileSync(join(spool, name), "utf8")).toMatch(/\{$/), 10_000);
    writeLease(tree.state, `${process.pid}\n${hostname()}\n`, -1);
    child.stdin?.end("}");
    await once(child, "close");
    await startedBridge(tree);
    expect(onlyEnvelope(tree).payload.toString()).toBe("{}");
  });
}

/** The report of the bridge that was started; it is ended after the test. */
export async function startedBridge(tree: HookTree): Promise<StandInReport> {
  const report = await vi.waitFor(() => {
    const [first] = reports(tree.state);
    if (first === undefined) throw new Error(`no bridge was started in ${tree.state}`);
    return first;
  }, 10_000);
  // It runs on although the hook and all its pipes are closed.
  process.kill(report.pid, 0);
  onTestFinished(() => void process.kill(report.pid));
  return report;
}

function reports(state: string): StandInReport[] {
  return readdirSync(state)
    .filter((name) => name.startsWith("report."))
    .map((name) => JSON.parse(readFileSync(join(state, name), "utf8")));
}

function onlyEnvelope(tree: HookTree) {
  const [parsed, ...more] = tree.spooled();
  if (parsed?.status !== "whole" || more.length > 0)
    throw new Error(`not one whole envelope: ${statuses(tree).join()}`);
  return { ...parsed.envelope, payload: Buffer.from(parsed.envelope.payload) };
}

function statuses(tree: HookTree): string[] {
  return tree
    .spooled()
    .map((parsed) => parsed.status)
    .toSorted();
}

export function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).toSorted();
}

function withSpoolFile(tree: HookTree): string {
  mkdirSync(tree.state);
  writeFileSync(join(tree.state, "spool"), "");
  return tree.state;
}

function withSpoolSymlink(tree: HookTree): string {
  mkdirSync(tree.state);
  symlinkSync(dirname(tree.hookFile), join(tree.state, "spool"));
  return tree.state;
}

function symlinkTo(tree: HookTree): string {
  const link = join(tree.root, "link");
  symlinkSync(tree.root, link);
  return link;
}

/** Root can give a directory away; anybody else owns none but their own, and `/` is root's. */
function somebodyElses(tree: HookTree): string {
  if (process.getuid?.() !== 0) return "/usr";
  mkdirSync(tree.state, { mode: 0o777 });
  chownSync(tree.state, 65_534, 65_534);
  return tree.state;
}
