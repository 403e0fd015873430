// The bridge as a service: the file, what its manager is told, and what is said where there is no manager.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";

import { describe, expect, test } from "vitest";

import { createFakeMachine } from "./support/fake-machine.ts";

const START = ["--user daemon-reload", "--user enable hookspan.service", "--user restart hookspan.service"];

describe("systemd", () => {
  test("install writes the unit and starts it, again restarts it, and uninstall takes all of it back", async () => {
    const { machine, unit, calls } = await machineWith("systemctl");
    mkdirSync(join(machine.home, ".config"));
    const before = machine.snapshot();
    expect((await machine.service("install", "--yes")).reason).toBeUndefined();
    expect(readFileSync(unit, "utf8")).toContain(
      `ExecStart="/opt/node/bin/node" "${machine.data}/dist/hookspan.cjs" bridge\n`,
    );
    expect(calls()).toEqual(START);
    const after = machine.snapshot();
    const again = await machine.service("install", "--yes");
    expect(again.output).toContain(`keep     ${unit}`);
    expect(machine.snapshot()).toEqual(after);
    expect(calls()).toEqual([...START, ...START]);
    expect((await machine.service("uninstall", "--yes")).reason).toBeUndefined();
    expect(calls().slice(6)).toEqual(["--user disable --now hookspan.service", "--user daemon-reload"]);
    expect(machine.snapshot()).toEqual(before);
    expect((await machine.service("uninstall", "--yes")).output).toContain("nothing to change");
    expect(calls()).toHaveLength(8);
  });

  test("a dry run shows the unit and what would be run, and does neither", async () => {
    const { machine, unit, calls } = await machineWith("systemctl");
    const before = machine.snapshot();
    const { output } = await machine.service("install", "--dry-run");
    expect(output).toContain(`create   ${unit}`);
    expect(output).toContain("\n+Restart=always\n");
    expect(output).toContain(`then: ${START.map((words) => `systemctl ${words}`).join(" && ")}`);
    expect(output).toContain("loginctl enable-linger");
    expect(machine.snapshot()).toEqual(before);
    expect(calls()).toEqual([]);
  });

  test.for<[string, string[] | undefined, string]>([
    ["none", undefined, "there is no systemctl here"],
    ["nobody behind it", ["echo 'Failed to connect to bus' >&2", "exit 1"], "Failed to connect to bus"],
  ])("no manager, %s: the unit is written, and what was not run is said", async ([, lines, why]) => {
    const { machine, unit } = await machineWith(undefined);
    if (lines !== undefined) machine.script("systemctl", ...lines);
    const { reason } = await machine.service("install", "--yes");
    expect(reason).toBe(
      `the files are as they should be, but not done is: ${START.map((words) => `systemctl ${words}`).join(" && ")} (${why})`,
    );
    expect(existsSync(unit)).toBe(true);
    expect((await machine.service("uninstall", "--yes")).reason).toContain("disable --now hookspan.service");
    expect(existsSync(unit)).toBe(false);
  });

  test("what hook and bridge must share is in the unit, what may be secret is not", async () => {
    const { machine, unit } = await machineWith("systemctl");
    Object.assign(machine.env, {
      HOOKSPAN_HOME: "/data/me",
      HOOKSPAN_HEADERS: "authorization=secret",
      XDG_STATE_HOME: "",
    });
    const { output } = await machine.service("install", "--yes");
    const text = readFileSync(unit, "utf8");
    expect(text.match(/^Environment=.*$/gm)).toEqual(['Environment="HOOKSPAN_HOME=/data/me"']);
    expect(output + text).not.toContain("secret");
    expect(output).toContain("the service does not get HOOKSPAN_HEADERS");
  });

  test("status", async () => {
    const { machine, unit } = await machineWith("systemctl");
    expect(await machine.service("status")).toMatchObject({
      output: expect.stringContaining(`${unit} is not there`),
      reason: "the service is not as it should be",
    });
    await machine.service("install", "--yes");
    const good = await machine.service("status");
    expect([good.output, good.reason]).toEqual([`file     ${unit} is as it should be\nservice  running\n`, undefined]);
    machine.script("systemctl", "echo inactive", "exit 3");
    expect((await machine.service("status")).output).toContain("service  not known to run (inactive)");
    writeFileSync(unit, readFileSync(unit, "utf8").replace("RestartSec=5", "RestartSec=9"));
    expect((await machine.service("status")).output).toContain("is not as this version would make it");
  });
});

describe("left alone", () => {
  test("a unit that is somebody else's", async () => {
    const { machine, unit, calls } = await machineWith("systemctl");
    mkdirSync(dirname(unit), { recursive: true });
    writeFileSync(unit, "[Service]\nExecStart=/mine\n");
    const before = machine.snapshot();
    for (const action of ["install", "uninstall"]) {
      const { output, reason } = await machine.service(action, "--yes");
      expect(output).toContain(`problem  ${unit} is not hookspan's; move it away`);
      expect(reason).toBeDefined();
    }
    expect(machine.snapshot()).toEqual(before);
    expect(calls()).toEqual([]);
  });

  test("without the installed bridge there is nothing to start", async () => {
    const machine = createFakeMachine();
    const before = machine.snapshot();
    expect((await machine.service("install", "--yes")).output).toMatch(/is not there, .*`hookspan install` first/);
    expect(machine.snapshot()).toEqual(before);
  });

  test("the hook, while the service starts a bridge from its directory", async () => {
    const { machine } = await machineWith("systemctl");
    await machine.service("install", "--yes");
    const { output } = await machine.uninstall("--yes");
    expect(output).toMatch(/so the hook stays there; run `hookspan service uninstall`, then this again/);
    expect(existsSync(join(machine.data, "dist", "hookspan.cjs"))).toBe(true);
    expect((await machine.uninstall("--purge", "--yes")).reason).toMatch(/would start a bridge anew/);
    await machine.service("uninstall", "--yes");
    expect((await machine.uninstall("--yes")).reason).toBeUndefined();
    expect(existsSync(machine.data)).toBe(false);
  });
});

test("launchd: the agent is loaded anew, and unloaded before it goes", async () => {
  const { machine, calls } = await machineWith("launchctl", "darwin");
  const plist = join(machine.home, "Library", "LaunchAgents", "hookspan.bridge.plist");
  const domain = `gui/${userInfo().uid}`;
  expect((await machine.service("install", "--yes")).reason).toBeUndefined();
  expect(readFileSync(plist, "utf8")).toContain(`<string>${machine.data}/dist/hookspan.cjs</string>`);
  expect((await machine.service("status")).reason).toBeUndefined();
  expect((await machine.service("uninstall", "--yes")).reason).toBeUndefined();
  expect(existsSync(plist)).toBe(false);
  expect(calls()).toEqual([
    `bootout ${domain}/hookspan.bridge`,
    `bootstrap ${domain} ${plist}`,
    `print ${domain}/hookspan.bridge`,
    `bootout ${domain}/hookspan.bridge`,
  ]);
});

test.for<[string, string[], "linux" | "win32", RegExp]>([
  ["no action", [], "linux", /service takes install, uninstall or status/],
  ["an action that is none", ["start"], "linux", /service takes install, uninstall or status/],
  ["a word too many", ["install", "codex"], "linux", /service install takes no words behind it, not "codex"/],
  ["a system without such a manager", ["install"], "win32", /systemd on Linux and launchd on macOS/],
  ["nobody to ask", ["install"], "linux", /`hookspan service install --yes`/],
])("a mistake: %s", async ([name, args, platform, message]) => {
  const machine = name === "nobody to ask" ? (await machineWith("systemctl")).machine : createFakeMachine(platform);
  await expect(machine.service(...args)).rejects.toThrow(message);
});

test("a configuration with which no bridge would start", async () => {
  const { machine } = await machineWith("systemctl");
  machine.write(join(machine.home, ".config", "hookspan", "config.json"), '{ "endpiont": "x" }');
  await expect(machine.service("install", "--yes")).rejects.toThrow(/endpiont: unknown key/);
});

/** A machine with the hook installed, and a manager that writes down what it is told. */
async function machineWith(manager: string | undefined, platform: "linux" | "darwin" = "linux") {
  const machine = createFakeMachine(platform);
  const log = join(machine.root, "calls");
  if (manager !== undefined) machine.script(manager, `echo "$*" >>'${log}'`);
  await machine.install("--hook-only", "--yes");
  return {
    machine,
    unit: join(machine.home, ".config", "systemd", "user", "hookspan.service"),
    calls: () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []),
  };
}
