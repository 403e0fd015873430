// Every event of Claude Code 2.1.329, and what it means.
import { expect, test } from "vitest";

import type { AgentEvent } from "../event/event.ts";
import { claudeCode } from "./claude-code.ts";

type Expected = { kind: AgentEvent["kind"] } & Record<string, unknown>;

const SESSION = "5b0e6c1e-0000-4000-8000-000000000001";
const MAIN = `/home/user/.claude/projects/-home-user/${SESSION}.jsonl`;
const TOOL = { tool_name: "Bash", tool_use_id: "toolu_1", tool_input: { command: "ls" } };
const MCP = { ...TOOL, tool_name: "mcp__demo__add" };
const SUBAGENT = { agent_id: "a1b2", agent_type: "Explore" };
const NOTHING: Expected[] = [{ kind: "noted", known: true }];

/** The end, where its payload shows no cost: absent is not 0. */
const ENDED: Expected[] = [{ kind: "session.ended", reason: "other" }];

const TABLE: [string, Record<string, unknown>, Expected[]][] = [
  [
    "SessionStart",
    { source: "resume", model: "claude-opus-5-5" },
    [{ kind: "session.started", source: "resume", model: "claude-opus-5-5" }],
  ],
  ["SessionStart", { source: "invented" }, [{ kind: "session.started", source: "unknown" }]],
  ["Setup", { trigger: "init" }, NOTHING],
  ["InstructionsLoaded", { file_path: "/x", memory_type: "User" }, NOTHING],
  ["UserPromptSubmit", { prompt: "Go" }, [{ kind: "prompt.submitted", trigger: "user", content: { input: "Go" } }]],
  [
    "UserPromptSubmit",
    { prompt: "Go", source: "schedule_wakeup" },
    [{ kind: "prompt.submitted", trigger: "schedule" }],
  ],
  [
    "UserPromptSubmit",
    { prompt: "<task-notification>\n<task-id>b7</task-id>\n" },
    [
      { kind: "task.notified", taskId: "b7" },
      { kind: "prompt.submitted", trigger: "task" },
    ],
  ],
  ["UserPromptExpansion", { command_name: "deploy", prompt: "x" }, NOTHING],
  [
    "PreToolUse",
    TOOL,
    [{ kind: "tool.started", callId: "toolu_1", tool: "Bash", content: { input: '{"command":"ls"}' } }],
  ],
  ["PreToolUse", MCP, [{ kind: "tool.started", tool: "add", mcpServer: "demo" }]],
  [
    "PreToolUse",
    { tool_name: "mcp__plugin_p_srv__do_it" },
    [{ kind: "tool.started", tool: "do_it", mcpServer: "plugin_p_srv" }],
  ],
  ["PreToolUse", {}, [{ kind: "tool.started", tool: "unknown" }]],
  ["PermissionRequest", TOOL, [{ kind: "permission.requested", tool: "Bash" }]],
  ["PermissionDenied", { ...TOOL, reason: "no" }, [{ kind: "tool.reported", outcome: "denied", opens: true }]],
  [
    "PostToolUse",
    { ...TOOL, duration_ms: 12, tool_response: { stdout: "a" } },
    [
      {
        kind: "tool.ended",
        outcome: "success",
        durationMs: 12,
        content: { input: '{"command":"ls"}', output: '{"stdout":"a"}' },
      },
    ],
  ],
  [
    "PostToolUse",
    { ...TOOL, duration_ms: -1, tool_response: { interrupted: true } },
    [{ kind: "tool.ended", outcome: "cancelled" }],
  ],
  [
    "PostToolUse",
    { ...TOOL, tool_response: { backgroundTaskId: "b7" } },
    [{ kind: "tool.ended", backgroundTaskId: "b7" }],
  ],
  [
    "PostToolUse",
    { ...TOOL, tool_response: { gitOperation: { commit: { kind: "committed" } } } },
    [{ kind: "tool.ended", commits: 1 }],
  ],
  [
    "PostToolUse",
    { ...TOOL, tool_name: "Agent", tool_response: { status: "async_launched", agentId: "a1" } },
    [{ kind: "tool.ended", launched: { subagentId: "a1", background: true } }],
  ],
  [
    "PostToolUse",
    { ...TOOL, tool_name: "Task", tool_response: { status: "completed", agentId: "a1" } },
    [{ kind: "tool.ended", launched: { subagentId: "a1", background: false } }],
  ],
  [
    "PostToolUse",
    { ...MCP, tool_response: [{ type: "text", text: "3" }] },
    [{ kind: "tool.ended", outcome: "success", mcpServer: "demo" }],
  ],
  [
    "PostToolUseFailure",
    { ...TOOL, error: "Exit code 3\nout" },
    [{ kind: "tool.ended", outcome: "error", errorType: "command_failed", exitCode: 3 }],
  ],
  [
    "PostToolUseFailure",
    { ...TOOL, error: "it broke" },
    [{ kind: "tool.ended", outcome: "error", errorType: "tool_error" }],
  ],
  [
    "PostToolUseFailure",
    { ...TOOL, error: "stopped", is_interrupt: true },
    [{ kind: "tool.ended", outcome: "cancelled" }],
  ],
  [
    "PostToolBatch",
    {
      tool_calls: [
        { ...TOOL, tool_response: "a" },
        { ...MCP, tool_use_id: "toolu_2", tool_response: "<tool_use_error>InputValidationError: x" },
      ],
    },
    [
      { kind: "tool.reported", callId: "toolu_1", outcome: "unknown", opens: true },
      { kind: "tool.reported", callId: "toolu_2", tool: "add", outcome: "error", errorType: "invalid_input" },
    ],
  ],
  [
    "PostToolBatch",
    { tool_calls: [{ ...TOOL, tool_response: "PreToolUse:Bash hook error: no" }] },
    [{ kind: "tool.reported", outcome: "blocked" }],
  ],
  ["PostToolBatch", { tool_calls: "many" }, []],
  ["Notification", { message: "m", notification_type: "idle_prompt" }, NOTHING],
  ["MessageDisplay", { turn_id: "t", message_id: "m", delta: "d" }, NOTHING],
  ["SubagentStart", SUBAGENT, [{ kind: "subagent.started", subagentId: "a1b2", type: "Explore" }]],
  ["SubagentStop", SUBAGENT, [{ kind: "subagent.ended", subagentId: "a1b2", type: "Explore" }]],
  ["SubagentStop", { agent_id: "a1b2", agent_type: "" }, NOTHING],
  ["SubagentStop", { agent_id: "../../x", agent_type: "Explore" }, NOTHING],
  ["TaskCreated", { task_id: "1", task_subject: "s" }, NOTHING],
  ["TaskCompleted", { task_id: "1", task_subject: "s" }, NOTHING],
  ["TeammateIdle", { teammate_name: "x", team_name: "y" }, NOTHING],
  [
    "Stop",
    { stop_hook_active: false, last_assistant_message: "Done." },
    [{ kind: "run.stopped", content: { output: "Done." } }],
  ],
  ["StopFailure", { error: "rate_limit" }, [{ kind: "run.failed", errorType: "rate_limit" }]],
  ["StopFailure", { error: "unknown", error_details: "400 …" }, [{ kind: "run.failed", errorType: "_OTHER" }]],
  ["PreCompact", { trigger: "manual" }, [{ kind: "compaction.started", trigger: "manual" }]],
  ["PostCompact", { trigger: "auto" }, [{ kind: "compaction.ended", trigger: "auto" }]],
  ["PreModelSwitch", { from_model: "a", to_model: "b" }, NOTHING],
  ["PostModelSwitch", { from_model: "a", to_model: "b" }, NOTHING],
  ["Elicitation", { mcp_server_name: "demo", message: "m" }, NOTHING],
  ["ElicitationResult", { mcp_server_name: "demo", action: "accept" }, NOTHING],
  ["ConfigChange", { source: "user_settings" }, NOTHING],
  ["CwdChanged", { old_cwd: "/a", new_cwd: "/b" }, NOTHING],
  ["FileChanged", { file_path: "/a", event: "change" }, NOTHING],
  ["DirectoryAdded", { directory: "/a", source: "cli" }, NOTHING],
  ["WorktreeCreate", { name: "w" }, NOTHING],
  ["WorktreeRemove", { worktree_path: "/w" }, NOTHING],
  ["SessionEnd", { reason: "clear" }, [{ kind: "session.ended", reason: "clear" }]],
  ["SessionEnd", { reason: "invented" }, [{ kind: "session.ended", reason: "other" }]],
  ["SessionEnd", { cost: null }, ENDED],
  ["SessionEnd", { cost: "12" }, ENDED],
  ["SessionEnd", { cost: {} }, ENDED],
  ["SessionEnd", { cost: { total_cost_usd: "1.5", total_lines_added: -1, total_lines_removed: 1e99 } }, ENDED],
  ["SessionEnd", { cost: { total_cost_usd: -1, total_duration_ms: 5 } }, ENDED],
  ["SessionEnd", { cost: { total_cost_usd: 0 } }, [{ kind: "cost.shown", totalUsd: 0 }, ...ENDED]],
  [
    "SessionEnd",
    {
      cost: {
        total_cost_usd: 1.5,
        total_duration_ms: 61000.5,
        total_api_duration_ms: 9,
        total_lines_added: 3,
        total_lines_removed: 1,
      },
    },
    [{ kind: "cost.shown", totalUsd: 1.5, linesAdded: 3, linesRemoved: 1, durationMs: 61000.5 }, ...ENDED],
  ],
  ["SomethingNew", {}, [{ kind: "noted", nativeEvent: "SomethingNew", known: false }]],
];

test.each(TABLE)("%s %o", (name, fields, expected) => {
  const { events } = decode({ hook_event_name: name, ...fields });
  expect(events.filter(({ kind }) => kind !== "session.described" && kind !== "transcript.named")).toMatchObject(
    expected,
  );
  for (const event of events) {
    expect(event).toMatchObject({ agent: "claude-code", sessionId: SESSION, atNs: 7n, runKey: "p1" });
  }
});

test("the table has all 33 events, and one that is none", () => {
  expect(new Set(TABLE.map(([name]) => name)).size).toBe(34);
});

test("what any payload tells of its session and its process", () => {
  const env = { CLAUDE_PID: "4242", CLAUDE_CODE_ENTRYPOINT: "sdk-cli" };
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const fields = { hook_event_name: "Stop", permission_mode: "plan", cwd: "/work" };
  expect(decode(fields, { env, traceparent, ppid: 9 }).events[0]).toMatchObject({
    kind: "session.described",
    cwd: "/work",
    entrypoint: "sdk-cli",
    headless: true,
    permissionMode: "plan",
    hook: { traceparent, pid: 4242, pidSource: "marker" },
  });
  expect(decode(fields, { env: {}, ppid: 9 }).events[0]).toMatchObject({ hook: { pid: 9, pidSource: "parent" } });
  expect(decode(fields, { env: { CLAUDE_PID: "x" }, ppid: 1 }).events[0]).toMatchObject({ hook: {} });
  expect(decode(fields, { env: { CLAUDE_CODE_ENTRYPOINT: "cli" } }).events[0]).toMatchObject({ headless: false });
});

test.each<[string, Record<string, unknown>, string[], boolean]>([
  ["the session's", { transcript_path: MAIN }, [MAIN], false],
  ["none", {}, [], false],
  ["another's", { transcript_path: "/home/user/.ssh/id_ed25519" }, [], true],
  ["relative", { transcript_path: `${SESSION}.jsonl` }, [], true],
  [
    "a subagent's, beside the session's",
    { transcript_path: MAIN, ...SUBAGENT },
    [MAIN, MAIN.replace(".jsonl", "/subagents/agent-a1b2.jsonl")],
    false,
  ],
  [
    "a subagent's own word, if it has the name",
    { transcript_path: MAIN, ...SUBAGENT, agent_transcript_path: "/old/agent-a1b2.jsonl" },
    [MAIN, "/old/agent-a1b2.jsonl"],
    false,
  ],
  [
    "and if it has not",
    { transcript_path: MAIN, ...SUBAGENT, agent_transcript_path: "/etc/passwd" },
    [MAIN, MAIN.replace(".jsonl", "/subagents/agent-a1b2.jsonl")],
    false,
  ],
])("transcripts that are followed: %s", (_, fields, files, refused) => {
  const decoded = decode({ hook_event_name: "Stop", ...fields });
  expect(decoded.events.flatMap((event) => (event.kind === "transcript.named" ? [event.file] : []))).toEqual(files);
  expect(decoded.refused).toBe(refused ? "transcript_name" : undefined);
});

test.each([
  ["not JSON", "{", "malformed_json"],
  ["nothing", "", "malformed_json"],
  ["null", "null", "schema: payload (invalid_type)"],
  ["an array", "[]", "schema: payload (invalid_type)"],
  ["no session", '{"hook_event_name":"Stop"}', "schema: session_id (invalid_type)"],
  ["no event", '{"session_id":"s"}', "schema: hook_event_name (invalid_type)"],
  [
    "an endless session id",
    JSON.stringify({ session_id: "s".repeat(513), hook_event_name: "Stop" }),
    "schema: session_id (too_big)",
  ],
])("%s is no event", (_, payload, reason) => {
  expect(claudeCode.decode(envelope(Buffer.from(payload)))).toEqual({ status: "invalid", reason });
});

function decode(fields: Record<string, unknown>, hook: Partial<Parameters<typeof claudeCode.decode>[0]> = {}) {
  const payload = { session_id: SESSION, prompt_id: "p1", ...fields };
  const decoded = claudeCode.decode({ ...envelope(Buffer.from(JSON.stringify(payload))), ...hook });
  if (decoded.status === "invalid") throw new Error(decoded.reason);
  return decoded;
}

function envelope(payload: Uint8Array): Parameters<typeof claudeCode.decode>[0] {
  return { id: "e", agent: "claude-code", timeNs: 7n, env: {}, payload };
}
