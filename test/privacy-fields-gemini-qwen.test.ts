// Every field of Gemini CLI's and Qwen Code's payloads and chat lines that may hold anything, with a secret in it: none reaches a
// span or a metric.
import { expect, test } from "vitest";

import { adapterFor } from "../src/adapter/registry.ts";
import type { AgentEvent } from "../src/event/event.ts";
import { captured } from "../src/trace/content.ts";
import type { Policy } from "../src/trace/draft.ts";
import { fold } from "../src/trace/fold.ts";
import type { Session } from "../src/trace/session.ts";

type Fields = Record<string, unknown>;
type Story = { file: string; payloads: Fields[]; lines: Fields[] };

const SECRET = "S3CRET-of-the-user /home/someone/project";
const SESSION = "97d1cecb-2482-45cb-95aa-e2188ddc4928";
const GEMINI_CALL = { tool_name: "run_shell_command", tool_input: { command: SECRET } };

const policy: Policy = {
  price: () => undefined,
  capture: (kind, text) => captured("none", kind, text),
};

const GEMINI: Story = {
  file: "/home/someone/.gemini/tmp/p/chats/session-2026-11-20T17-28-97d1cecb.jsonl",
  payloads: [
    { hook_event_name: "SessionStart", source: SECRET },
    { hook_event_name: "BeforeAgent", prompt: SECRET },
    { hook_event_name: "BeforeTool", ...GEMINI_CALL, mcp_context: { server_name: "s", url: SECRET } },
    { hook_event_name: "BeforeTool", tool_name: SECRET, tool_input: SECRET },
    {
      hook_event_name: "AfterTool",
      ...GEMINI_CALL,
      mcp_context: { server_name: "s" },
      tool_response: { llmContent: SECRET, returnDisplay: SECRET, error: { type: SECRET, message: SECRET } },
    },
    { hook_event_name: "Notification", message: SECRET, details: SECRET },
    { hook_event_name: SECRET, anything: SECRET },
    { hook_event_name: "AfterAgent", prompt: SECRET, prompt_response: SECRET },
    { hook_event_name: "SessionEnd", reason: SECRET },
  ],
  lines: [
    { kind: SECRET, projectHash: SECRET },
    { $set: { messages: [{ content: SECRET }] } },
    { type: "user", id: "u", content: [{ text: SECRET }] },
    {
      type: "gemini",
      id: "m",
      model: "gemini-2.5-pro",
      content: SECRET,
      thoughts: [SECRET],
      tokens: { input: 9, output: 1, total: 10 },
      toolCalls: ["error", "cancelled", SECRET].map((status, i) => ({
        id: `call_${i}`,
        name: i === 0 ? SECRET : "read_file",
        args: { path: SECRET, i },
        status,
        result: [{ functionResponse: { response: { error: SECRET, output: SECRET } } }],
        description: SECRET,
      })),
    },
  ],
};

const QWEN_CALL = { tool_call_id: "call_a", tool_use_id: "toolu_a", ...GEMINI_CALL };

const QWEN: Story = {
  file: `/home/someone/.qwen/projects/p/chats/${SESSION}.jsonl`,
  payloads: [
    { hook_event_name: "SessionStart", source: SECRET, model: "mock-1" },
    { hook_event_name: "UserPromptSubmit", prompt: SECRET, submitted_prompt: SECRET, prompt_id: SECRET },
    { hook_event_name: "PreToolUse", ...QWEN_CALL },
    { hook_event_name: "PermissionRequest", ...QWEN_CALL },
    { hook_event_name: "PostToolUseFailure", ...QWEN_CALL, error: SECRET },
    { hook_event_name: "PreToolUse", ...QWEN_CALL, tool_call_id: "call_b", tool_name: SECRET },
    { hook_event_name: "PostToolUse", ...QWEN_CALL, tool_call_id: "call_b", tool_response: { llmContent: SECRET } },
    {
      hook_event_name: "PostToolBatch",
      tool_calls: [
        {
          tool_name: SECRET,
          tool_input: SECRET,
          tool_call_id: "call_c",
          status: "error",
          tool_response: { error: SECRET, error_type: SECRET, result_display: SECRET },
        },
      ],
    },
    { hook_event_name: "SubagentStart", agent_id: "a1", agent_type: SECRET },
    { hook_event_name: "SubagentStop", agent_id: "a1", agent_type: SECRET, last_assistant_message: SECRET },
    { hook_event_name: "PreCompact", trigger: SECRET, custom_instructions: SECRET },
    { hook_event_name: "PostCompact", trigger: SECRET, compact_summary: SECRET },
    { hook_event_name: SECRET, anything: SECRET },
    { hook_event_name: "Stop", last_assistant_message: SECRET },
    { hook_event_name: "StopFailure", error: SECRET },
    { hook_event_name: "SessionEnd", reason: SECRET },
  ],
  lines: [
    { type: "user", uuid: "u", message: { parts: [{ text: SECRET }] }, cwd: SECRET },
    ...["api_response", "api_error"].map((name) => ({
      type: "system",
      subtype: "ui_telemetry",
      uuid: `r-${name}`,
      systemPayload: {
        uiEvent: {
          "event.name": `qwen-code.${name}`,
          response_id: "resp_1",
          model: "mock-1",
          auth_type: SECRET,
          error: SECRET,
          input_token_count: 9,
          subagent_id: "helper-1",
          subagent_type: SECRET,
          prompt_id: SECRET,
        },
      },
    })),
    { type: "assistant", uuid: "m", model: "mock-1", message: SECRET, usageMetadata: { promptTokenCount: 3 } },
    {
      type: "tool_result",
      uuid: "t",
      toolCallResult: { callId: "call_d", status: "error", errorType: SECRET, resultDisplay: SECRET },
      message: { parts: [{ functionResponse: { name: SECRET, response: { error: SECRET } } }] },
    },
  ],
};

test.each([
  ["gemini-cli", GEMINI],
  ["qwen-code", QWEN],
] as const)("%s", (agent, { file, payloads, lines }) => {
  const hooks = payloads.map((payload, i) => decodePayload(agent, { transcript_path: file, ...payload }, i));
  const told = decodeLines(agent, file, lines);
  for (const groups of [
    [...hooks, ...told],
    [...hooks.slice(0, 3), ...told, ...hooks.slice(3)],
  ]) {
    let session: Session | undefined;
    const made: unknown[] = [];
    const last = { agent, sessionId: SESSION, atNs: 90_000_000_000_000n, kind: "time.passed" } as const;
    for (const event of [...groups.flat(), { ...last, closing: true }]) {
      const step = fold(session, event, policy);
      session = step.session;
      made.push(step.spans, step.increments);
    }
    const text = JSON.stringify(made, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value));
    expect(text.length).toBeGreaterThan(3000);
    for (const part of ["S3CRET", "someone", "/home"]) expect(text).not.toContain(part);
  }
});

function decodePayload(agent: string, payload: Fields, i: number): AgentEvent[] {
  const common = { session_id: SESSION, cwd: SECRET, timestamp: SECRET, permission_mode: SECRET };
  const decoded = adapterFor(agent)?.decode({
    id: `e${i}`,
    agent,
    timeNs: BigInt(i + 1) * 1_000_000_000n,
    cwd: SECRET,
    env: {},
    payload: Buffer.from(JSON.stringify({ ...common, ...payload })),
  });
  return decoded?.status === "decoded" ? decoded.events : [];
}

function decodeLines(agent: string, file: string, lines: readonly Fields[]): AgentEvent[][] {
  let decoder: unknown;
  return lines.map((line, i) => {
    const timestamp = new Date((i + 3) * 1000).toISOString();
    const context = { sessionId: SESSION, file, decoder };
    const decoded = adapterFor(agent)?.decodeLine?.(JSON.stringify({ timestamp, ...line }), context);
    decoder = decoded?.decoder;
    return decoded?.events ?? [];
  });
}
