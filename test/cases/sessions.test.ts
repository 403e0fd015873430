// Sessions: unknown, ended, taken up again, cleared, and agents that die or wait.
import { expect, test } from "vitest";

import { createStage, type Stage } from "../support/stage.ts";

const RUN = "hookspan.run.outcome";
const WHY = "hookspan.run.end_reason";
const TOOL = "hookspan.tool.outcome";
const ORPHANED = "hookspan.span.orphaned";
const ENDED = "hookspan.session.end_reason";
const EVENTS = "hookspan.bridge.event.count";
const COUNTED = "hookspan.event.outcome";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 24 * HOUR;

const bash = { tool_name: "Bash", tool_input: { command: "true" } };
const inRun = { run: "r1" };

test("8: the end of a session that was never met makes no session, and is counted", async () => {
  const { hook, step, sent } = await createStage();
  hook(1, "SessionEnd", { reason: "other" });
  step(10);
  const all = await sent();
  expect(all.lines()).toEqual([]);
  expect(all.total("hookspan.session.count")).toBe(0);
  expect(all.total(EVENTS, { [COUNTED]: "unmatched" })).toBe(1);
});

test("12: an event within a day of the session's end takes it up again: a new session span, linked to the one before", async () => {
  const stage = await createStage();
  turn(stage, 0);
  turn(stage, DAY - HOUR);
  const all = await stage.sent();
  expect(all.lines(RUN, ENDED)).toEqual([
    "session claude-code 1..5 other",
    "invoke_agent claude-code 1..4 success",
    `session claude-code ${DAY - HOUR + 1}..${DAY - HOUR + 5} other`,
    `invoke_agent claude-code ${DAY - HOUR + 1}..${DAY - HOUR + 4} success`,
  ]);
  const [first, , second] = all.spans;
  expect(second?.links).toContainEqual({ traceId: first?.traceId, spanId: first?.spanId, type: "previous_session" });
  expect(all.total("hookspan.session.count")).toBe(1);
});

test.each(["in one life of the bridge", "with a new bridge"])(
  "12: an event more than a day after the session's end begins another one, %s",
  async (which) => {
    const stage = await createStage();
    turn(stage, 0);
    stage.step(MINUTE * 2);
    if (which === "with a new bridge") stage.restart();
    turn(stage, DAY + HOUR);
    const all = await stage.sent();
    const [, , second] = all.spans;
    expect(second?.name).toBe("session claude-code");
    expect(second?.attributes["hookspan.session.synthetic"]).toBe(true);
    expect(second?.links.map(({ type }) => type)).toEqual(["run"]);
    expect(all.total("hookspan.session.count")).toBe(2);
  },
);

test.each(["before", "after"])(
  "22: /clear ends the session and begins one that names it, the end coming %s the new start",
  async (when) => {
    const { hook, step, sent } = await createStage();
    hook(0, "SessionStart", { source: "startup" }, { session: "s1" });
    if (when === "before") hook(4, "SessionEnd", { reason: "clear" }, { session: "s1" });
    hook(4.1, "SessionStart", { source: "clear" }, { session: "s2" });
    if (when === "after") hook(4, "SessionEnd", { reason: "clear" }, { session: "s1" });
    hook(9, "SessionEnd", { reason: "other" }, { session: "s2" });
    step(12);
    const all = await sent();
    expect(all.lines("session.id", ENDED, "session.previous_id")).toEqual([
      "session claude-code 0..4 s1 clear",
      "session claude-code 4.1..9 s2 other s1",
    ]);
    expect(all.total("hookspan.session.count")).toBe(2);
  },
);

test("23: a compression that rotates the session id: another session that names the one before, and one conversation", async () => {
  const stage = await createStage();
  const { restart, step, sent } = stage;
  const { told, rotated } = hermesOn(stage);
  told(0, "one", "on_session_start", {});
  told(1, "one", "pre_llm_call", { turn_id: "t1" });
  told(2, "one", "on_session_end", { turn_id: "t1", completed: true, interrupted: false });
  rotated(3, "one", "two");
  restart();
  told(11, "two", "pre_llm_call", { turn_id: "t2" });
  told(12, "two", "on_session_end", { turn_id: "t2", completed: true, interrupted: false });
  rotated(13, "two", "three");
  told(19, "three", "on_session_finalize", { reason: "shutdown" });
  step(30);
  const all = await sent();
  expect(all.lines("session.id", "gen_ai.conversation.id", "session.previous_id", RUN)).toEqual([
    "session hermes 0..3 one one",
    "invoke_agent hermes 1..2 one one success",
    "session hermes 3..13 two one one",
    "invoke_agent hermes > compact hermes 3..3 one one",
    "invoke_agent hermes 11..12 two one success",
    "session hermes 13..19 three one two",
    "invoke_agent hermes > compact hermes 13..13 two one",
  ]);
  expect(all.total("hookspan.run.count")).toBe(2);
  expect(all.total("hookspan.compaction.count")).toBe(2);
});

test("23: in the midst of a turn: what is left of it is a run of the new session, and a call counts once", async () => {
  const stage = await createStage();
  const { told, rotated } = hermesOn(stage);
  told(0, "one", "on_session_start", {});
  told(1, "one", "pre_llm_call", { turn_id: "t1" });
  rotated(3, "one", "two");
  const tool = { tool_name: "terminal", tool_input: { command: "ls" } };
  told(11, "two", "pre_tool_call", { turn_id: "t1", tool_call_id: "c1" }, tool);
  told(12, "two", "post_tool_call", { turn_id: "t1", tool_call_id: "c1", status: "ok", result: "{}" }, tool);
  told(13, "two", "on_session_end", { turn_id: "t1", completed: true, interrupted: false });
  told(19, "two", "on_session_finalize", { reason: "shutdown" });
  stage.step(30);
  const all = await stage.sent();
  expect(all.lines("session.id", "gen_ai.conversation.id", "session.previous_id", RUN, WHY)).toEqual([
    "session hermes 0..3 one one",
    "invoke_agent hermes 1..3 one one success session_end",
    "session hermes 3..19 two one one",
    "invoke_agent hermes > compact hermes 3..3 one one",
    "invoke_agent hermes 11..13 two one success stop",
    "invoke_agent hermes > execute_tool terminal 11..12 two one",
  ]);
});

test("24: the agent's process is gone: a minute after the last event the run is abandoned, and ended there", async () => {
  const { hook, step, dead, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(2, "PreToolUse", { ...bash, tool_use_id: "t1" }, inRun);
  dead.add(4242);
  step(15);
  step(61);
  expect((await sent()).lines()).toEqual([]);
  step(63);
  expect((await sent()).lines(RUN, WHY, TOOL, ORPHANED, ENDED)).toEqual([
    "session claude-code 1..2 expired",
    "invoke_agent claude-code 1..2 abandoned expired",
    "invoke_agent claude-code > execute_tool Bash 2..2 unknown true",
  ]);
});

test("24: the machine goes off and the process with it: the next bridge abandons the run at its last event", async () => {
  const stage = await createStage();
  stage.hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  stage.hook(2, "PreToolUse", { ...bash, tool_use_id: "t1" }, inRun);
  stage.dead.add(4242);
  stage.restart();
  stage.step(10 * HOUR);
  stage.step(10 * HOUR + 1);
  expect((await stage.sent()).lines(RUN, TOOL)).toEqual([
    "session claude-code 1..2",
    "invoke_agent claude-code 1..2 abandoned",
    "invoke_agent claude-code > execute_tool Bash 2..2 unknown",
  ]);
});

test("24: the agent's number is given to another process: the run is abandoned all the same", async () => {
  const { hook, step, births, restart, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(2, "PreToolUse", { ...bash, tool_use_id: "t1" }, inRun);
  births.set(4242, "second");
  restart();
  step(15);
  step(63);
  expect((await sent()).lines(RUN)).toEqual([
    "session claude-code 1..2",
    "invoke_agent claude-code 1..2 abandoned",
    "invoke_agent claude-code > execute_tool Bash 2..2",
  ]);
});

test("24: a session is resumed by a process that has the number of its predecessor: it lives", async () => {
  const { hook, step, births, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  births.set(4242, "second");
  step(15);
  hook(30, "SessionStart", { source: "resume" });
  hook(31, "UserPromptSubmit", { prompt: "two" }, { run: "r2" });
  for (let hour = 1; hour < 10; hour += 1) step(hour * HOUR);
  expect((await sent()).lines(RUN)).toEqual(["session claude-code 1..1", "invoke_agent claude-code 1..1 abandoned"]);
});

test("24: a tool that runs for three hours while its agent lives ends nothing", async () => {
  const { hook, settled, step, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(2, "PreToolUse", { ...bash, tool_use_id: "t1" }, inRun);
  for (let minute = 1; minute < 180; minute += 1) step(minute * MINUTE);
  expect((await sent()).lines()).toEqual([]);
  hook(3 * HOUR, "PostToolUse", { ...bash, tool_use_id: "t1", duration_ms: 3 * HOUR * 1000 - 2000 }, inRun);
  settled(3 * HOUR + 1.1, "r1");
  hook(3 * HOUR + 1, "Stop", {}, inRun);
  const all = await sent();
  expect(all.lines(RUN, TOOL, "hookspan.span.clock_skewed")).toEqual([
    "invoke_agent claude-code 1..10801 success",
    "invoke_agent claude-code > execute_tool Bash 2..10800 success",
  ]);
});

test("24: a permission prompt that stands open overnight ends nothing; the wait is told apart from the execution", async () => {
  const { hook, settled, step, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(2, "PreToolUse", { ...bash, tool_use_id: "t1" }, inRun);
  hook(3, "PermissionRequest", bash, inRun);
  for (let hour = 1; hour < 10; hour += 1) step(hour * HOUR);
  hook(10 * HOUR, "PostToolUse", { ...bash, tool_use_id: "t1", duration_ms: 1000 }, inRun);
  settled(10 * HOUR + 1.1, "r1");
  hook(10 * HOUR + 1, "Stop", {}, inRun);
  expect((await sent()).lines(RUN, TOOL, "hookspan.tool.wait", "hookspan.tool.duration")).toEqual([
    "invoke_agent claude-code 1..36001 success",
    "invoke_agent claude-code > execute_tool Bash 2..36000 success 35996 1",
  ]);
});

test("24: where no process is known, a run ends after a day of silence, at its last event", async () => {
  const { hook, step, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, { ...inRun, pid: "none" });
  hook(2, "PreToolUse", { ...bash, tool_use_id: "t1" }, { ...inRun, pid: "none" });
  step(DAY);
  expect((await sent()).lines()).toEqual([]);
  step(DAY + 3);
  expect((await sent()).lines(RUN, ENDED)).toEqual([
    "session claude-code 1..2 expired",
    "invoke_agent claude-code 1..2 abandoned",
    "invoke_agent claude-code > execute_tool Bash 2..2",
  ]);
});

test("24: a subagent in the background outlives its run, and its spans follow in the same trace", async () => {
  const { hook, settled, step, sent } = await createStage();
  const agent = { agent_id: "a1", agent_type: "Explore" };
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(2, "PreToolUse", { tool_name: "Agent", tool_use_id: "t1" }, inRun);
  hook(2.5, "SubagentStart", agent, inRun);
  const response = { agentId: "a1", status: "async_launched" };
  hook(3, "PostToolUse", { tool_name: "Agent", tool_use_id: "t1", tool_response: response }, inRun);
  settled(4.1, "r1");
  hook(4, "Stop", {}, inRun);
  step(5);
  expect((await sent()).lines()).toHaveLength(2);
  hook(2 * HOUR, "PreToolUse", { ...bash, ...agent, tool_use_id: "t2" }, inRun);
  hook(2 * HOUR + 1, "PostToolUse", { ...bash, ...agent, tool_use_id: "t2" }, inRun);
  hook(2 * HOUR + 2, "SubagentStop", agent, inRun);
  step(2 * HOUR + 5);
  const all = await sent();
  expect(all.lines("hookspan.subagent.background")).toEqual([
    "invoke_agent claude-code 1..4",
    "invoke_agent claude-code > execute_tool Agent 2..3",
    "execute_tool Agent > invoke_agent Explore 2.5..7202 true",
    "invoke_agent Explore > execute_tool Bash 7200..7201",
  ]);
  expect(new Set(all.spans.map(({ traceId }) => traceId)).size).toBe(1);
});

test("24: a late end of a tool that was abandoned is counted, and makes no second span", async () => {
  const { hook, step, dead, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(2, "PreToolUse", { ...bash, tool_use_id: "t1" }, inRun);
  dead.add(4242);
  step(15);
  step(63);
  hook(70, "PostToolUse", { ...bash, tool_use_id: "t1" }, inRun);
  step(200);
  const all = await sent();
  expect(all.spans.filter(({ name }) => name === "execute_tool Bash")).toHaveLength(1);
  expect(all.total("gen_ai.execute_tool.duration")).toBe(1);
  expect(all.total(EVENTS, { [COUNTED]: "late" })).toBe(1);
});

/** One whole turn of a session, without a native start. */
function turn({ hook, settled, step }: Stage, from: number): void {
  const run = `run of ${from}`;
  hook(from + 1, "UserPromptSubmit", { prompt: "one" }, { run });
  settled(from + 4.1, run);
  hook(from + 4, "Stop", {}, { run });
  hook(from + 5, "SessionEnd", { reason: "other" });
  step(from + 8);
}

/** Hermes' shell hooks, and the frames of its gateway; the bridge takes a step after each. */
function hermesOn(stage: Stage) {
  const put = (seconds: number, payload: object): void => {
    stage.putBytes(seconds, Buffer.from(JSON.stringify(payload)), { agent: "hermes" });
    stage.step(seconds);
  };
  return {
    told: (seconds: number, session: string, name: string, more: object, top: object = {}): void => {
      const extra = { telemetry_schema_version: "hermes.observer.v1", task_id: "k", ...more };
      put(seconds, { hook_event_name: name, session_id: session, cwd: "/p", ...top, extra });
    },
    rotated: (seconds: number, from: string, to: string): void => {
      const context = {
        session_id: to,
        old_session_id: from,
        in_place: false,
        compression_count: 1,
        platform: "signal",
      };
      put(seconds, { event_type: "session:compress", context, src: "gateway" });
    },
  };
}
