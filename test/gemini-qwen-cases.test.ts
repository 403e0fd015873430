// Situations of Gemini CLI and Qwen Code that no recording has, made out of recorded ones: what is left out, cut off, told twice
// or not at all.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";
import * as z from "zod";

import { adapterFor } from "../src/adapter/registry.ts";
import type { AgentEvent } from "../src/event/event.ts";
import { loadRecording } from "../src/view/load-recording.ts";
import { foldToEnd, lines, total, type Folded } from "./support/folded.ts";
import { recordedSessions } from "./support/recordings.ts";

type Fields = Record<string, unknown>;
type Moment = { atNs: bigint; hook?: Fields; line?: Fields };

const fields = z.record(z.string(), z.unknown());
const SECOND = 1_000_000_000n;
const SESSION = "97d1cecb-2482-45cb-95aa-e2188ddc4928";
const FILES: Record<string, string> = {
  "gemini-cli": "/home/user/.gemini/tmp/project/chats/session-2026-11-20T17-28-97d1cecb.jsonl",
  "qwen-code": `/home/user/.qwen/projects/-home-user-project/chats/${SESSION}.jsonl`,
};
const OUTCOMES = ["hookspan.run.outcome", "hookspan.tool.outcome", "error.type", "process.exit.code"];

describe.each([...recordedSessions("gemini-cli"), ...recordedSessions("qwen-code")])(
  "$agent $folder",
  ({ agent, path }) => {
    const all = story(path);

    test("everything told twice", () => {
      const twice = all.flatMap((one) => [one, one]);
      expect(counts(fold(agent, twice))).toEqual(counts(fold(agent, all)));
      const again = [...all, ...all.filter(({ line }) => line)];
      expect(counts(fold(agent, again))).toEqual(counts(fold(agent, all)));
    });

    test("cut off anywhere", () => {
      for (let end = 0; end <= all.length; end += 1) {
        const { spans, increments } = fold(agent, all.slice(0, end));
        expect(spans.filter(({ startNs, endNs }) => endNs < startNs)).toEqual([]);
        expect(increments.filter(({ value }) => !Number.isFinite(value) || value < 0)).toEqual([]);
      }
    });

    test("with no hooks but those of the file to install", () => {
      const installed = new Set(Object.keys(installedHooks(agent)));
      const few = all.filter(({ hook }) => hook === undefined || installed.has(String(hook["hook_event_name"])));
      expect(names(fold(agent, few))).toEqual(names(fold(agent, all)));
      expect(counts(fold(agent, few))).toEqual(counts(fold(agent, all)));
    });
  },
);

test.each(["gemini-cli", "qwen-code"])("%s: the hooks to install are ours, and of milliseconds", (agent) => {
  const timeouts = Object.values(installedHooks(agent)).map(([{ hooks }]) => hooks[0]);
  for (const { command, timeout } of timeouts) {
    expect(command).toBe(`/path/to/hookspan/hooks/hookspan.sh ${agent}`);
    expect(timeout).toBe(5000);
  }
});

describe("Gemini CLI, made up:", () => {
  const agent = "gemini-cli";
  const prompt = hookAt(agent, 1, "BeforeAgent", { prompt: "Go" });
  const asked = lineAt(1.5, "user", { id: "u1", content: [{ text: "Go" }] });

  test("another hook refuses the end: the run goes on, and ends at its last stop", () => {
    const refused = lineAt(6, "user", { id: "u2", content: [{ text: "Not yet" }] });
    const folded = fold(agent, [
      prompt,
      asked,
      hookAt(agent, 5, "AfterAgent", { prompt_response: "Done" }),
      refused,
      message(20, "m1", 10, 1),
      hookAt(agent, 21, "AfterAgent", { prompt_response: "Really done", stop_hook_active: true }),
    ]);
    expect(lines(folded, "hookspan.run.outcome")).toContainEqual(expect.stringMatching(/^invoke_agent .* success$/));
    expect(folded.spans.filter(({ name }) => name.startsWith("invoke_agent"))).toHaveLength(1);
    expect(seconds(folded, "invoke_agent gemini-cli")).toBe(20);
  });

  test("the session ends in the middle of a turn", () => {
    const folded = fold(agent, [prompt, asked, hookAt(agent, 4, "SessionEnd", { reason: "exit" })]);
    expect(names(folded)).toEqual(["invoke_agent gemini-cli interrupted", "session gemini-cli"]);
  });

  test("a turn that went well is not interrupted by the end of its session", () => {
    const end = [hookAt(agent, 4, "AfterAgent", {}), hookAt(agent, 5, "SessionEnd", { reason: "exit" })];
    expect(names(fold(agent, [prompt, ...end]))).toEqual(["invoke_agent gemini-cli success", "session gemini-cli"]);
    expect(names(fold(agent, [prompt, ...end.toReversed()]))).toEqual([
      "invoke_agent gemini-cli success",
      "session gemini-cli",
    ]);
  });

  test("the same command twice at once, and once refused: three calls", () => {
    const run = { tool_name: "run_shell_command", tool_input: { command: "ls" } };
    const ended = { ...run, tool_response: { llmContent: "Output: x\nExit Code: 2\nProcess Group PGID: 1" } };
    const folded = fold(agent, [
      prompt,
      hookAt(agent, 2, "BeforeTool", run),
      hookAt(agent, 2.5, "BeforeTool", run),
      hookAt(agent, 3, "AfterTool", ended),
      hookAt(agent, 4, "AfterTool", ended),
      message(1.8, "m1", 10, 1, {
        toolCalls: [listed("a", "success"), listed("b", "success"), listed("c", "cancelled")],
      }),
      hookAt(agent, 6, "AfterAgent", {}),
    ]);
    expect(names(folded).filter((name) => name.startsWith("execute_tool"))).toEqual([
      "execute_tool run_shell_command error command_failed 2",
      "execute_tool run_shell_command error command_failed 2",
      "execute_tool run_shell_command cancelled",
    ]);
  });

  test("a call whose AfterTool was lost ends as the chat file says", () => {
    const call = {
      id: "a",
      name: "read_file",
      args: { a: 1 },
      status: "error",
      timestamp: new Date(5000).toISOString(),
    };
    const folded = fold(agent, [
      prompt,
      hookAt(agent, 2, "BeforeTool", { tool_name: "read_file", tool_input: { a: 1 } }),
      message(1.8, "m1", 10, 1, { toolCalls: [call] }),
      hookAt(agent, 6, "AfterAgent", {}),
    ]);
    expect(names(folded)).toContain("execute_tool read_file error tool_error");
    expect(seconds(folded, "execute_tool read_file")).toBe(3);
  });

  test.each([
    ["mcp_demo_read_all", {}, "demo"],
    ["mcp_demo_read_all", { mcp_context: { server_name: "demo", tool_name: "read_all" } }, "demo"],
    ["mcp__demo__read_all", {}, "demo"],
    ["mcp_demo_read_all", { mcp_context: { server_name: "demo_read", tool_name: "all" } }, "demo_read"],
  ])("a tool of an MCP server, %s %j: one call, with its server", (name, more, server) => {
    const call = { id: "a", name, args: { a: 1 }, status: "error", timestamp: new Date(5000).toISOString() };
    const told = { tool_name: name, tool_input: { a: 1 }, ...more };
    const folded = fold(agent, [
      prompt,
      hookAt(agent, 2, "BeforeTool", told),
      hookAt(agent, 4, "AfterTool", { ...told, tool_response: { error: { type: "mcp_tool_error" } } }),
      message(1.8, "m1", 10, 1, { toolCalls: [call] }),
      hookAt(agent, 6, "AfterAgent", {}),
    ]);
    const tools = lines(folded, "hookspan.mcp.server", "gen_ai.tool.type", "hookspan.tool.outcome");
    expect(tools.filter((line) => line.startsWith("execute_tool"))).toEqual([
      expect.stringMatching(new RegExp(`^execute_tool read_all \\S+ ${server} extension error$`)),
    ]);
  });

  test("an MCP call that only the chat file tells of has its server, too", () => {
    const call = {
      id: "a",
      name: "mcp_demo_add",
      args: {},
      status: "cancelled",
      timestamp: new Date(3000).toISOString(),
    };
    const folded = fold(agent, [
      prompt,
      message(1.8, "m1", 10, 1, { toolCalls: [call] }),
      hookAt(agent, 6, "AfterAgent", {}),
    ]);
    const tool = folded.spans.find(({ name }) => name === "execute_tool add");
    expect(tool?.attributes).toMatchObject({ "hookspan.mcp.server": "demo", "gen_ai.tool.type": "extension" });
  });

  test("prompts of the API's own tools are input; cached tokens that exceed it are not", () => {
    const tokens = { input: 100, output: 10, cached: 30, thoughts: 5, tool: 7, total: 122 };
    const folded = fold(agent, [prompt, message(2, "m1", 0, 0, { tokens })]);
    expect(kinds(folded)).toEqual([77, 30, 10, 5]);
    const odd = { input: 10, output: 0, cached: 30, thoughts: 0, tool: 7, total: 10 };
    expect(kinds(fold(agent, [prompt, message(2, "m1", 0, 0, { tokens: odd })]))).toEqual([0, 10, 0, 0]);
  });

  test.each([
    "/etc/passwd",
    "session-2026-11-20T17-28-97d1cecb.jsonl",
    "/home/user/.gemini/tmp/p/chats/session-2026-11-20T17-28-00000000.jsonl",
    "/home/user/.gemini/tmp/p/other/session-2026-11-20T17-28-97d1cecb.jsonl",
  ])("a chat file of another name is not followed: %s", (path) => {
    expect(followed(agent, path)).toEqual({ files: [], refused: "transcript_name" });
  });
});

describe("Qwen Code, made up:", () => {
  const agent = "qwen-code";
  const prompt = hookAt(agent, 1, "UserPromptSubmit", { prompt: "Go", submitted_prompt: "Go" });
  const again = (at: number): Moment => hookAt(agent, at, "UserPromptSubmit", { prompt: "" });

  test("a Stop hook blocks: the run goes on, and ends at its last stop", () => {
    const folded = fold(agent, [prompt, hookAt(agent, 5, "Stop", {}), again(6), hookAt(agent, 30, "Stop", {})]);
    expect(names(folded)).toEqual(["invoke_agent qwen-code success", "session qwen-code"]);
    expect(seconds(folded, "invoke_agent qwen-code")).toBe(29);
  });

  test("the API failed for good", () => {
    const failed = telemetry(3, "qwen-code.api_error", { status_code: 500, duration_ms: 1000 });
    const folded = fold(agent, [prompt, failed, hookAt(agent, 4, "StopFailure", { error: "server_error" })]);
    expect(names(folded)).toEqual([
      "chat mock-1 http_500",
      "invoke_agent qwen-code error server_error",
      "session qwen-code",
    ]);
  });

  test("a command that the user broke off", () => {
    const call = { tool_name: "run_shell_command", tool_input: { command: "x" }, tool_call_id: "c", tool_use_id: "t" };
    const folded = fold(agent, [
      prompt,
      hookAt(agent, 2, "PreToolUse", call),
      hookAt(agent, 3, "PostToolUseFailure", { ...call, error: "Aborted", is_interrupt: true }),
      hookAt(agent, 4, "Stop", {}),
    ]);
    expect(names(folded)).toContain("execute_tool run_shell_command cancelled");
  });

  test("a chat file without records of calls: its messages count", () => {
    for (const { path } of recordedSessions(agent).filter(({ folder }) => folder !== "text-only")) {
      const all = story(path);
      const messages = all.filter(({ line }) => line?.["subtype"] !== "ui_telemetry");
      expect(kinds(fold(agent, messages))).toEqual(kinds(fold(agent, all)));
    }
  });

  test.each(["PostToolBatch", "PostToolUse", "PostToolUseFailure"])(
    "without %s hooks: the chat file has the same calls",
    (name) => {
      for (const { path } of recordedSessions(agent)) {
        const all = story(path);
        const without = all.filter(({ hook }) => hook?.["hook_event_name"] !== name);
        const calls = (moments: Moment[]): string[] =>
          lines(fold(agent, moments), "hookspan.tool.outcome")
            .filter((line) => line.startsWith("execute_tool"))
            .map((line) => line.replace(/ \S+\.\.\S+/, ""));
        expect(calls(without).sort()).toEqual(calls(all).sort());
      }
    },
  );

  test.each(["/etc/passwd", `${SESSION}.jsonl`, "/home/user/.qwen/other.jsonl"])(
    "a chat file of another name is not followed: %s",
    (path) => {
      expect(followed(agent, path)).toEqual({ files: [], refused: "transcript_name" });
    },
  );
});

function installedHooks(agent: string) {
  const one = z.strictObject({
    type: z.literal("command"),
    name: z.string(),
    command: z.string(),
    timeout: z.number(),
  });
  const entry = z.strictObject({ hooks: z.tuple([one]) });
  const snippet = z.strictObject({ hooks: z.record(z.string(), z.tuple([entry])) });
  const file = join(import.meta.dirname, "..", "hooks", `${agent}.settings.json`);
  return snippet.parse(JSON.parse(readFileSync(file, "utf8"))).hooks;
}

/** Hooks and lines of a recording in the order of their time; what a file says comes after a hook of the same instant. */
function story(path: string): Moment[] {
  const { hooks, transcripts } = loadRecording(path);
  const moments: Moment[] = [
    ...hooks.map(({ atNs, stdin }) => ({ atNs, hook: fields.parse(JSON.parse(stdin)) })),
    ...transcripts.flatMap((one) =>
      one.lines.map(({ atNs, text }) => ({ atNs, line: fields.parse(JSON.parse(text)) })),
    ),
  ];
  return moments.sort((a, b) => (a.atNs < b.atNs ? -1 : a.atNs > b.atNs ? 1 : 0));
}

function hookAt(agent: string, at: number, event: string, more: Fields): Moment {
  const common = { session_id: SESSION, transcript_path: FILES[agent], cwd: "/home/user/project" };
  return { atNs: nanoseconds(at), hook: { ...common, hook_event_name: event, ...more } };
}

function lineAt(at: number, type: string, more: Fields): Moment {
  return { atNs: nanoseconds(at), line: { timestamp: new Date(at * 1000).toISOString(), type, ...more } };
}

/** A message of Gemini CLI's. */
function message(at: number, id: string, input: number, output: number, more: Fields = {}): Moment {
  const tokens = { input, output, cached: 0, thoughts: 0, tool: 0, total: input + output };
  return lineAt(at, "gemini", { id, model: "gemini-2.5-pro", tokens, ...more });
}

/** A call of `ls` that ended in the fifth second, as Gemini CLI's chat file has it. */
function listed(id: string, status: string): Fields {
  const timestamp = new Date(5000).toISOString();
  return { id, name: "run_shell_command", args: { command: "ls" }, status, timestamp };
}

/** A record of Qwen Code's. */
function telemetry(at: number, name: string, more: Fields): Moment {
  const uiEvent = { "event.name": name, model: "mock-1", auth_type: "openai", ...more };
  return lineAt(at, "system", { uuid: `u${at}`, subtype: "ui_telemetry", systemPayload: { uiEvent } });
}

function nanoseconds(at: number): bigint {
  return (BigInt(Math.round(at * 1000)) * SECOND) / 1000n;
}

/** As a bridge would, but for waiting: lines are decoded with what the decoder remembers. */
function fold(agent: string, moments: readonly Moment[]): Folded {
  let decoder: unknown;
  let sessionId = SESSION;
  const events = moments.flatMap((one): AgentEvent[] => {
    if (one.hook !== undefined) {
      sessionId = String(one.hook["session_id"]);
      return decodeHook(agent, one.hook, one.atNs);
    }
    const context = { sessionId, file: "chat", decoder };
    const decoded = adapterFor(agent)?.decodeLine?.(JSON.stringify(one.line), context);
    decoder = decoded?.decoder;
    return decoded?.events ?? [];
  });
  return foldToEnd(events);
}

function decodeHook(agent: string, payload: Fields, timeNs: bigint): AgentEvent[] {
  const bytes = Buffer.from(JSON.stringify(payload));
  const decoded = adapterFor(agent)?.decode({ id: "e", agent, timeNs, env: {}, payload: bytes });
  return decoded?.status === "decoded" ? decoded.events : [];
}

function followed(agent: string, path: string): unknown {
  const payload = { session_id: SESSION, hook_event_name: "SessionStart", transcript_path: path };
  const bytes = Buffer.from(JSON.stringify(payload));
  const decoded = adapterFor(agent)?.decode({ id: "e", agent, timeNs: 1n, env: {}, payload: bytes });
  if (decoded?.status !== "decoded") return decoded;
  return { files: decoded.events.filter(({ kind }) => kind === "transcript.named"), refused: decoded.refused };
}

/** Spans by name and outcome. */
function names(folded: Folded): string[] {
  return lines(folded, ...OUTCOMES).map((text) => text.replace(/ -?[\d.e+]+\.\.-?[\d.e+]+/, ""));
}

/** Tokens counted: input, cached, output, reasoning. */
function kinds(folded: Folded): number[] {
  return ["input", "cache_read", "output", "reasoning"].map((kind) =>
    total(folded, "hookspan.token.usage", { "hookspan.token.kind": kind }),
  );
}

/** The sum of every metric but durations. */
function counts(folded: Folded): Record<string, number> {
  const metrics = [...new Set(folded.increments.map(({ metric }) => metric))].filter(
    (one) => !one.endsWith("duration"),
  );
  return Object.fromEntries([
    ...metrics.sort().map((one): [string, number] => [one, total(folded, one)]),
    ["spans", folded.spans.length],
  ]);
}

function seconds({ spans }: Folded, name: string): number {
  const span = spans.find((one) => one.name === name);
  return span === undefined ? Number.NaN : Number(span.endNs - span.startNs) / 1e9;
}
