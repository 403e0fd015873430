// Turns: without a beginning, without an end, twice, cut short.
import { expect, test } from "vitest";

import { createStage } from "../support/stage.ts";

const RUN = "hookspan.run.outcome";
const WHY = "hookspan.run.end_reason";
const TOOL = "hookspan.tool.outcome";
const EVENTS = "hookspan.bridge.event.count";
const COUNTED = "hookspan.event.outcome";

const bash = { tool_name: "Bash", tool_input: { command: "true" } };

test("1: the first event is a tool: the session and the run are opened for it, and a start that comes later fills in", async () => {
  const { hook, settled, step, sent } = await createStage();
  hook(5, "PreToolUse", { ...bash, tool_use_id: "t1" }, { run: "r1" });
  hook(6, "PostToolUse", { ...bash, tool_use_id: "t1" }, { run: "r1" });
  hook(4, "SessionStart", { source: "startup" });
  settled(7.1, "r1");
  hook(7, "Stop", {}, { run: "r1" });
  hook(8, "SessionEnd", { reason: "other" });
  step(11);
  const all = await sent();
  expect(
    all.lines(RUN, TOOL, "hookspan.run.synthetic", "hookspan.session.source", "hookspan.session.synthetic"),
  ).toEqual([
    "session claude-code 4..8 startup",
    "invoke_agent claude-code 5..7 success true",
    "invoke_agent claude-code > execute_tool Bash 5..6 success",
  ]);
  expect(all.total("hookspan.session.count")).toBe(1);
});

test("1: the first event is a tool and no start ever comes: the session says that it is synthetic", async () => {
  const { hook, step, sent } = await createStage();
  hook(5, "PostToolUse", { ...bash, tool_use_id: "t1", duration_ms: 1000 }, { run: "r1" });
  hook(8, "SessionEnd", { reason: "other" });
  step(11);
  const all = await sent();
  expect(all.lines("hookspan.session.synthetic", "hookspan.run.synthetic", "hookspan.span.start_missing")).toEqual([
    "invoke_agent claude-code > execute_tool Bash 4..5 true",
    "session claude-code 5..8 true",
    "invoke_agent claude-code 5..8 true",
  ]);
  expect(all.total("hookspan.session.count")).toBe(1);
});

test("2: a prompt while another run is open: the old one is superseded at the new one's start, its tool an orphan", async () => {
  const { hook, answer, settled, step, sent } = await createStage();
  hook(0, "SessionStart", { source: "startup" });
  hook(1, "UserPromptSubmit", { prompt: "one" }, { run: "r1" });
  answer(2, "m1", "r1");
  hook(3, "PreToolUse", { ...bash, tool_use_id: "t1" }, { run: "r1" });
  hook(5, "UserPromptSubmit", { prompt: "two" }, { run: "r2" });
  step(7.5);
  settled(8.1, "r2");
  hook(8, "Stop", {}, { run: "r2" });
  const all = await sent();
  expect(all.lines(RUN, WHY, TOOL, "hookspan.span.orphaned", "gen_ai.usage.input_tokens")).toEqual([
    "invoke_agent claude-code 1..5 superseded superseded 10",
    "invoke_agent claude-code > chat claude-opus-5-5 1..2 10",
    "invoke_agent claude-code > execute_tool Bash 3..5 unknown true",
    "invoke_agent claude-code 5..8 success stop",
  ]);
  expect(all.spans.filter(({ isError }) => isError)).toEqual([]);
});

test("2: a prompt that overtakes the stop of the run before it: nothing is superseded", async () => {
  const { hook, step, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, { run: "r1" });
  hook(5, "UserPromptSubmit", { prompt: "two" }, { run: "r2" });
  hook(4.5, "Stop", {}, { run: "r1" });
  step(7.5);
  const all = await sent();
  expect(all.lines(RUN, WHY)).toEqual(["invoke_agent claude-code 1..4.5 success stop"]);
});

test("3: the same prompt told of twice is one run, and the second is counted as a duplicate", async () => {
  const { hook, settled, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, { run: "r1" });
  hook(1.003, "UserPromptSubmit", { prompt: "one" }, { run: "r1" });
  settled(2.1, "r1");
  hook(2, "Stop", {}, { run: "r1" });
  hook(3, "UserPromptSubmit", { prompt: "one" }, { run: "r1" });
  const all = await sent();
  expect(all.lines(RUN)).toEqual(["invoke_agent claude-code 1..2 success"]);
  expect(all.total("hookspan.run.count")).toBe(1);
  expect(all.total(EVENTS, { [COUNTED]: "duplicate" })).toBe(2);
});

test("7: a stop of a run that was never met makes no span, and is counted", async () => {
  const { hook, step, sent } = await createStage();
  hook(0, "SessionStart", { source: "startup" });
  hook(1, "Stop", {}, { run: "r9" });
  hook(2, "SessionEnd", { reason: "other" });
  step(5);
  const all = await sent();
  expect(all.lines()).toEqual(["session claude-code 0..2"]);
  expect(all.total("hookspan.run.count")).toBe(0);
  expect(all.total(EVENTS, { [COUNTED]: "unmatched" })).toBe(1);
});

test("9: the session ends with a run open: the run ends with it as a success, its tool as an orphan before it", async () => {
  const { hook, step, sent } = await createStage();
  hook(0, "SessionStart", { source: "startup" });
  hook(1, "UserPromptSubmit", { prompt: "one" }, { run: "r1" });
  hook(2, "PreToolUse", { ...bash, tool_use_id: "t1" }, { run: "r1" });
  hook(3, "SessionEnd", { reason: "logout" });
  step(5.5);
  const all = await sent();
  expect(all.lines(RUN, WHY, TOOL, "hookspan.span.orphaned", "hookspan.session.end_reason")).toEqual([
    "session claude-code 0..3 logout",
    "invoke_agent claude-code 1..3 success session_end",
    "invoke_agent claude-code > execute_tool Bash 2..3 unknown true",
  ]);
});

test("9: the session ends with an interrupted run open: the run is interrupted, not a success", async () => {
  const { hook, line, step, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, { run: "r1" });
  const content = [{ type: "text", text: "[Request interrupted by user]" }];
  line(2.9, "user", { promptId: "r1", message: { role: "user", content } });
  hook(3, "SessionEnd", { reason: "other" });
  step(5.5);
  expect((await sent()).lines(RUN, WHY)).toEqual([
    "session claude-code 1..3",
    "invoke_agent claude-code 1..2.9 interrupted interrupt",
  ]);
});

test("10: an interrupted turn is no error, its tool is cancelled, its tokens are counted", async () => {
  const { hook, line, answer, step, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, { run: "r1" });
  answer(2, "m1", "r1");
  hook(3, "PreToolUse", { ...bash, tool_use_id: "t1" }, { run: "r1" });
  const result = { type: "tool_result", tool_use_id: "t1", is_error: true, content: "rejected" };
  line(4, "user", { promptId: "r1", toolDenialKind: "user-rejected", message: { role: "user", content: [result] } });
  const words = [{ type: "text", text: "[Request interrupted by user for tool use]" }];
  line(4, "user", { promptId: "r1", message: { role: "user", content: words } });
  step(4);
  step(6.5);
  const all = await sent();
  expect(all.lines(RUN, TOOL)).toEqual([
    "invoke_agent claude-code 1..4 interrupted",
    "invoke_agent claude-code > chat claude-opus-5-5 1..2",
    "invoke_agent claude-code > execute_tool Bash 3..4 cancelled",
  ]);
  expect(all.spans.filter(({ isError }) => isError)).toEqual([]);
  expect(all.total("hookspan.token.usage")).toBe(11);
});

test("11: a failed turn is an error with its reason; each failed attempt is a span of its own", async () => {
  const { hook, line, step, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, { run: "r1" });
  line(2, "api-request", { promptId: "r1", id: "q1", params: { model: "claude-opus-5-5" } });
  line(3, "system", { promptId: "r1", subtype: "api_error", error: { status: 529 } });
  hook(4, "StopFailure", { error: "overloaded" }, { run: "r1" });
  step(6.5);
  const all = await sent();
  expect(all.lines(RUN, "error.type")).toEqual([
    "invoke_agent claude-code 1..4 ERROR error overloaded",
    "invoke_agent claude-code > chat claude-opus-5-5 2..3 ERROR http_529",
  ]);
  expect(all.total("hookspan.run.count", { [RUN]: "error" })).toBe(1);
});

test("11: a failed attempt and a second one that succeeds leave the run without an error", async () => {
  const { hook, line, answer, settled, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, { run: "r1" });
  line(2, "api-request", { promptId: "r1", id: "q1", params: { model: "claude-opus-5-5" } });
  line(3, "system", { promptId: "r1", subtype: "api_error", error: { status: 529 } });
  answer(4, "m1", "r1");
  settled(5.1, "r1");
  hook(5, "Stop", {}, { run: "r1" });
  expect((await sent()).lines(RUN, "error.type")).toEqual([
    "invoke_agent claude-code 1..5 success",
    "invoke_agent claude-code > chat claude-opus-5-5 2..3 ERROR http_529",
    "invoke_agent claude-code > chat claude-opus-5-5 3..4",
  ]);
});

test("18: a prompt that a hook blocks is a blocked run, without an error and without a model call", async () => {
  const { hook, line, step, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, { run: "r1" });
  const attachment = {
    type: "hook_blocking_error",
    hookEvent: "UserPromptSubmit",
    command: "guard.sh",
    durationMs: 100,
  };
  line(1.5, "attachment", { promptId: "r1", attachment });
  step(2);
  step(4);
  expect((await sent()).lines(RUN, "hookspan.hook.status")).toEqual([
    "invoke_agent claude-code 1..1.5 blocked",
    "invoke_agent claude-code > execute_hook UserPromptSubmit 1.4..1.5 blocked",
  ]);
});
