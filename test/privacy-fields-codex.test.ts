// Every field of Codex's payloads and rollout lines that may hold anything, with a secret in it: none reaches a span or a metric.
import { expect, test } from "vitest";

import { codex } from "../src/adapter/codex.ts";
import type { AgentEvent } from "../src/event/event.ts";
import { captured } from "../src/trace/content.ts";
import type { Policy } from "../src/trace/draft.ts";
import { fold } from "../src/trace/fold.ts";
import type { Session } from "../src/trace/session.ts";

const SECRET = "S3CRET-of-the-user /home/someone/project";
const SESSION = "01a1fa15-5301-7000-8000-000000000001";
const CHILD = "01a1fa15-5301-7000-8000-00000000000a";
const FILE = `/home/someone/.codex/sessions/2026/11/20/rollout-2026-11-20T17-51-05-${SESSION}.jsonl`;

const policy: Policy = {
  price: () => undefined,
  capture: (kind, text) => captured("none", kind, text),
};

const PAYLOADS: Record<string, unknown>[] = [
  { hook_event_name: "SessionStart", source: SECRET },
  { hook_event_name: "UserPromptSubmit", prompt: SECRET },
  ...["a", "b", "c", "d", "e", "f", "g"].map((id) => ({
    hook_event_name: "PreToolUse",
    tool_name: "Bash",
    tool_use_id: `call_${id}`,
    tool_input: { command: SECRET },
  })),
  { hook_event_name: "PermissionRequest", tool_name: "Bash", tool_input: { command: SECRET, description: SECRET } },
  { hook_event_name: "PostToolUse", tool_name: "Bash", tool_use_id: "call_a", tool_response: SECRET },
  { hook_event_name: "PreCompact", trigger: SECRET },
  { hook_event_name: "PostCompact", trigger: SECRET },
  { hook_event_name: "SubagentStart", agent_id: CHILD, agent_type: "default" },
  { hook_event_name: "SubagentStop", agent_id: CHILD, agent_type: "default", last_assistant_message: SECRET },
  { hook_event_name: SECRET, anything: SECRET },
  { hook_event_name: "Stop", last_assistant_message: SECRET },
  { hook_event_name: "Interrupt", reason: SECRET },
  { hook_event_name: "SessionEnd", reason: SECRET },
];

const LINES: Record<string, unknown>[] = [
  {
    type: "session_meta",
    payload: { originator: SECRET, cwd: SECRET, source: SECRET, model_provider: SECRET, base_instructions: SECRET },
  },
  { type: "turn_context", payload: { model: "gpt-5.5", cwd: SECRET, user_instructions: SECRET } },
  said({ type: "message", role: "user", content: SECRET }),
  ...["a", "b", "c", "d", "e"].map((id) =>
    said({ type: "function_call", name: "shell", call_id: `call_${id}`, arguments: SECRET }),
  ),
  said({ type: "function_call", name: SECRET, call_id: "call_z", arguments: SECRET }),
  output("call_a", `Exit code: 1\n${SECRET}`),
  output("call_b", `Command blocked by PreToolUse hook: ${SECRET}`),
  output("call_c", `apply_patch verification failed: ${SECRET}`),
  output("call_d", `failed to parse function arguments: ${SECRET}`),
  output("call_e", SECRET),
  output("call_z", `unsupported call: ${SECRET}`),
  item({
    type: "CommandExecution",
    id: "call_f",
    status: SECRET,
    exit_code: 1,
    aggregated_output: SECRET,
    command: SECRET,
  }),
  item({
    type: "McpToolCall",
    id: "call_g",
    status: "failed",
    server: "s",
    tool: "t",
    arguments: SECRET,
    result: SECRET,
  }),
  item({ type: "HookPrompt", id: "m", fragments: [{ text: SECRET, hookRunId: `stop:1:${SECRET}` }] }),
  item({ type: "SubAgentActivity", id: "call_e", kind: "started", agent_thread_id: CHILD, agent_path: SECRET }),
  { type: "token_usage_record", payload: { response_id: "r1", usage: { input_tokens: 1, output_tokens: 1 } } },
  happened({ type: "task_complete", last_agent_message: SECRET, error: { message: SECRET, codex_error_info: SECRET } }),
  happened({ type: "turn_aborted", reason: SECRET }),
];

test.each([
  ["payloads first", [...PAYLOADS.map(decodePayload), ...decodeLines()]],
  [
    "lines among them",
    [...PAYLOADS.slice(0, 8).map(decodePayload), ...decodeLines(), ...PAYLOADS.slice(8).map(decodePayload)],
  ],
])("%s", (_, groups) => {
  let session: Session | undefined;
  const made: unknown[] = [];
  const last = { agent: "codex", sessionId: SESSION, atNs: 10_000_000_000_000n, kind: "time.passed" } as const;
  for (const event of [...groups.flat(), { ...last, closing: true }]) {
    const step = fold(session, event, policy);
    session = step.session;
    made.push(step.spans, step.increments);
  }
  const text = JSON.stringify(made, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  expect(text.length).toBeGreaterThan(5000);
  for (const part of ["S3CRET", "someone", "/home"]) expect(text).not.toContain(part);
});

function said(payload: Record<string, unknown>): Record<string, unknown> {
  return { type: "response_item", payload };
}

function output(id: string, text: string): Record<string, unknown> {
  return said({ type: "function_call_output", call_id: id, output: text });
}

function happened(payload: Record<string, unknown>): Record<string, unknown> {
  return { type: "event_msg", payload: { turn_id: "t1", ...payload } };
}

function item(one: Record<string, unknown>): Record<string, unknown> {
  return happened({ type: "item_completed", item: one });
}

function decodePayload(payload: Record<string, unknown>, i: number): AgentEvent[] {
  const common = { session_id: SESSION, turn_id: "t1", cwd: SECRET, transcript_path: FILE };
  const decoded = codex.decode({
    id: `e${i}`,
    agent: "codex",
    timeNs: BigInt(i + 1) * 1_000_000_000n,
    cwd: SECRET,
    env: { CODEX_HOME: SECRET },
    payload: Buffer.from(JSON.stringify({ ...common, ...payload })),
  });
  return decoded.status === "decoded" ? decoded.events : [];
}

function decodeLines(): AgentEvent[][] {
  let decoder: unknown;
  return LINES.map((line, i) => {
    const timestamp = new Date((i + 2) * 1000).toISOString();
    const decoded = codex.decodeLine?.(JSON.stringify({ timestamp, ...line }), {
      sessionId: SESSION,
      file: FILE,
      decoder,
    });
    decoder = decoded?.decoder;
    return decoded?.events ?? [];
  });
}
