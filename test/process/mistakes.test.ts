// What a user gets wrong on the command line or in the configuration.
import { writeFileSync } from "node:fs";

import { describe, expect, test, vi } from "vitest";

import { HELP } from "../../src/help.ts";
import { QUIET } from "../support/hook-tree.ts";
import { install, WAIT } from "../support/installed.ts";

describe("mistakes", { timeout: 60_000 }, () => {
  test.for<[string, string[], number, RegExp]>([
    ["an unknown command", ["brigde"], 2, /unknown command "brigde"; commands: .*bridge/],
    ["an unknown option", ["bridge", "--endpiont", "x"], 2, /--endpiont/],
    ["an operand", ["flush", "now"], 2, /now/],
    [
      "a timeout that is none",
      ["flush", "--timeout", "soon"],
      2,
      /--timeout takes a number of seconds above 0, not "soon"/,
    ],
    ["an endpoint that is none", ["bridge", "--endpoint", "localhost"], 1, /endpoint/],
    ["a log level that is none", ["bridge", "--log-level", "loud"], 1, /log/i],
  ])("%s", async ([, args, code, message]) => {
    const installed = await install();
    const ended = await installed.run(args);
    expect(ended).toMatchObject({ code, stdout: "" });
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr).not.toMatch(/\n\s+at /);
  });

  test.for<[string, unknown, RegExp]>([
    ["a key of the wrong type", { endpoint: 5 }, /config\.json.*endpoint/s],
    ["a key that is none", { endpiont: "http://x" }, /config\.json.*endpiont/s],
    ["a value that is none", { capture: "all" }, /config\.json.*capture.*none, preview, full/s],
    ["not JSON", "{", /config\.json/],
  ])("in the configuration: %s", async ([, config, message]) => {
    const installed = await install();
    const file = installed.env["HOOKSPAN_CONFIG"] ?? "";
    writeFileSync(file, typeof config === "string" ? config : JSON.stringify(config));
    for (const command of ["bridge", "flush", "status"]) {
      const ended = await installed.run([command]);
      expect(ended).toMatchObject({ code: 1, stdout: "" });
      expect(ended.stderr).toMatch(message);
      expect(ended.stderr).not.toMatch(/\n\s+at /);
    }
  });

  test("a hook whose bridge cannot start is as quiet as any, and its event is kept", async () => {
    const installed = await install();
    writeFileSync(installed.env["HOOKSPAN_CONFIG"] ?? "", "{");
    expect(await installed.hook({ session_id: "s", hook_event_name: "Stop" })).toEqual(QUIET);
    await vi.waitFor(async () => expect(await installed.bridges()).toEqual([]), WAIT);
    expect(installed.spool()).toHaveLength(1);
  });
});

test("each command has help", async () => {
  const installed = await install();
  const commands = Object.keys(HELP).filter((name) => name !== "hookspan");
  for (const args of [["--help"], ["flush", "-h"], ["help", "status"], ...commands.map((name) => [name, "--help"])]) {
    const { code, stdout, stderr } = await installed.run(args);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^hookspan/);
    expect(stdout).toMatch(/\nExample: .*hookspan .*\n$/);
  }
});
