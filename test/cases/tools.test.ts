// Tool calls: without an end, without a start, swapped, without an id, refused.
import { expect, test } from "vitest";

import { createStage } from "../support/stage.ts";

const OUTCOME = "hookspan.tool.outcome";
const ORPHANED = "hookspan.span.orphaned";
const START_MISSING = "hookspan.span.start_missing";
const EVENTS = "hookspan.bridge.event.count";
const COUNTED = "hookspan.event.outcome";
const RUN = "invoke_agent claude-code >";

const bash = { tool_name: "Bash", tool_input: { command: "true" } };
const inRun = { run: "r1" };

test("4: a tool still open when its run has settled ends there as an orphan; its late end is counted, no second span", async () => {
  const { hook, settled, step, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(2, "PreToolUse", { ...bash, tool_use_id: "t1" }, inRun);
  settled(3.1, "r1");
  hook(3, "Stop", {}, inRun);
  step(4);
  hook(5, "PostToolUse", { ...bash, tool_use_id: "t1", duration_ms: 3000 }, inRun);
  step(6);
  const all = await sent();
  expect(all.lines(OUTCOME, ORPHANED)).toEqual([
    "invoke_agent claude-code 1..3",
    `${RUN} execute_tool Bash 2..3 unknown true`,
  ]);
  expect(all.spans.filter(({ isError }) => isError)).toEqual([]);
  expect(all.total("gen_ai.execute_tool.duration")).toBe(1);
  expect(all.total(EVENTS, { [COUNTED]: "late" })).toBe(1);
});

test("4: a subagent's tool that nothing ends ends with the subagent, not with the run", async () => {
  const { hook, settled, step, sent } = await createStage();
  const agent = { agent_id: "a1", agent_type: "Explore" };
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(2, "SubagentStart", agent, inRun);
  hook(3, "PreToolUse", { ...bash, ...agent, tool_use_id: "t1" }, inRun);
  hook(4, "SubagentStop", agent, inRun);
  settled(6.1, "r1");
  hook(6, "Stop", {}, inRun);
  step(7);
  expect((await sent()).lines(OUTCOME, ORPHANED)).toEqual([
    "invoke_agent claude-code 1..6",
    `${RUN} invoke_agent Explore 2..4`,
    "invoke_agent Explore > execute_tool Bash 3..4 unknown true",
  ]);
});

test("4: a background shell outlives its run, and ends with its notification", async () => {
  const { hook, settled, step, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(2, "PreToolUse", { ...bash, tool_use_id: "t1" }, inRun);
  const response = { stdout: "", backgroundTaskId: "b1" };
  hook(2.1, "PostToolUse", { ...bash, tool_use_id: "t1", tool_response: response, duration_ms: 100 }, inRun);
  settled(3.1, "r1");
  hook(3, "Stop", {}, inRun);
  step(700);
  const notice = "<task-notification>\n<task-id>b1</task-id>\n</task-notification>";
  hook(800, "UserPromptSubmit", { prompt: notice }, { run: "r2" });
  step(800);
  const all = await sent();
  expect(all.lines(OUTCOME, ORPHANED)).toEqual([
    "invoke_agent claude-code 1..3",
    `${RUN} execute_tool Bash 2..800 success`,
  ]);
});

test("4: a background shell of which no notification comes ends with the session", async () => {
  const { hook, settled, step, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(2, "PreToolUse", { ...bash, tool_use_id: "t1" }, inRun);
  const response = { stdout: "", backgroundTaskId: "b1" };
  hook(2.1, "PostToolUse", { ...bash, tool_use_id: "t1", tool_response: response }, inRun);
  settled(3.1, "r1");
  hook(3, "Stop", {}, inRun);
  hook(90, "SessionEnd", { reason: "other" });
  step(93);
  expect((await sent()).lines(OUTCOME, ORPHANED)).toEqual([
    "session claude-code 1..90",
    "invoke_agent claude-code 1..3",
    `${RUN} execute_tool Bash 2..90 unknown true`,
  ]);
});

test("5: an end without a start: the span begins at its end less its duration, and says so; it belongs to its run", async () => {
  const { hook, settled, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(4, "PostToolUse", { ...bash, tool_use_id: "t1", duration_ms: 1500 }, inRun);
  hook(5, "PostToolUse", { ...bash, tool_use_id: "t2" }, {});
  settled(6.1, "r1");
  hook(6, "Stop", {}, inRun);
  expect((await sent()).lines(OUTCOME, START_MISSING)).toEqual([
    "invoke_agent claude-code 1..6",
    `${RUN} execute_tool Bash 2.5..4 success true`,
    `${RUN} execute_tool Bash 5..5 success true`,
  ]);
});

test("6: an end that comes before its start waits for it, and nothing is missing", async () => {
  const { hook, settled, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(4, "PostToolUse", { ...bash, tool_use_id: "t1", duration_ms: 1500 }, inRun);
  hook(2, "PreToolUse", { ...bash, tool_use_id: "t1" }, inRun);
  settled(6.1, "r1");
  hook(6, "Stop", {}, inRun);
  expect((await sent()).lines(OUTCOME, START_MISSING)).toEqual([
    "invoke_agent claude-code 1..6",
    `${RUN} execute_tool Bash 2..4 success`,
  ]);
});

test("6: a start that comes when its run has settled without it is dropped and counted, no second span", async () => {
  const { hook, settled, step, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(4, "PostToolUse", { ...bash, tool_use_id: "t1", duration_ms: 1500 }, inRun);
  settled(6.1, "r1");
  hook(6, "Stop", {}, inRun);
  hook(2, "PreToolUse", { ...bash, tool_use_id: "t1" }, inRun);
  step(9);
  const all = await sent();
  expect(all.lines(START_MISSING)).toEqual(["invoke_agent claude-code 1..6", `${RUN} execute_tool Bash 2.5..4 true`]);
  expect(all.total(EVENTS, { [COUNTED]: "late" })).toBe(1);
});

test("16: the same tool twice at once without call ids: two spans, the first end for the first start", async () => {
  const { hook, settled, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(2, "PreToolUse", bash, inRun);
  hook(3, "PreToolUse", bash, inRun);
  hook(4, "PostToolUse", bash, inRun);
  hook(5, "PostToolUse", bash, inRun);
  settled(6.1, "r1");
  hook(6, "Stop", {}, inRun);
  const all = await sent();
  expect(all.lines(OUTCOME, "gen_ai.tool.call.id")).toEqual([
    "invoke_agent claude-code 1..6",
    `${RUN} execute_tool Bash 2..4 success`,
    `${RUN} execute_tool Bash 3..5 success`,
  ]);
  expect(new Set(all.spans.map(({ spanId }) => spanId)).size).toBe(3);
  expect(all.total("gen_ai.execute_tool.duration")).toBe(2);
});

test("17: a call that a hook blocks never ran: a short span with the outcome blocked, no error", async () => {
  const { hook, settled, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(2, "PreToolUse", { ...bash, tool_use_id: "t1" }, inRun);
  const call = { ...bash, tool_use_id: "t1", tool_response: "PreToolUse:Bash hook error: [guard.sh]: no" };
  hook(2.1, "PostToolBatch", { tool_calls: [call] }, inRun);
  settled(6.1, "r1");
  hook(6, "Stop", {}, inRun);
  const all = await sent();
  expect(all.lines(OUTCOME, ORPHANED)).toEqual([
    "invoke_agent claude-code 1..6",
    `${RUN} execute_tool Bash 2..2.1 blocked`,
  ]);
  expect(all.spans.filter(({ isError }) => isError)).toEqual([]);
});

test("17: a call that nobody allowed is denied; the same call asked again and allowed is another span", async () => {
  const { hook, settled, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(2, "PreToolUse", { ...bash, tool_use_id: "t1" }, inRun);
  hook(2.1, "PermissionDenied", { ...bash, tool_use_id: "t1" }, inRun);
  hook(3, "PreToolUse", { ...bash, tool_use_id: "t2" }, inRun);
  hook(4, "PostToolUse", { ...bash, tool_use_id: "t2" }, inRun);
  settled(6.1, "r1");
  hook(6, "Stop", {}, inRun);
  expect((await sent()).lines(OUTCOME)).toEqual([
    "invoke_agent claude-code 1..6",
    `${RUN} execute_tool Bash 2..2.1 denied`,
    `${RUN} execute_tool Bash 3..4 success`,
  ]);
});

test("17: a denied call without an id takes no end away from the one after it", async () => {
  const { hook, settled, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(2, "PreToolUse", bash, inRun);
  hook(2.1, "PermissionDenied", bash, inRun);
  hook(3, "PreToolUse", bash, inRun);
  hook(4, "PostToolUse", bash, inRun);
  settled(6.1, "r1");
  hook(6, "Stop", {}, inRun);
  expect((await sent()).lines(OUTCOME)).toEqual([
    "invoke_agent claude-code 1..6",
    `${RUN} execute_tool Bash 2..2.1 denied`,
    `${RUN} execute_tool Bash 3..4 success`,
  ]);
});

test("21: a subagent joins the trace of the run, under the tool that launched it, its own calls under itself", async () => {
  const { hook, answer, settled, sent } = await createStage();
  const agent = { agent_id: "a1", agent_type: "Explore" };
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(2, "PreToolUse", { tool_name: "Agent", tool_use_id: "t1" }, inRun);
  hook(3, "SubagentStart", agent, inRun);
  answer(5, "m1", "r1", { input_tokens: 5, output_tokens: 2 }, { subagent: "a1" });
  hook(6, "PreToolUse", { ...bash, ...agent, tool_use_id: "t2" }, inRun);
  hook(7, "PostToolUse", { ...bash, ...agent, tool_use_id: "t2" }, inRun);
  hook(8, "SubagentStop", agent, inRun);
  hook(9, "PostToolUse", { tool_name: "Agent", tool_use_id: "t1", tool_response: { agentId: "a1" } }, inRun);
  settled(10.1, "r1");
  hook(10, "Stop", {}, inRun);
  const all = await sent();
  expect(all.lines("gen_ai.usage.input_tokens")).toEqual([
    "invoke_agent claude-code 1..10",
    `${RUN} execute_tool Agent 2..9`,
    "execute_tool Agent > invoke_agent Explore 3..8 5",
    "invoke_agent Explore > chat claude-opus-5-5 4..5 5",
    "invoke_agent Explore > execute_tool Bash 6..7",
  ]);
  expect(new Set(all.spans.map(({ traceId }) => traceId)).size).toBe(1);
});

test("21: a subagent's stop without a start makes a span that says so", async () => {
  const { hook, settled, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(4, "SubagentStop", { agent_id: "a1", agent_type: "Explore" }, inRun);
  settled(6.1, "r1");
  hook(6, "Stop", {}, inRun);
  expect((await sent()).lines(START_MISSING)).toEqual([
    "invoke_agent claude-code 1..6",
    `${RUN} invoke_agent Explore 4..4 true`,
  ]);
});
