// Hooks by HTTP: what the installer writes, what it refuses, and the way back.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { createFakeMachine, type FakeMachine } from "./support/fake-machine.ts";

const POSTED = {
  type: "http",
  url: "http://127.0.0.1:4319/v1/hooks/claude-code",
  headers: { Authorization: "Bearer $HOOKSPAN_INTAKE_TOKEN", traceparent: "$TRACEPARENT", tracestate: "$TRACESTATE" },
  allowedEnvVars: ["HOOKSPAN_INTAKE_TOKEN", "TRACEPARENT", "TRACESTATE"],
  timeout: 5,
};
const OTHERS = `{
  // mine
  "theme": "dark",
  "hooks": { "Stop": [ { "hooks": [ { "type": "http", "url": "http://127.0.0.1:9999/mine" } ] } ], },
}
`;

type Handler = { type: string; url?: string; command?: string; timeout?: number } & Record<string, unknown>;

describe("Claude Code by HTTP", () => {
  test.for<[string, string | undefined]>([
    ["absent", undefined],
    ["empty", ""],
    ["with others' hooks and comments", OTHERS],
  ])("settings %s: one hook for each event, again is nothing, and they go without a trace", async ([, text]) => {
    const { machine, path } = machineWith(text);
    const before = machine.snapshot();
    expect((await machine.install("claude-code", "--transport", "http", "--yes")).reason).toBeUndefined();
    const hooks = oursIn(path);
    expect(Object.keys(hooks)).toHaveLength(16);
    const { SessionStart, ...others } = hooks;
    expect(SessionStart).toEqual([{ type: "command", command: expect.any(String), timeout: 5 }]);
    for (const handlers of Object.values(others)) expect(handlers).toEqual([POSTED]);
    expect(readFileSync(path, "utf8")).toContain(text === OTHERS ? "// mine" : "");
    const after = machine.snapshot();
    // Without a word about it, what is by HTTP stays so.
    expect((await machine.install("claude-code", "--yes")).output).toContain("nothing to change");
    expect((await machine.install("claude-code", "--transport", "http", "--yes")).output).toContain(
      "nothing to change",
    );
    expect(machine.snapshot()).toEqual(after);
    expect((await machine.uninstall("--yes")).reason).toBeUndefined();
    expect(machine.snapshot()).toEqual(before);
  });

  test("from commands to HTTP and back: each in the place of the other", async () => {
    const { machine, path } = machineWith(OTHERS);
    const before = machine.snapshot();
    await machine.install("claude-code", "--yes");
    const commands = readFileSync(path, "utf8");
    await machine.install("claude-code", "--transport", "http", "--yes");
    expect(Object.values(oursIn(path)).every((handlers) => handlers.length === 1)).toBe(true);
    await machine.install("claude-code", "--transport", "command", "--yes");
    expect(readFileSync(path, "utf8")).toBe(commands);
    await machine.install("claude-code", "--transport", "http", "--yes");
    await machine.uninstall("--yes");
    expect(machine.snapshot()).toEqual(before);
  });

  test("another port: the hooks follow, in their place", async () => {
    const { machine, path } = machineWith(undefined);
    await machine.install("claude-code", "--transport", "http", "--yes");
    const text = readFileSync(path, "utf8");
    configure(machine, { port: 4320, host: "::" });
    await machine.install("claude-code", "--yes");
    expect(readFileSync(path, "utf8")).toBe(text.replaceAll("127.0.0.1:4319", "[::1]:4320"));
  });

  test("edited since: only ours go", async () => {
    const { machine, path } = machineWith(OTHERS);
    await machine.install("claude-code", "--transport", "http", "--yes");
    writeFileSync(path, readFileSync(path, "utf8").replace("dark", "light"));
    await machine.uninstall("--yes");
    expect(readFileSync(path, "utf8")).toBe(OTHERS.replace("dark", "light"));
  });

  test("says what there is to know, and no secret", async () => {
    const { machine, path } = machineWith('{ "allowedHttpHookUrls": [] }');
    machine.write(tokenFileOf(machine), "a-secret-token\n");
    const { output } = await machine.install("claude-code", "--transport", "http", "--dry-run");
    expect(output).toContain(`HOOKSPAN_INTAKE_TOKEN="$(cat '${tokenFileOf(machine)}')"`);
    expect(output).toMatch(/no SessionStart or Setup by HTTP/);
    expect(output).toMatch(/each event is lost and leaves an error line .*hookspan service install/);
    expect(output).toMatch(/allowedHttpHookUrls in the settings must let http:\/\/127\.0\.0\.1:4319/);
    machine.env["HOOKSPAN_INTAKE_TOKEN"] = "a-secret-token";
    const said = (await machine.install("claude-code", "--transport", "http", "--yes")).output;
    expect(said).not.toContain("$(cat");
    expect(output + said + readFileSync(path, "utf8")).not.toContain("a-secret-token");
  });
});

describe("refused, with nothing written", () => {
  test.for<[string, string[], object | string, string, RegExp]>([
    [
      "an agent without them",
      ["codex"],
      { port: 4319 },
      "2.1.329",
      /Codex has no hooks by HTTP; take `--transport comm/,
    ],
    ["Copilot CLI", ["copilot-cli"], { port: 4319 }, "2.1.329", /Copilot CLI takes no variable .* without https/],
    ["no fixed port", [], {}, "2.1.329", /no fixed port; `hookspan config set intake\.port 4319` first/],
    ["an intake that is off", [], { port: 1, enabled: false }, "2.1.329", /the intake is off/],
    ["an intake elsewhere", [], { port: 1, host: "10.1.2.3" }, "2.1.329", /listens on 10\.1\.2\.3 only/],
    ["a configuration that is wrong", [], "{", "2.1.329", /by HTTP: configuration file .* is not valid JSON/],
    ["an older client", [], { port: 4319 }, "2.1.62", /Claude Code 2\.1\.62 has no hooks by HTTP, 2\.1\.63 is the/],
    ["an unknown client", [], { port: 4319 }, "?", /version of Claude Code is not known/],
    ["a project", ["claude-code", "--project"], { port: 4319 }, "2.1.329", /is for the user's settings/],
  ])("%s", async ([, args, intake, version, message]) => {
    const { machine } = machineWith(OTHERS, version);
    configure(machine, intake);
    const before = machine.snapshot();
    const agents = args.length === 0 ? ["claude-code"] : args;
    const { output, reason } = await machine.install(...agents, "--transport", "http", "--yes");
    expect(output).toMatch(message);
    expect(reason).toMatch(/not everything could be done/);
    expect(machine.snapshot()).toEqual(before);
  });

  test("a transport that is none", async () => {
    const { machine } = machineWith(undefined);
    await expect(machine.install("--transport", "grpc")).rejects.toThrow(
      '--transport takes command or http, not "grpc"',
    );
  });

  test.for<[string, string[], string[], RegExp]>([
    [
      "commands in the project",
      ["--project"],
      ["--transport", "http"],
      /has hooks of ours that run a command, and with both/,
    ],
    ["HTTP for the user", ["--transport", "http"], ["--project"], /has hooks of ours that go by HTTP, and with both/],
  ])("both at once: %s already", async ([, first, second, message]) => {
    const { machine } = machineWith(undefined);
    expect((await machine.install("claude-code", ...first, "--yes")).reason).toBeUndefined();
    const before = machine.snapshot();
    expect((await machine.install("claude-code", ...second, "--yes")).output).toMatch(message);
    expect(machine.snapshot()).toEqual(before);
  });
});

test("of all agents, those that can are meant", async () => {
  const { machine, path } = machineWith(undefined);
  machine.program("codex", "codex-cli 0.169.0");
  const { output, reason } = await machine.install("--transport", "http", "--yes");
  expect(reason).toBeUndefined();
  expect(output).not.toContain(".codex");
  expect(oursIn(path)).toHaveProperty("Stop");
});

function machineWith(text: string | undefined, version = "2.1.329"): { machine: FakeMachine; path: string } {
  const machine = createFakeMachine();
  const path = join(machine.home, ".claude", "settings.json");
  machine.program("claude", `${version} (Claude Code)`);
  machine.write(join(machine.home, ".claude", "CLAUDE.md"), "");
  if (text !== undefined) machine.write(path, text);
  configure(machine, { port: 4319 });
  return { machine, path };
}

function configure(machine: FakeMachine, intake: object | string): void {
  const text = typeof intake === "string" ? intake : JSON.stringify({ intake });
  machine.write(join(machine.home, ".config", "hookspan", "config.json"), text);
}

function tokenFileOf({ home }: FakeMachine): string {
  return join(home, ".local", "state", "hookspan", "intake-token");
}

/** Our hooks by event: all but the one that stands in OTHERS. */
function oursIn(path: string): Record<string, Handler[]> {
  const text = readFileSync(path, "utf8")
    .replace("// mine", "")
    .replaceAll(/,(?=\s*[}\]])/g, "");
  const { hooks }: { hooks: Record<string, { hooks: Handler[] }[]> } = JSON.parse(text);
  return Object.fromEntries(
    Object.entries(hooks).map(([event, groups]) => [
      event,
      groups.flatMap((group) => group.hooks).filter(({ url }) => url === undefined || !url.endsWith("/mine")),
    ]),
  );
}
