import { expect, test } from "vitest";

import type { AgentEvent } from "../event/event.ts";
import { foldToEnd, lines, total } from "../../test/support/folded.ts";
import { opencode } from "./opencode.ts";

const START_MS = 1_795_000_000_000;
const SESSION = "ses_a";
const TURN = { turn: "msg_u", message: "msg_a", modelID: "claude-opus-5-5", providerID: "anthropic", agent: "build" };

const CREATED = told(0, "session.created", { info: { id: SESSION, version: "1.18.33" } });
const PROMPT = told(1, "chat.message", { message: { id: "msg_u" }, parts: [{ type: "text", text: "Hi" }] });
const IDLE = told(9, "session.idle", {});
const COST = { "hookspan.cost.source": "reported" };

test("a step counts once, at what OpenCode says that it cost", () => {
  const step = finished(3, { cost: 0.5 });
  const all = foldToEnd([...CREATED, ...PROMPT, ...step, ...step, ...IDLE]);
  expect(total(all, "hookspan.token.usage")).toBe(10 + 2 + 3 + 4 + 5);
  expect(total(all, "hookspan.cost", COST)).toBe(0.5);
  expect(total(all, "hookspan.cost")).toBe(0.5);
  const names = [
    "gen_ai.provider.name",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "hookspan.cost.table",
  ];
  expect(lines(all, ...names)).toContain("chat claude-opus-5-5 2..3 anthropic 18 6");
});

test("a cost of 0 is a price that OpenCode does not know: the tables are asked", () => {
  const all = foldToEnd([...CREATED, ...PROMPT, ...finished(3, { cost: 0 }), ...IDLE]);
  expect(total(all, "hookspan.cost", COST)).toBe(0);
  expect(total(all, "hookspan.cost", { "hookspan.cost.source": "estimated" })).toBeGreaterThan(0);
});

test("a call for OpenCode's own purposes says so", () => {
  const step = finished(3, {}, { ...TURN, agent: "compaction" });
  expect(lines(foldToEnd([...CREATED, ...PROMPT, ...step, ...IDLE]), "hookspan.llm.auxiliary")).toContain(
    "chat claude-opus-5-5 2..3 compaction",
  );
});

test("attempts that failed are told of, and the run goes on", () => {
  const retries = [1, 2].flatMap((attempt) =>
    told(2 + attempt, "session.retry", { attempt }, { ...TURN, startMs: ms(2) }),
  );
  const all = foldToEnd([...CREATED, ...PROMPT, ...retries, ...finished(5), ...IDLE]);
  expect(lines(all, "error.type").filter((line) => line.startsWith("chat"))).toEqual([
    "chat claude-opus-5-5 2..3 _OTHER",
    "chat claude-opus-5-5 3..4 _OTHER",
    "chat claude-opus-5-5 4..5",
  ]);
  expect(outcomes(all)).toEqual(["success"]);
});

test.each([
  [{ name: "MessageAbortedError" }, "interrupted"],
  [{ name: "APIError", data: { statusCode: 400 } }, "error http_400"],
  [{ name: "ProviderAuthError" }, "error authentication_failed"],
  [{ name: "S3CRET" }, "error _OTHER"],
  [undefined, "error _OTHER"],
])("an error before the idle: %j is %s", (error, expected) => {
  const after = told(6, "session.idle", {}, { ...TURN, failed: true });
  const all = foldToEnd([...CREATED, ...PROMPT, ...told(5, "session.error", { error }), ...after]);
  expect(outcomes(all, "error.type")).toEqual([expected]);
});

test.each([
  [{ status: "completed", metadata: { exit: 0 } }, "success"],
  [{ status: "completed" }, "success"],
  [{ status: "completed", metadata: { exit: 3 } }, "error command_failed"],
  [{ status: "completed", metadata: { exit: null } }, "error command_failed"],
  [{ status: "error", error: "File not found: x" }, "error tool_error"],
  [{ status: "error", error: "The user rejected permission to use this specific tool call." }, "denied"],
  [{ status: "error", error: "Tool execution aborted" }, "cancelled"],
])("a tool call that ends %j: %s", (state, expected) => {
  const all = foldToEnd([...CREATED, ...PROMPT, ...tool(2, { status: "running" }), ...tool(4, state), ...IDLE]);
  expect(lines(all, "hookspan.tool.outcome", "error.type").filter((line) => line.startsWith("execute_tool"))).toEqual([
    `execute_tool bash 2..4 ${expected}`,
  ]);
});

test("a question about a call, and the answer", () => {
  const asks = { permission: "bash", callID: "c" };
  const events = [
    ...tool(2, { status: "running" }),
    ...told(3, "permission.asked", asks),
    ...told(5, "permission.replied", { ...asks, reply: "once" }),
    ...tool(6, { status: "completed", metadata: { exit: 0 } }),
  ];
  const all = foldToEnd([...CREATED, ...PROMPT, ...events, ...IDLE]);
  expect(lines(all, "hookspan.tool.wait")).toContain("execute_tool bash 2..6 2");
});

test("a child's session is a subagent of its parent, and its failure its own", () => {
  const info = { id: "ses_b", parentID: SESSION, agent: "general" };
  const [about, started] = told(2, "session.created", { sessionID: "ses_b", info });
  expect(about).toMatchObject({ kind: "session.described", sessionId: SESSION });
  expect(started).toMatchObject({
    kind: "subagent.started",
    sessionId: SESSION,
    subagentId: "ses_b",
    childSessionId: "ses_b",
    type: "general",
  });
  const context = { turn: "msg_c", child: info, failed: true };
  const [, ended] = told(4, "session.idle", { sessionID: "ses_b" }, context);
  expect(ended).toMatchObject({ kind: "subagent.ended", sessionId: SESSION, subagentId: "ses_b", outcome: "error" });
  expect(ended?.runKey).toBeUndefined();
});

test("the end of the process ends the session; what still ran was interrupted", () => {
  const left = told(5, "exit", {}, { ...TURN, busy: true });
  const all = foldToEnd([...CREATED, ...PROMPT, ...tool(2, { status: "running" }), ...left]);
  expect(outcomes(all)).toEqual(["interrupted"]);
  expect(lines(all, "hookspan.session.end_reason")).toContain("session opencode 0..5 shutdown");
});

test("a compaction, and events that nobody knows", () => {
  const all = foldToEnd([
    ...CREATED,
    ...PROMPT,
    ...told(3, "session.compacted", {}),
    ...told(4, "lsp.updated", {}),
    ...IDLE,
  ]);
  expect(total(all, "hookspan.compaction.count")).toBe(1);
  expect(told(4, "lsp.updated", {})[1]).toMatchObject({ kind: "noted", known: false });
});

test.each([
  ["[", "malformed_json"],
  ["{}", "schema: event (invalid_type)"],
  ['{"event":"x","data":{}}', "schema: data.sessionID (invalid_type)"],
])("%s is refused: %s", (text, reason) => {
  expect(opencode.decode(envelope(0, text))).toEqual({ status: "invalid", reason });
});

function told(seconds: number, event: string, data: Record<string, unknown>, context: unknown = TURN): AgentEvent[] {
  const text = JSON.stringify({ event, data: { sessionID: SESSION, ...data }, context });
  const decoded = opencode.decode(envelope(seconds, text));
  if (decoded.status === "invalid") throw new Error(decoded.reason);
  return decoded.events;
}

function finished(seconds: number, fields: Record<string, unknown> = {}, context: object = TURN): AgentEvent[] {
  const tokens = { input: 10, output: 2, reasoning: 4, cache: { read: 3, write: 5 } };
  const part = { id: "prt", type: "step-finish", reason: "stop", tokens, cost: 0.5, ...fields };
  return told(seconds, "message.part.updated", { part }, { startMs: ms(2), endMs: ms(seconds), ...context });
}

function tool(seconds: number, state: Record<string, unknown>): AgentEvent[] {
  const times = { start: ms(2), ...(state["status"] === "running" ? {} : { end: ms(seconds) }) };
  const part = { id: "p", type: "tool", tool: "bash", callID: "c", state: { time: times, ...state } };
  return told(seconds, "message.part.updated", { part });
}

function outcomes(all: ReturnType<typeof foldToEnd>, ...more: string[]): string[] {
  const runs = lines(all, "hookspan.run.outcome", ...more).filter((line) => line.startsWith("invoke_agent opencode"));
  return runs.map((line) => line.split(" ").slice(3).join(" "));
}

function envelope(seconds: number, text: string) {
  const timeNs = BigInt(ms(seconds)) * 1_000_000n;
  return { id: "e", agent: "opencode", timeNs, env: {}, payload: Buffer.from(text) };
}

function ms(seconds: number): number {
  return START_MS + seconds * 1000;
}
