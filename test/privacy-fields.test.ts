// Every field of a payload or transcript line that may hold anything, with a secret in it: none reaches a span or a metric.
import { expect, test } from "vitest";

import { claudeCode } from "../src/adapter/claude-code.ts";
import type { AgentEvent } from "../src/event/event.ts";
import { captured } from "../src/trace/content.ts";
import type { Policy } from "../src/trace/draft.ts";
import { fold } from "../src/trace/fold.ts";
import type { Session } from "../src/trace/session.ts";

const SECRET = "S3CRET-of-the-user /home/someone/project";
const SESSION = "0c5b9a6e-0000-4000-8000-000000000001";
const FILE = `/home/someone/.claude/projects/p/${SESSION}.jsonl`;

const policy: Policy = {
  price: () => undefined,
  capture: (kind, text) => captured("none", kind, text),
};

const PAYLOADS: Record<string, unknown>[] = [
  { hook_event_name: "SessionStart", source: SECRET, session_title: SECRET },
  { hook_event_name: "UserPromptSubmit", prompt: SECRET, session_title: SECRET, source: SECRET },
  { hook_event_name: "UserPromptExpansion", command_name: SECRET, command_args: SECRET, prompt: SECRET },
  { hook_event_name: "InstructionsLoaded", file_path: SECRET, load_reason: SECRET },
  { hook_event_name: "MessageDisplay", delta: SECRET },
  { hook_event_name: "Notification", message: SECRET, title: SECRET, notification_type: SECRET },
  ...call("a", [
    { hook_event_name: "PreToolUse" },
    { hook_event_name: "PermissionRequest", permission_suggestions: [SECRET] },
    { hook_event_name: "PostToolUse", tool_response: { stdout: SECRET, stderr: SECRET, status: SECRET } },
  ]),
  ...call("b", [
    { hook_event_name: "PreToolUse" },
    { hook_event_name: "PostToolUseFailure", error: `Exit code 3\n${SECRET}` },
  ]),
  ...call("c", [{ hook_event_name: "PreToolUse" }, { hook_event_name: "PostToolUseFailure", error: SECRET }]),
  ...call("d", [{ hook_event_name: "PermissionDenied", reason: SECRET }]),
  {
    hook_event_name: "PostToolBatch",
    tool_calls: ["e", "<tool_use_error>", "PreToolUse:Bash hook error: "].map((start) => ({
      tool_name: "Bash",
      tool_use_id: `toolu_${start.length}`,
      tool_input: { command: SECRET },
      tool_response: start + SECRET,
    })),
  },
  { hook_event_name: "SubagentStart", agent_id: "abc", agent_type: "Explore" },
  { hook_event_name: "SubagentStop", agent_id: "abc", agent_type: "Explore", last_assistant_message: SECRET },
  { hook_event_name: "TaskCreated", task_subject: SECRET, task_description: SECRET },
  { hook_event_name: "PreCompact", trigger: SECRET, custom_instructions: SECRET },
  { hook_event_name: "PostCompact", trigger: SECRET, compact_summary: SECRET },
  { hook_event_name: "CwdChanged", old_cwd: SECRET, new_cwd: SECRET },
  { hook_event_name: SECRET, anything: SECRET },
  { hook_event_name: "Stop", last_assistant_message: SECRET, background_tasks: [{ command: SECRET }] },
  { hook_event_name: "StopFailure", error: SECRET, error_details: SECRET },
  { hook_event_name: "SessionEnd", reason: SECRET },
];

const LINES: Record<string, unknown>[] = [
  { type: "user", message: { content: SECRET }, cwd: SECRET, gitBranch: SECRET },
  { type: "custom-title", customTitle: SECRET },
  {
    type: "assistant",
    message: {
      id: "msg_1",
      model: "claude-opus-5-5",
      stop_reason: "tool_use",
      usage: { input_tokens: 1, output_tokens: 1 },
      content: [
        { type: "text", text: SECRET },
        { type: "tool_use", id: "toolu_9", name: "Bash", input: { command: SECRET } },
      ],
    },
  },
  {
    type: "user",
    toolUseResult: SECRET,
    permissionDecision: { decision: "reject", source: SECRET, reason: SECRET },
    message: { content: [{ type: "tool_result", tool_use_id: "toolu_9", is_error: true, content: SECRET }] },
  },
  { type: "api-request", id: "r1", params: { model: "claude-opus-5-5", system: SECRET } },
  { type: "system", subtype: "api_error", error: { status: 529, formatted: SECRET, requestId: SECRET } },
  { type: "api-request", id: "r2", params: { model: "claude-opus-5-5" } },
  {
    type: "assistant",
    isApiErrorMessage: true,
    error: SECRET,
    message: { id: "x", model: "<synthetic>", usage: {}, content: [{ type: "text", text: SECRET }] },
  },
  ...[
    `TOKEN=${SECRET} /opt/a.sh`,
    `"${SECRET}" b`,
    `'/x/${SECRET}'`,

    `TOKEN="${SECRET}" c`,
  ].map((command) => ({
    type: "attachment",
    attachment: { type: "hook_non_blocking_error", hookEvent: "PreToolUse", command, stderr: SECRET, stdout: SECRET },
  })),
  { type: "attachment", attachment: { type: "hook_success", hookEvent: SECRET, command: "true", content: SECRET } },
  {
    type: "system",
    subtype: "stop_hook_summary",
    hookInfos: [{ command: `KEY=${SECRET} stop.sh`, durationMs: 1 }],
    hookErrors: [`[KEY=${SECRET} stop.sh]: ${SECRET}`],
  },
];

test.each([
  ["payloads first", [...PAYLOADS.map(decodePayload), ...LINES.map(decodeLine)]],
  [
    "lines among them",
    PAYLOADS.flatMap((payload, i) => [decodePayload(payload, i), ...LINES.slice(i, i + 1).map(decodeLine)]),
  ],
])("%s", (_, groups) => {
  let session: Session | undefined;
  const made: unknown[] = [];
  const events = groups.flat();
  const last = { agent: "claude-code", sessionId: SESSION, atNs: 10_000_000_000_000n, kind: "time.passed" } as const;
  for (const event of [...events, { ...last, closing: true }]) {
    const step = fold(session, event, policy);
    session = step.session;
    made.push(step.spans, step.increments);
  }
  const text = JSON.stringify(made, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  expect(text.length).toBeGreaterThan(5000);
  for (const part of ["S3CRET", "someone", "/home"]) expect(text).not.toContain(part);
});

/** The events of one call, each with the fields that all of them have. */
function call(id: string, events: Record<string, unknown>[]): Record<string, unknown>[] {
  return events.map((event) => ({
    tool_name: "Bash",
    tool_use_id: `toolu_${id}`,
    tool_input: { command: SECRET, description: SECRET },
    ...event,
  }));
}

function decodePayload(payload: Record<string, unknown>, i: number): AgentEvent[] {
  const common = { session_id: SESSION, prompt_id: "p1", cwd: SECRET, transcript_path: FILE };
  const decoded = claudeCode.decode({
    id: `e${i}`,
    agent: "claude-code",
    timeNs: BigInt(i + 1) * 1_000_000_000n,
    cwd: SECRET,
    env: { CLAUDE_CODE_ENTRYPOINT: "cli", CLAUDE_PID: "42" },
    payload: Buffer.from(JSON.stringify({ ...common, ...payload })),
  });
  return decoded.status === "decoded" ? decoded.events : [];
}

function decodeLine(line: Record<string, unknown>, i: number): AgentEvent[] {
  const timestamp = new Date((i + 2) * 1000).toISOString();
  const text = JSON.stringify({ timestamp, uuid: `u${i}`, version: "2.1.329", promptId: "p1", ...line });
  const decoder = { requests: [["r1", "0", "claude-opus-5-5"]], tools: [["toolu_9", "Bash"]] };
  return claudeCode.decodeLine?.(text, { sessionId: SESSION, file: FILE, decoder }).events ?? [];
}
