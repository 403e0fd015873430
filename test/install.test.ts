// What the installer does to the settings of each agent, in every state they may be in.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { AGENT_SETUPS, type AgentName, AGENTS, wantedHooks } from "../src/setup/agents.ts";
import { applyPlan } from "../src/setup/apply-plan.ts";
import { hookProgram, installedFiles, opencodePlugin } from "../src/setup/hook-copy.ts";
import { planUninstall } from "../src/setup/plan-uninstall.ts";
import { planInstall } from "../src/setup/plan-install.ts";
import { readSettings } from "../src/setup/settings-file.ts";
import { registrationIn } from "../src/setup/registration.ts";
import { createFakeMachine, type FakeMachine } from "./support/fake-machine.ts";

const OLD = "/old/place/hookspan.sh";

describe.for(AGENTS)("%s", (agent) => {
  const { form } = AGENT_SETUPS[agent];

  test.for<[string, string | undefined, string]>([
    ["absent", undefined, ""],
    ["empty", "", ""],
    ["with comments", commented(agent), form === "plugin" ? "" : "yet"],
    ...(form === "plugin" ? [] : withOthers(agent)),
  ])("settings %s: hooks come, again is nothing, and go without a trace", async ([, text, kept]) => {
    const { machine, path } = machineWith(agent, text);
    const before = machine.snapshot();
    const planned = await machine.install(agent, "--dry-run");
    expect(planned.reason).toBeUndefined();
    expect(machine.snapshot()).toEqual(before);

    expect((await machine.install(agent, "--yes")).reason).toBeUndefined();
    expect(statusOf(machine, agent, path)).toBe("complete");
    expect(readFileSync(path, "utf8")).toContain(kept);
    const after = machine.snapshot();
    for (const changed of differences(before, after)) expect(planned.output).toContain(changed);

    expect((await machine.install(agent, "--yes")).output).toContain("nothing to change");
    expect(machine.snapshot()).toEqual(after);
    expect((await machine.uninstall("--yes")).reason).toBeUndefined();
    expect(machine.snapshot()).toEqual(before);
  });

  test("edited after the installation: only ours go", async () => {
    const { machine, path } = machineWith(agent, form === "plugin" ? undefined : others(agent));
    await machine.install(agent, "--yes");
    if (form === "plugin") writeFileSync(path, `${readFileSync(path, "utf8")}\n// mine\n`);
    else writeFileSync(path, readFileSync(path, "utf8").replace("mine", "mine2"));
    expect((await machine.uninstall("--yes")).reason).toBeUndefined();
    // A plugin is ours as a whole.
    const expected = form === "plugin" ? undefined : others(agent).replace("mine", "mine2");
    expect(existsSync(path) ? readFileSync(path, "utf8") : undefined).toBe(expected);
    expect(existsSync(`${path}.hookspan.bak`)).toBe(false);
    expect(existsSync(machine.data)).toBe(false);
  });

  test("ours are there already: nothing changes in the settings", async () => {
    const { machine, path } = machineWith(agent, undefined);
    await machine.install(agent, "--yes");
    const text = readFileSync(path);
    rmSync(join(machine.data, "install.json"));
    expect((await machine.install(agent, "--yes")).output).toContain(`keep     ${path}`);
    expect(readFileSync(path)).toEqual(text);
    // Whoever registered them: when they go, they go.
    await machine.uninstall("--yes");
    expect(existsSync(path) ? statusOf(machine, agent, path) : "missing").toBe("missing");
  });

  test("ours are of an older version: they are brought up to date, in their place", async () => {
    const { machine, path } = machineWith(agent, undefined);
    await machine.install(agent, "--yes");
    const now = readFileSync(path, "utf8");
    const old = form === "plugin" ? now.replace(/^const BRIDGE.*$/m, 'const BRIDGE = "";') : older(machine, now);
    writeFileSync(path, old);
    const said = await machine.install(agent, "--yes");
    expect(said.reason).toBeUndefined();
    expect(statusOf(machine, agent, path)).toBe("complete");
    expect(readFileSync(path, "utf8")).not.toContain(OLD);
    expect(readFileSync(path, "utf8")).toBe(now);
    await machine.uninstall("--yes");
    expect(existsSync(path)).toBe(false);
  });

  test.for<[string, (machine: FakeMachine, path: string) => void, RegExp]>([
    ["read-only", (_, path) => chmodSync(path, 0o444), /is read-only; make it writable/],
    ["invalid", (_, path) => writeFileSync(path, '{ "hooks": [ "x" '), /it is left as it is/],
    ["not UTF-8", (_, path) => writeFileSync(path, Buffer.from([0x7b, 0xff, 0xfe])), /is not UTF-8/],
    ["a directory", (_, path) => (rmSync(path), mkdirSync(path)), /is not a file/],
    ["a link to nothing", (_, path) => (rmSync(path), symlinkSync("nowhere", path)), /is a link to nothing/],
  ])("settings %s: left alone, and said", async ([, harm, message]) => {
    const { machine, path } = machineWith(agent, form === "plugin" ? "" : others(agent));
    harm(machine, path);
    const before = machine.snapshot();
    const said = await machine.install(agent, "--yes");
    expect(said.output).toContain(`problem  ${path} `);
    expect(said.output).toMatch(message);
    expect(said.reason).toMatch(/not everything could be done/);
    expect(machine.snapshot()).toEqual(before);
  });

  test("a link is followed and stays, with the mode of what it leads to", async () => {
    const { machine, path } = machineWith(agent, form === "plugin" ? "" : others(agent));
    const real = join(machine.home, "dotfiles", "kept");
    mkdirSync(dirname(real));
    renameSync(path, real);
    chmodSync(real, 0o640);
    symlinkSync(real, path);
    const before = machine.snapshot();
    const { output } = await machine.install(agent, "--yes");
    expect(output).toContain(`${path} -> ${real}`);
    expect(statusOf(machine, agent, real)).toBe("complete");
    expect(machine.snapshot()[path]).toBe(before[path]);
    expect(machine.snapshot()[real]).toMatch(/^file 640 /);
    await machine.uninstall("--yes");
    expect(machine.snapshot()).toEqual(before);
  });

  test.for(agent === "hermes" ? [] : ["its file"])("in a project: %s", async () => {
    const { machine } = machineWith(agent, undefined);
    const before = machine.snapshot();
    const said = await machine.install(agent, "--project", "--yes");
    const path = AGENT_SETUPS[agent].file({ env: machine.env, platform: "linux", project: machine.project }, "project");
    expect(statusOf(machine, agent, String(path))).toBe("complete");
    expect(said.output).toMatch(/keep it out of version control/);
    await machine.uninstall("--yes");
    expect(machine.snapshot()).toEqual(before);
  });
});

test("Hermes has no settings of a project", async () => {
  const { machine } = machineWith("hermes", undefined);
  const before = machine.snapshot();
  expect((await machine.install("hermes", "--project", "--yes")).output).toMatch(/Hermes has no settings of a project/);
  expect(machine.snapshot()).toEqual(before);
});

test("any settings: what comes goes again, byte for byte", async () => {
  const machine = createFakeMachine();
  const files = new Map(
    AGENTS.filter((agent) => AGENT_SETUPS[agent].form !== "plugin").map((agent) => [agent, fileOf(machine, agent)]),
  );
  const text = fc
    .tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 1, 4, "\t"))
    .map(([value, indent]) => JSON.stringify(value, null, indent));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...files.keys()), text, async (agent, settings) => {
      machine.write(String(files.get(agent)), settings);
      const before = machine.snapshot();
      await machine.install(agent, "--yes");
      await machine.uninstall("--yes");
      expect(machine.snapshot()).toEqual(before);
    }),
    { numRuns: 100 },
  );
});

describe("which agents", () => {
  test("those whose directory or program is there", async () => {
    const machine = createFakeMachine();
    mkdirSync(join(machine.home, ".gemini"));
    machine.program("codex", "codex-cli 0.169.0");
    const { output } = await machine.install("--dry-run");
    expect(output).toMatch(/\.gemini\/settings\.json/);
    expect(output).toMatch(/\.codex\/hooks\.json/);
    expect(output).not.toMatch(/\.claude|\.qwen|\.cursor/);
  });

  test("a directory named relatively is one of here, wherever it is taken back from", async () => {
    const machine = createFakeMachine();
    machine.env["CLAUDE_CONFIG_DIR"] = "settings";
    const before = machine.snapshot();
    expect((await machine.install("claude-code", "--yes")).output).toContain(
      `create   ${machine.project}/settings/settings.json`,
    );
    delete machine.env["CLAUDE_CONFIG_DIR"];
    await machine.uninstall("--yes");
    expect(machine.snapshot()).toEqual(before);
  });

  test("none: it says so", async () => {
    expect((await createFakeMachine().install("--yes")).reason).toMatch(/no agent found; name one/);
  });

  test.for<[string, boolean]>([
    ["true", false],
    ["0", true],
    ["", true],
  ])("Copilot CLI not where its own OpenTelemetry tells more: COPILOT_OTEL_ENABLED=%s", async ([value, isTaken]) => {
    const { machine, path } = machineWith("copilot-cli", undefined);
    machine.env["COPILOT_OTEL_ENABLED"] = value;
    const { output, reason } = await machine.install("--yes");
    expect([output.includes("is left out"), existsSync(path), reason]).toEqual([!isTaken, isTaken, undefined]);
    expect(existsSync(machine.data)).toBe(isTaken);
    mkdirSync(join(machine.home, ".gemini"));
    expect((await machine.install("--yes")).output).toContain(".gemini/settings.json");
    expect(existsSync(path)).toBe(isTaken);
    // Who names it knows why.
    await machine.install("copilot-cli", "--yes");
    expect(statusOf(machine, "copilot-cli", path)).toBe("complete");
  });

  test("one that cannot be done does not keep the others", async () => {
    const { machine, path } = machineWith("claude-code", "{");
    mkdirSync(join(machine.home, ".gemini"));
    const { output, reason } = await machine.install("--yes");
    expect(output).toContain(`problem  ${path} is not valid JSON`);
    expect(reason).toBeDefined();
    expect(statusOf(machine, "gemini-cli", fileOf(machine, "gemini-cli"))).toBe("complete");
  });

  test.for(["claud", "all"])("an unknown one: %s", async (name) => {
    await expect(createFakeMachine().install(name, "--yes")).rejects.toThrow(
      /unknown agent .*; agents: claude-code, codex/,
    );
  });
});

describe("versions", () => {
  test.for<[string, string[], string[]]>([
    [
      "2.0.76 (Claude Code)",
      ["PermissionRequest", "SessionEnd"],
      ["PostCompact", "PostToolBatch", "PostToolUseFailure"],
    ],
    ["2.1.100 (Claude Code)", ["PostToolUseFailure", "StopFailure", "PermissionDenied"], ["PostToolBatch"]],
    ["2.1.329 (Claude Code)", ["PostToolBatch"], []],
    ["no version", ["PermissionRequest", "SessionEnd"], ["PostCompact", "PostToolBatch"]],
  ])("Claude Code that says %s gets only what it takes", async ([says, taken, left]) => {
    const { machine, path } = machineWith("claude-code", undefined);
    machine.program("claude", says);
    await machine.install("--yes");
    const { hooks } = JSON.parse(readFileSync(path, "utf8"));
    expect(Object.keys(hooks)).toEqual(expect.arrayContaining(taken));
    for (const event of left) expect(hooks).not.toHaveProperty(event);
  });

  test("a newer Hermes gets one more", async () => {
    const { machine, path } = machineWith("hermes", undefined);
    machine.program("hermes", "Hermes Agent v0.20.0 (2026.8.3)");
    await machine.install("--yes");
    expect(readFileSync(path, "utf8")).toContain("post_auxiliary_call");
  });
});

describe("the hook", () => {
  test("is copied with the paths of its bundle and of node, and stays while anybody uses it", async () => {
    const { machine } = machineWith("claude-code", undefined);
    await machine.install("claude-code", "codex", "--yes");
    const script = readFileSync(join(machine.data, "hooks", "hookspan.sh"), "utf8");
    expect(script).toContain(`\nbridge='${machine.data}/dist/hookspan.cjs'\nnode='/opt/node/bin/node'\n`);
    await machine.uninstall("codex", "--yes");
    expect(existsSync(join(machine.data, "hooks", "hookspan.sh"))).toBe(true);
    await machine.uninstall("claude-code", "--yes");
    expect(existsSync(machine.data)).toBe(false);
  });

  test("stays where a hook of the user's still runs inside of it", async () => {
    const { machine, path } = machineWith("claude-code", undefined);
    await machine.install("--yes");
    const command = `${machine.data}/hooks/hookspan-wrap.sh claude-code -- mine`;
    const wrapped = `{ "hooks": [{ "type": "command", "command": ${JSON.stringify(command)} }] }`;
    writeFileSync(path, readFileSync(path, "utf8").replace('"Stop": [', `"Stop": [ ${wrapped},`));
    const { output } = await machine.uninstall("--yes");
    expect(output).toMatch(/settings\.json still names .*so the hook stays/);
    expect(readFileSync(path, "utf8")).toContain("hookspan-wrap.sh claude-code -- mine");
    expect(readFileSync(path, "utf8")).not.toContain("hookspan.sh claude-code");
    expect(existsSync(join(machine.data, "hooks", "hookspan.sh"))).toBe(true);
  });

  test("alone, for the plugin", async () => {
    const machine = createFakeMachine();
    const before = machine.snapshot();
    await machine.install("--hook-only", "--yes");
    expect(existsSync(join(machine.data, "dist", "hookspan.cjs"))).toBe(true);
    await machine.uninstall("--yes");
    expect(machine.snapshot()).toEqual(before);
  });
});

test("Claude Code's plugin and its settings are not both done", async () => {
  const { machine } = machineWith("claude-code", '{ "enabledPlugins": { "hookspan@hookspan": true } }');
  const before = machine.snapshot();
  const { output } = await machine.install("--yes");
  expect(output).toMatch(/Claude Code has hookspan as a plugin already .*each event would come twice/);
  expect(machine.snapshot()).toEqual(before);
});

test("a link to a package's own plugin is not written through", async () => {
  const { machine, path } = machineWith("opencode", undefined);
  const real = join(machine.root, "package", "hooks", "opencode", "hookspan.js");
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(real, path);
  const text = readFileSync(real, "utf8");
  expect((await machine.install("--yes")).output).toMatch(/is a link to .*; remove the link/);
  expect(readFileSync(real, "utf8")).toBe(text);
  await machine.uninstall("--yes");
  expect(existsSync(path)).toBe(false);
  expect(readFileSync(real, "utf8")).toBe(text);
});

describe("Hermes' consent", () => {
  test("is not written without the user's word", async () => {
    const { machine } = machineWith("hermes", undefined);
    const { output } = await machine.install("--yes");
    expect(output).toMatch(/Hermes asks for each hook once/);
    expect(existsSync(allowlistOf(machine))).toBe(false);
  });

  test("is written with it, beside what stands there, and goes again", async () => {
    const { machine, path } = machineWith("hermes", undefined);
    const mine = '{\n  "approvals": [\n    { "event": "x", "command": "mine", "approved_at": "t" }\n  ]\n}\n';
    machine.write(allowlistOf(machine), mine);
    await machine.install("--yes", "--allow-hermes");
    const { approvals } = JSON.parse(readFileSync(allowlistOf(machine), "utf8"));
    const events = Object.keys(hooksOf(machine, "hermes"));
    expect(approvals).toHaveLength(1 + events.length);
    const command = `${machine.data}/hooks/hookspan.sh hermes`;
    expect(approvals[1]).toEqual({
      event: events[0],
      command,
      approved_at: expect.any(String),
      script_mtime_at_approval: null,
    });
    expect(readFileSync(path, "utf8")).toContain(`command: ${JSON.stringify(command)}`);
    const after = machine.snapshot();
    await machine.install("--yes", "--allow-hermes");
    expect(machine.snapshot()).toEqual(after);
    await machine.uninstall("--yes");
    expect(readFileSync(allowlistOf(machine), "utf8")).toBe(mine);
  });

  test("is asked for in a terminal", async () => {
    const { machine } = machineWith("hermes", undefined);
    const { output } = await machine.installAsked(["y", "y"]);
    expect(output).toMatch(/Allow it to run hookspan's hooks\?/);
    expect(existsSync(allowlistOf(machine))).toBe(true);
  });
});

describe("asking", () => {
  test("a no writes nothing", async () => {
    const { machine } = machineWith("claude-code", undefined);
    const before = machine.snapshot();
    expect((await machine.installAsked(["n"])).reason).toBe("nothing was written");
    expect(machine.snapshot()).toEqual(before);
  });

  test("without a terminal and without --yes nothing is written", async () => {
    const { machine } = machineWith("claude-code", undefined);
    const before = machine.snapshot();
    await expect(machine.install()).rejects.toThrow(/no terminal to ask in/);
    expect(machine.snapshot()).toEqual(before);
  });
});

test("a dry run shows each line that would change", async () => {
  const { machine, path } = machineWith("gemini-cli", '{\n  "theme": "x"\n}\n');
  const { output } = await machine.install("--dry-run");
  expect(output).toContain(`--- ${path}\n+++ ${path}\n@@ -1,3 +1,`);
  expect(output).toContain('\n-  "theme": "x"\n');
  expect(output).toContain('\n+  "theme": "x",\n+  "hooks": {\n');
});

test("a crash between any two changes is made good by the next command", async () => {
  const settings = new Map<string, string>(
    (["claude-code", "codex", "hermes"] as const).map((agent) => [agent, others(agent)]),
  );
  for (let done = 0; ; done++) {
    const machine = createFakeMachine();
    const names = ["claude-code", "codex", "hermes", "opencode"] as const;
    for (const agent of names) machine.write(fileOf(machine, agent), settings.get(agent) ?? "");
    if (done % 2 === 0) machine.write(configOf(machine), '{ "capture": "none" }');
    const before = machine.snapshot();
    const request = { ...requestOf(machine, [...names]), consentAt: new Date(0) };
    const plan = planInstall(request, readSettings);
    applyPlan({ ...plan, changes: plan.changes.slice(0, done) });
    await machine.uninstall("--yes");
    expect(machine.snapshot()).toEqual(before);

    applyPlan({ ...plan, changes: plan.changes.slice(0, done) });
    await machine.install(...names, "--yes", "--allow-hermes");
    expect(names.map((agent) => statusOf(machine, agent, fileOf(machine, agent)))).toEqual(names.map(() => "complete"));
    const end = planUninstall({ ...request, agents: [], scope: undefined }, readSettings);
    // Behind the last change, the record's end, only empty directories can stay.
    applyPlan({ ...end, changes: end.changes.slice(0, Math.min(done, end.changes.length - 1)), directories: [] });
    await machine.uninstall("--yes");
    expect(machine.snapshot()).toEqual(before);
    if (done >= Math.max(plan.changes.length, end.changes.length)) return;
  }
});

test("the record of a newer version is left alone", async () => {
  const { machine } = machineWith("codex", undefined);
  await machine.install("--yes");
  machine.write(join(machine.data, "install.json"), '{ "v": 2 }');
  const before = machine.snapshot();
  expect((await machine.install("--yes")).output).toMatch(/no record that this version of hookspan can read/);
  expect((await machine.uninstall("--yes")).output).toMatch(/no record that this version of hookspan can read/);
  expect(machine.snapshot()).toEqual(before);
});

test("settings that somebody changes between plan and deed are left alone", async () => {
  const { machine, path } = machineWith("codex", others("codex"));
  const plan = planInstall(requestOf(machine, ["codex"]), readSettings);
  const now = others("codex").replace("mine", "mine2");
  writeFileSync(path, now);
  expect(() => applyPlan(plan)).toThrow(/has changed meanwhile; it is left alone/);
  expect(readFileSync(path, "utf8")).toBe(now);
});

test("a lost backup costs nobody their settings", async () => {
  const { machine, path } = machineWith("codex", others("codex"));
  await machine.install("--yes");
  rmSync(`${path}.hookspan.bak`);
  await machine.uninstall("--yes");
  expect(readFileSync(path, "utf8")).toBe(others("codex"));
});

function machineWith(agent: AgentName, text: string | undefined): { machine: FakeMachine; path: string } {
  const machine = createFakeMachine();
  const path = fileOf(machine, agent);
  mkdirSync(AGENT_SETUPS[agent].home(aroundOf(machine)), { recursive: true });
  if (text !== undefined) machine.write(path, text);
  return { machine, path };
}

function requestOf(machine: FakeMachine, agents: AgentName[]) {
  const running = join(machine.root, "package", "dist", "hookspan.cjs");
  const node = "/opt/node/bin/node";
  return {
    agents,
    scope: "user" as const,
    around: aroundOf(machine),
    data: machine.data,
    node,
    files: installedFiles(running, machine.data, node),
    plugin: opencodePlugin(running, machine.data, node),
    versions: {},
    transport: undefined,
    address: { status: "unfit", reason: "nobody asked" } as const,
    configuration: { path: configOf(machine), endpoint: "http://127.0.0.1:1" },
    consentAt: undefined,
  };
}

function fileOf(machine: FakeMachine, agent: AgentName): string {
  return String(AGENT_SETUPS[agent].file(aroundOf(machine), "user"));
}

function configOf({ home }: FakeMachine): string {
  return join(home, ".config", "hookspan", "config.json");
}

function allowlistOf({ home }: FakeMachine): string {
  return join(home, ".hermes", "shell-hooks-allowlist.json");
}

function aroundOf({ env, project }: FakeMachine) {
  return { env, platform: "linux" as const, project };
}

function hooksOf({ data }: FakeMachine, agent: AgentName) {
  return wantedHooks(agent, hookProgram(data, "linux", "/opt/node/bin/node"), undefined);
}

function statusOf(machine: FakeMachine, agent: AgentName, path: string): string {
  const running = join(machine.root, "package", "dist", "hookspan.cjs");
  const plugin = opencodePlugin(running, machine.data, "/opt/node/bin/node");
  const text = readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  return registrationIn(agent, text, { hooks: hooksOf(machine, agent), plugin }).status;
}

function others(agent: AgentName): string {
  const { form, hooks } = AGENT_SETUPS[agent];
  const [event = ""] = Object.keys(hooks);
  if (form === "yaml")
    return `# about me\nmodel: "Ren\\u00e9"\nhooks:\n  ${event}:\n    - command: mine # here\nlast: 1\n`;
  const handler = '{ "type": "command", "command": "mine" }';
  const entry = form === "groups" ? `{ "matcher": "*", "hooks": [${handler}] }` : handler;
  return `{\n  // about me\n  "name": "Ren\\u00e9",\n  "version": 1,\n  "hooks": {\n    "${event}": [\n      ${entry},\n    ],\n  }, // end\n}\n`;
}

function withOthers(agent: AgentName): [string, string, string][] {
  const text = others(agent);
  return [
    ["with other hooks", text, "mine"],
    ["with CRLF and a byte order mark", `\uFEFF${text.replaceAll("\n", "\r\n")}`, "mine"],
  ];
}

function commented(agent: AgentName): string {
  const { form } = AGENT_SETUPS[agent];
  if (form === "plugin") return "\n";
  return form === "yaml" ? "# nothing\n# yet\n" : "// mine\n{\n  /* nothing */\n  // yet\n}\n";
}

/** As an older version might have registered it: elsewhere, with another time limit, and on an event that is no longer used. */
function older({ data }: FakeMachine, text: string): string {
  return text.replaceAll(`${data}/hooks/hookspan.sh`, OLD).replaceAll(/(timeout(?:Sec)?"?: )\d+/g, "$19");
}

function differences(before: Record<string, string>, after: Record<string, string>): string[] {
  return Object.keys(after).filter((path) => after[path] !== before[path] && !after[path]?.startsWith("directory"));
}
