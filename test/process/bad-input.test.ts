// Nothing that an agent, or somebody in its place, hands over stops the bridge, leads it out of its directory, or goes
// unnoticed.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { describe, expect, test } from "vitest";
import * as z from "zod";

import { QUIET } from "../support/hook-tree.ts";
import { install, type Installed } from "../support/installed.ts";

const ALONE = { HOOKSPAN_AUTOSTART: "0" };
const SESSION = "5b0e6c1e-0000-4000-8000-000000000001";
const STOP = { session_id: SESSION, prompt_id: "p1", hook_event_name: "Stop" };
const TOOL = { ...STOP, tool_name: "Bash", tool_use_id: "toolu_1" };

const status = z.looseObject({
  events: z.record(z.string(), z.number()),
  dropped: z.record(z.string(), z.number()),
  spool: z.looseObject({ items: z.number() }),
  quarantine: z.looseObject({ items: z.number(), byReason: z.record(z.string(), z.number()) }),
});

describe.for<[string, string | Uint8Array | object, { agent?: string; quarantined?: string; dropped?: string }]>([
  ["nothing", "", { quarantined: "malformed-json" }],
  ["no JSON", '{"session_id":', { quarantined: "malformed-json" }],
  ["null", "null", { quarantined: "schema-payload-invalid-type" }],
  ["a number", "1e999", { quarantined: "schema-payload-invalid-type" }],
  ["an array", "[]", { quarantined: "schema-payload-invalid-type" }],
  ["no session", { hook_event_name: "Stop" }, { quarantined: "schema-session-id-invalid-type" }],
  ["an empty session", { ...STOP, session_id: "" }, { quarantined: "schema-session-id-too-small" }],
  ["a session of 4 KB", { ...STOP, session_id: "/..".repeat(1366) }, { quarantined: "schema-session-id-too-big" }],
  ["no event", { session_id: SESSION }, { quarantined: "schema-hook-event-name-invalid-type" }],
  ["an agent that is none", STOP, { agent: "claude-cod", quarantined: "unknown-agent" }],
  ["an agent with a path for a name", STOP, { agent: "../../claude-code", quarantined: "unknown-agent" }],
  ["a session with a path for an id", { ...STOP, session_id: "../../../etc/passwd" }, {}],
  ["a session named after the prototype", { ...STOP, session_id: "__proto__", tool_input: { __proto__: null } }, {}],
  ["an event that is none", { ...STOP, hook_event_name: "../../x" }, {}],
  [
    "bytes that are no text",
    Buffer.concat([
      Buffer.from(JSON.stringify(STOP).slice(0, -1)),
      Buffer.from(',"x":"'),
      Buffer.from([0xff, 0xfe, 0xc0]),
      Buffer.from('"}'),
    ]),
    {},
  ],
  [
    "half a surrogate pair",
    `${JSON.stringify({ ...STOP, hook_event_name: "UserPromptSubmit" }).slice(0, -1)},"prompt":"\\ud83d \\udc00"}`,
    {},
  ],
  [
    "numbers that are none",
    { ...TOOL, hook_event_name: "PostToolUse", duration_ms: -5, tool_response: { interrupted: "NaN" } },
    {},
  ],
  [
    "numbers without end",
    `${JSON.stringify({ ...TOOL, hook_event_name: "PostToolUse" }).slice(0, -1)},"duration_ms":1e400}`,
    {},
  ],
  [
    "ten thousand arrays in each other",
    `${JSON.stringify({ ...TOOL, hook_event_name: "PreToolUse" }).slice(0, -1)},"tool_input":${"[".repeat(10_000)}${"]".repeat(10_000)}}`,
    {},
  ],
  [
    "ten thousand objects in each other",
    `${JSON.stringify({ ...TOOL, hook_event_name: "PreToolUse" }).slice(0, -1)},"tool_input":${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}}`,
    {},
  ],
  ["a prompt of 31 MB", { ...STOP, hook_event_name: "UserPromptSubmit", prompt: "x".repeat(31_000_000) }, {}],
  [
    "a prompt of 33 MiB",
    { ...STOP, hook_event_name: "UserPromptSubmit", prompt: "x".repeat(33 * 2 ** 20) },
    { dropped: "payload_too_large" },
  ],
])("%s", { timeout: 60_000 }, ([, payload, { agent = "claude-code", quarantined, dropped }]) => {
  test("is taken, or set aside with a reason, and the next event is taken", async () => {
    const installed = await install();
    const before = filesBelow(installed);
    const bytes = typeof payload === "string" || payload instanceof Uint8Array ? payload : JSON.stringify(payload);
    expect(await installed.tree.run(bytes, { args: [agent], env: { ...installed.env, ...ALONE } })).toEqual(QUIET);
    expect(
      await installed.hook({ session_id: "next", hook_event_name: "SessionStart", source: "startup" }, ALONE),
    ).toEqual(QUIET);
    const flushed = await installed.run(["flush", "--close"], { HOOKSPAN_CAPTURE: "full" });
    expect(flushed).toMatchObject({ code: 0, stdout: "" });
    expect(flushed.stderr).not.toMatch(/\n\s+at /);

    const { json, text } = await statusOf(installed);
    expect(json.quarantine.byReason).toEqual(quarantined === undefined ? {} : { [quarantined]: 1 });
    expect(json.dropped).toEqual(dropped === undefined ? {} : { [dropped]: 1 });
    expect(json.spool.items).toBe(0);
    expect(text).toContain(quarantined ?? dropped ?? "quarantine  0");
    expect(installed.counted("hookspan.session.count")).toBe(
      quarantined === undefined && dropped === undefined ? 2 : 1,
    );
    expect(filesBelow(installed)).toEqual(before);
  });
});

describe.for<[string, (installed: Installed) => string | undefined, string]>([
  ["that is missing", (installed) => transcript(installed), "transcript_missing"],
  ["that is a directory", (installed) => directory(transcript(installed)), "transcript_not_regular"],
  ["that is a FIFO", (installed) => fifo(transcript(installed)), "transcript_not_regular"],
  ["that is a device", (installed) => symlink("/dev/zero", transcript(installed)), "transcript_not_regular"],
  ["below a file", (installed) => below(transcript(installed)), "transcript_missing"],
  ["of another session", (installed) => join(dirname(transcript(installed)), "other.jsonl"), "transcript_name"],
  ["that is a secret", () => "/etc/passwd", "transcript_name"],
  ["by a relative path", () => `${SESSION}.jsonl`, "transcript_name"],
])("a transcript %s", { timeout: 60_000 }, ([, arrange, reason]) => {
  test("is not read, and status says why", async () => {
    const installed = await install();
    const path = arrange(installed) ?? transcript(installed);
    const before = filesBelow(installed);
    for (const name of ["UserPromptSubmit", "Stop", "SessionEnd"]) {
      expect(await installed.hook({ ...STOP, hook_event_name: name, transcript_path: path }, ALONE)).toEqual(QUIET);
    }
    expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0, stdout: "" });
    const { json, text } = await statusOf(installed);
    expect(json.events).toMatchObject({ folded: 3, [reason]: expect.any(Number) });
    expect(text).toContain(reason);
    expect(
      installed
        .spans()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(["invoke_agent claude-code", "session claude-code"]);
    expect(filesBelow(installed)).toEqual(before);
  });
});

test("a transcript of nonsense: its good lines count, the others are counted", { timeout: 60_000 }, async () => {
  const installed = await install();
  const usage = { input_tokens: 7, output_tokens: 2 };
  const answer = { type: "assistant", message: { id: "m", model: "claude-opus-5-5", usage, content: [] } };
  const soon = new Date(Date.now() + 5000).toISOString();
  const lines = [
    "{",
    "null",
    '"x"',
    "[".repeat(100_000),
    JSON.stringify({ type: "assistant", message: {} }),
    JSON.stringify({ ...answer, timestamp: "2100-01-01T00:00:00.000Z", message: { ...answer.message, id: "m0" } }),
    JSON.stringify({ ...answer, timestamp: soon }),
    "x".repeat(9 * 2 ** 20),
    "",
  ];
  mkdirSync(dirname(transcript(installed)), { recursive: true });
  writeFileSync(transcript(installed), lines.join("\n"));
  for (const name of ["UserPromptSubmit", "Stop"]) {
    await installed.hook({ ...STOP, hook_event_name: name, transcript_path: transcript(installed) }, ALONE);
  }
  expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0 });
  expect((await statusOf(installed)).json.events).toMatchObject({
    folded: 2,
    transcript_line_malformed: 4,
    transcript_line_too_long: 1,
  });
  expect(installed.counted("hookspan.token.usage")).toBe(18);
});

async function statusOf(installed: Installed): Promise<{ json: z.infer<typeof status>; text: string }> {
  const json = await installed.run(["status", "--json"]);
  const text = await installed.run(["status"]);
  return { json: status.parse(JSON.parse(json.stdout)), text: text.stdout };
}

/** Every file around the state directory, with its size and time. */
function filesBelow({ tree, state }: Installed): string[] {
  return readdirSync(tree.root, { recursive: true, encoding: "utf8" })
    .map((name) => join(tree.root, name))
    .filter((path) => path !== state && !path.startsWith(`${state}/`))
    .map((path) => {
      const { size, mtimeMs } = statSync(path);
      // A directory's time changes as the state directory comes into being in it.
      return path === tree.root ? path : `${path} ${size} ${mtimeMs}`;
    })
    .sort();
}

function transcript({ env }: Installed): string {
  return join(String(env["HOME"]), ".claude", "projects", "p", `${SESSION}.jsonl`);
}

function directory(path: string): undefined {
  mkdirSync(path, { recursive: true });
}

function fifo(path: string): undefined {
  mkdirSync(dirname(path), { recursive: true });
  execFileSync("mkfifo", [path]);
}

function symlink(target: string, path: string): undefined {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}

function below(path: string): undefined {
  mkdirSync(dirname(dirname(path)), { recursive: true });
  writeFileSync(dirname(path), "");
}
