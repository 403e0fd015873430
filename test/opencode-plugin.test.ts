// OpenCode's plugin, in a process of its own that gets the events which the real client gave to its plugins.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { parseEnvelope, type Envelope } from "../src/event/envelope.ts";
import { recordedSessions } from "./support/recordings.ts";
import { tempDirectory } from "./support/temp-state.ts";

const PLUGIN = join(import.meta.dirname, "..", "hooks", "opencode", "hookspan.js");
const AGENT = join(import.meta.dirname, "support", "opencode-agent.mjs");
const [{ path: RECORDING } = { path: "" }] = recordedSessions("opencode");

const QUIET = { status: 0, stdout: "", stderr: "" };

describe.each(recordedSessions("opencode"))("$folder", ({ path }) => {
  test("of the client's events it writes these", async () => {
    const home = join(tempDirectory(), "state");
    expect(agent({ HOOKSPAN_HOME: home }, join(path, "events.jsonl"))).toEqual(QUIET);
    const lines = envelopesIn(home).map(({ timeNs, event, payload }) =>
      JSON.stringify({ ts_ns: timeNs.toString(), event, stdin: JSON.parse(Buffer.from(payload).toString()) }),
    );
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(join(path, "hooks.jsonl"));
  });
});

test("the header says who, when and where; nobody else can read it", () => {
  const root = tempDirectory();
  const home = join(root, "state");
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  agent({ HOOKSPAN_HOME: home, TRACEPARENT: traceparent, CI: "true", SECRET_X: "hunter2" }, events(), root);
  const [first] = envelopesIn(home);
  expect(first).toMatchObject({
    agent: "opencode",
    event: "session.created",
    cwd: root,
    traceparent,
    env: { CI: "true" },
  });
  expect(first?.pid).toBe(first?.ppid);
  const [name = ""] = readdirSync(join(home, "spool"));
  expect(readFileSync(join(home, "spool", name), "utf8")).not.toMatch(/hunter2|HOOKSPAN/);
  const modes = [".", "spool", join("spool", name)].map((one) => statSync(join(home, one)).mode & 0o777);
  expect(modes).toEqual([0o700, 0o700, 0o600]);
});

test.each(["", "spool"])("writes nothing through a symlink: the state directory's /%s", (below) => {
  const root = tempDirectory();
  const elsewhere = join(root, "elsewhere");
  mkdirSync(elsewhere);
  if (below !== "") mkdirSync(join(root, "state"));
  symlinkSync(elsewhere, join(root, "state", below));
  expect(agent({ HOOKSPAN_HOME: join(root, "state") })).toEqual(QUIET);
  expect(readdirSync(elsewhere)).toEqual([]);
});

test.each([
  ["a relative path", { HOOKSPAN_HOME: "state" }],
  ["switched off", { HOOKSPAN_HOME: "", XDG_STATE_HOME: "ROOT", HOOKSPAN_DISABLED: "1" }],
  ["no place that takes a directory", { HOOKSPAN_HOME: "/proc/hookspan" }],
])("%s: nothing is written, and the agent does not notice", (_what, given) => {
  const root = tempDirectory();
  const env = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, value === "ROOT" ? root : value]));
  expect(agent(env)).toEqual(QUIET);
  expect(existsSync("state")).toBe(false);
  expect(readdirSync(root)).toEqual([]);
});

test("events of any other shape do no harm", () => {
  const root = tempDirectory();
  const odd = ["session.created", "session.idle", "message.updated", "message.part.updated", "session.error"];
  const lines = odd.flatMap((type) =>
    [undefined, null, {}, { info: null, part: {}, sessionID: 5 }].map((data) => ({
      ts_ns: "1",
      event: `event:${type}`,
      data,
    })),
  );
  const more = [
    { ts_ns: "1", event: "chat.message", data: { output: {} } },
    { ts_ns: "1", event: "chat.params", data: {} },
  ];
  writeFileSync(join(root, "odd.jsonl"), [...lines, ...more].map((line) => JSON.stringify(line)).join("\n"));
  expect(agent({ HOOKSPAN_HOME: join(root, "state") }, join(root, "odd.jsonl"))).toEqual(QUIET);
});

test("where there is no bridge to start, prompts do not pile up, and a mark says why", () => {
  const root = tempDirectory();
  const alone = join(root, "hookspan.mjs");
  writeFileSync(alone, readFileSync(PLUGIN));
  const home = join(root, "state");
  expect(agent({ HOOKSPAN_HOME: home, HOOKSPAN_AUTOSTART: "" }, events(), root, alone)).toEqual(QUIET);
  expect(readdirSync(home).sort()).toEqual(["no-node", "spool"]);
  expect(readdirSync(join(home, "spool"))).toEqual([]);
});

test("it starts a bridge, once, without the agent's environment", () => {
  const root = tempDirectory();
  mkdirSync(join(root, "hooks", "opencode"), { recursive: true });
  mkdirSync(join(root, "dist"));
  writeFileSync(join(root, "package.json"), '{"type":"module"}');
  writeFileSync(join(root, "dist", "package.json"), '{"type":"commonjs"}');
  const plugin = join(root, "hooks", "opencode", "hookspan.js");
  writeFileSync(plugin, readFileSync(PLUGIN));
  const report = join(root, "report");
  const standIn = `require("fs").appendFileSync(${JSON.stringify(report)}, JSON.stringify([process.argv.slice(2), Object.keys(process.env)]) + "\\n")`;
  writeFileSync(join(root, "dist", "hookspan.cjs"), standIn);
  const home = join(root, "state");
  const env = { HOOKSPAN_HOME: home, HOOKSPAN_AUTOSTART: "", SECRET_X: "1", HOOKSPAN_CAPTURE: "full" };
  expect(agent(env, events(), root, plugin)).toEqual(QUIET);
  return expect
    .poll(() => (existsSync(report) ? readFileSync(report, "utf8") : ""), { timeout: 20_000 })
    .toMatch(/^\[\["bridge","--until-idle"\],\[(?!.*(?:SECRET|CAPTURE)).*"HOOKSPAN_HOME".*\]\]\n$/);
});

/** Runs the stand-in for the agent to its end. */
function agent(env: Record<string, string>, recording = events(), directory = "/home/user/project", plugin = PLUGIN) {
  const base = { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", HOOKSPAN_AUTOSTART: "0" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [AGENT, plugin, recording, directory], {
    env: { ...base, ...env },
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

function events(): string {
  return join(RECORDING, "events.jsonl");
}

/** In the order in which a bridge takes them. */
function envelopesIn(home: string): Envelope[] {
  const spool = join(home, "spool");
  return readdirSync(spool)
    .sort()
    .map((name) => {
      const parsed = parseEnvelope(readFileSync(join(spool, name)), 2n ** 62n);
      if (parsed.status !== "whole") throw new Error(`${name} is ${parsed.status}`);
      return parsed.envelope;
    })
    .sort((a, b) => (a.timeNs < b.timeNs ? -1 : 1));
}
