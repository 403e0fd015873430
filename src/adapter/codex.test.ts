// Every hook event of Codex 0.169.0, and what it means.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";
import * as z from "zod";

import type { AgentEvent } from "../event/event.ts";
import { codex } from "./codex.ts";
import { codexPayload } from "./codex/payload.ts";
import { recordedInputs, recordedSessions } from "../../test/support/recordings.ts";

type Expected = { kind: AgentEvent["kind"] } & Record<string, unknown>;

const SESSION = "01a1fa15-5301-7000-8000-000000000001";
const AGENT = "01a1fa15-5301-7000-8000-00000000000a";
const MAIN = `/home/user/.codex/sessions/2026/11/20/rollout-2026-11-20T17-51-05-${SESSION}.jsonl`;
const CHILD = `/home/user/.codex/sessions/2026/11/20/rollout-2026-11-20T17-51-06-${AGENT}.jsonl`;
const TURN = { turn_id: "t1" };
const BASH = { ...TURN, tool_name: "Bash", tool_use_id: "call_1", tool_input: { command: "ls" } };
const SUBAGENT = { turn_id: "child-turn", agent_id: AGENT, agent_type: "default" };

const TABLE: [string, Record<string, unknown>, Expected[]][] = [
  [
    "SessionStart",
    { source: "fork", model: "gpt-5.5" },
    [{ kind: "session.started", source: "fork", model: "gpt-5.5" }],
  ],
  ["SessionStart", { source: "invented" }, [{ kind: "session.started", source: "unknown" }]],
  ["SessionEnd", { reason: "other" }, [{ kind: "session.ended", reason: "other" }]],
  [
    "UserPromptSubmit",
    { ...TURN, prompt: "Go" },
    [{ kind: "prompt.submitted", runKey: "t1", trigger: "user", content: { input: "Go" } }],
  ],
  ["UserPromptSubmit", { ...SUBAGENT, prompt: "Go" }, [{ kind: "noted", known: true }]],
  [
    "PreToolUse",
    BASH,
    [{ kind: "tool.started", runKey: "t1", callId: "call_1", tool: "Bash", content: { input: '{"command":"ls"}' } }],
  ],
  ["PreToolUse", { ...BASH, tool_name: "mcp__demo__add" }, [{ kind: "tool.started", tool: "add", mcpServer: "demo" }]],
  ["PreToolUse", { ...BASH, ...SUBAGENT }, [{ kind: "tool.started", subagentId: AGENT, callId: "call_1" }]],
  ["PermissionRequest", BASH, [{ kind: "permission.requested", tool: "Bash" }]],
  [
    // Nothing in it tells how a command ended.
    "PostToolUse",
    { ...BASH, tool_response: "text" },
    [
      { kind: "noted", known: true },
      {
        kind: "tool.reported",
        callId: "call_1",
        outcome: "unknown",
        ran: true,
        opens: true,
        content: { output: "text" },
      },
    ],
  ],
  [
    "PostToolUse",
    { ...BASH, tool_name: "view_image", tool_response: [] },
    [
      { kind: "noted", known: true },
      { kind: "tool.reported", outcome: "success" },
    ],
  ],
  [
    "PostToolUse",
    { ...BASH, transcript_path: null, tool_response: "text" },
    [{ kind: "tool.ended", outcome: "unknown", content: { output: "text" } }],
  ],
  [
    "PostToolUse",
    { ...BASH, transcript_path: null, tool_name: "apply_patch", tool_response: "Exit code: 0\nWall time: 0 seconds" },
    [{ kind: "tool.ended", outcome: "success" }],
  ],
  ["PreCompact", { ...TURN, trigger: "auto" }, [{ kind: "compaction.started", trigger: "auto" }]],
  [
    "PreCompact",
    { ...TURN, trigger: "manual" },
    [
      { kind: "prompt.submitted", runKey: "t1", trigger: "user" },
      { kind: "compaction.started", runKey: "t1", trigger: "manual" },
    ],
  ],
  ["PostCompact", { ...TURN, trigger: "manual" }, [{ kind: "compaction.ended", trigger: "manual" }]],
  ["SubagentStart", SUBAGENT, [{ kind: "subagent.started", subagentId: AGENT, type: "default" }]],
  [
    "SubagentStop",
    { ...SUBAGENT, agent_transcript_path: CHILD },
    [{ kind: "subagent.ended", subagentId: AGENT, type: "default" }],
  ],
  [
    "Stop",
    { ...TURN, stop_hook_active: false, last_assistant_message: "Done." },
    [{ kind: "run.stopped", runKey: "t1", content: { output: "Done." } }],
  ],
  ["Stop", { ...TURN, last_assistant_message: null }, [{ kind: "run.stopped", content: {} }]],
  ["Interrupt", TURN, [{ kind: "run.interrupted", runKey: "t1" }]],
  ["Invented", { anything: 1 }, [{ kind: "noted", nativeEvent: "Invented", known: false }]],
];

test.each(TABLE)("%s %j", (event, fields, expected) => {
  const events = decode({ hook_event_name: event, ...fields });
  const told = events.filter(({ kind }) => kind !== "session.described" && kind !== "transcript.named");
  expect(told).toHaveLength(expected.length);
  expected.forEach((one, i) => expect(told[i]).toMatchObject(one));
});

test("a subagent's turn is no run of ours", () => {
  for (const one of decode({ hook_event_name: "PreToolUse", ...BASH, ...SUBAGENT })) expect(one.runKey).toBeUndefined();
});

test("a question adds its reason to the input of the call that it is about", () => {
  const [call] = decode({ hook_event_name: "PreToolUse", ...BASH }).slice(-1);
  const asked = { command: "ls", description: "to see" };
  const [question] = decode({ hook_event_name: "PermissionRequest", ...BASH, tool_input: asked }).slice(-1);
  expect(question).toMatchObject({ inputHash: call?.kind === "tool.started" ? call.inputHash : "none" });
});

test.each([
  ["the session's", { transcript_path: MAIN }, [MAIN]],
  ["a subagent's", { ...SUBAGENT, transcript_path: CHILD }, [CHILD]],
  ["both", { ...SUBAGENT, transcript_path: MAIN, agent_transcript_path: CHILD }, [MAIN, CHILD]],
  ["none", { transcript_path: null }, []],
  ["another thread's", { transcript_path: CHILD }, "refused"],
  ["another file", { transcript_path: `/etc/passwd-${SESSION}.jsonl` }, "refused"],
  ["a relative one", { transcript_path: `rollout-2026-11-20T17-51-05-${SESSION}.jsonl` }, "refused"],
] as const)("rollouts to follow: %s", (_, fields, expected) => {
  const decoded = codex.decode(envelope({ hook_event_name: "PreToolUse", ...BASH, ...fields }));
  const events = decoded.status === "decoded" ? decoded.events : [];
  const named = events.flatMap((one) => (one.kind === "transcript.named" ? one : []));
  expect("refused" in decoded ? "refused" : named.map(({ file }) => file)).toEqual(expected);
  for (const one of named) expect(one.subagentId).toBe(one.file === CHILD ? AGENT : undefined);
});

test("a session is described by what its hooks and their surroundings say", () => {
  const payload = { hook_event_name: "Stop", ...TURN, cwd: "/home/user/p", permission_mode: "plan" };
  const decoded = codex.decode({ ...envelope(payload), ppid: 7, traceparent: "00-a", env: { CI: "1" } });
  expect(decoded.status === "decoded" && decoded.events[0]).toMatchObject({
    kind: "session.described",
    cwd: "/home/user/p",
    permissionMode: "plan",
    headless: true,
    hook: { pid: 7, pidSource: "parent", traceparent: "00-a" },
  });
});

test.each([
  ["no JSON", "{", "malformed_json"],
  ["no session", '{"hook_event_name":"Stop"}', "schema: session_id (invalid_type)"],
  ["no event", `{"session_id":"${SESSION}"}`, "schema: hook_event_name (invalid_type)"],
])("refused: %s", (_, text, reason) => {
  expect(codex.decode({ ...envelope({}), payload: Buffer.from(text) })).toEqual({ status: "invalid", reason });
});

test("the snippet registers every event, within the client's limits", () => {
  const entry = z.strictObject({
    hooks: z.tuple([z.strictObject({ type: z.literal("command"), command: z.string(), timeout: z.number() })]),
  });
  const file = join(import.meta.dirname, "..", "..", "hooks", "codex.hooks.json");
  // Another key at the root would make Codex ignore the file.
  const snippet = z.strictObject({ hooks: z.record(z.string(), z.tuple([entry])) });
  const { hooks } = snippet.parse(JSON.parse(readFileSync(file, "utf8")));
  const events = codexPayload.options.map(({ shape }) => shape.hook_event_name.value);
  expect(Object.keys(hooks).sort()).toEqual(events.sort());
  for (const [
    event,
    [
      {
        hooks: [one],
      },
    ],
  ] of Object.entries(hooks)) {
    expect(one.command).toBe("/path/to/hookspan/hooks/hookspan.sh codex");
    expect(one.timeout).toBeLessThanOrEqual(event === "SessionEnd" || event === "Interrupt" ? 3 : 5);
  }
});

describe("our schemas", () => {
  const shapes = new Map(
    codexPayload.options.map(({ shape }): [string, string[]] => [
      shape.hook_event_name.value,
      Object.keys(shape).sort(),
    ]),
  );
  const fields = z.looseObject({ hook_event_name: z.string() });

  test("know twelve events, and every field of every recorded payload", () => {
    expect(shapes.size).toBe(12);
    const payloads = recordedSessions("codex").flatMap(({ path }) => recordedInputs(path).payloads);
    for (const payload of payloads) {
      const { hook_event_name: event } = fields.parse(payload);
      expect(shapes.get(event)).toEqual(expect.arrayContaining(Object.keys(fields.parse(payload))));
      expect(codexPayload.parse(payload)).toEqual(payload);
    }
    expect(payloads.length).toBeGreaterThan(50);
  });

  // Codex generates JSON schemas of its hooks. Here is no copy: they may lie beside the project, or where the variable says.
  const beside = join(import.meta.dirname, "..", "..", "..", "shared", "schemas", "codex");
  const folder = process.env["HOOKSPAN_CODEX_SCHEMAS"] || beside;
  const files = existsSync(folder)
    ? readdirSync(folder).filter((name) => name.endsWith(".command.input.schema.json"))
    : [];
  if (files.length === 0)
    process.stderr.write(
      "left out: Codex's own hook schemas (none beside the project, and HOOKSPAN_CODEX_SCHEMAS names no folder)\n",
    );

  test("are those that the client generates, where they are at hand", () => {
    const generated = z.looseObject({ properties: z.record(z.string(), z.unknown()) });
    const name = z.looseObject({ const: z.string() });
    for (const file of files) {
      const { properties } = generated.parse(JSON.parse(readFileSync(join(folder, file), "utf8")));
      const event = name.parse(properties["hook_event_name"]).const;
      expect([event, shapes.get(event)]).toEqual([event, Object.keys(properties).sort()]);
      for (const [field, words] of Object.entries(wordsOf(properties))) {
        for (const word of words) {
          const payload = { session_id: SESSION, hook_event_name: event, [field]: word };
          expect(codexPayload.parse(payload)).toMatchObject({ [field]: word });
        }
      }
    }
    expect([0, 12]).toContain(files.length);
  });
});

function wordsOf(properties: Record<string, unknown>): Record<string, string[]> {
  const listed = z.looseObject({ enum: z.array(z.string()) });
  return Object.fromEntries(
    Object.entries(properties).map(([field, one]) => [field, listed.safeParse(one).data?.enum ?? []]),
  );
}

function decode(payload: Record<string, unknown>): AgentEvent[] {
  const decoded = codex.decode(envelope(payload));
  return decoded.status === "decoded" ? decoded.events : [];
}

function envelope(payload: Record<string, unknown>): Parameters<typeof codex.decode>[0] {
  const common = { session_id: SESSION, transcript_path: MAIN };
  return {
    id: "e",
    agent: "codex",
    timeNs: 1_795_000_000_000_000_000n,
    env: {},
    payload: Buffer.from(JSON.stringify({ ...common, ...payload })),
  };
}
