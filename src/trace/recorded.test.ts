// What an agent's own record tells where its hooks do not: ends of runs and calls, who launched a subagent, the fork's parent.
import { expect, test } from "vitest";

import type { AgentEvent } from "../event/event.ts";
import { at, called, foldAll, foldToEnd, lines, total } from "../../test/support/folded.ts";

const OUTCOMES = ["hookspan.run.outcome", "hookspan.tool.outcome"];

function prompt(seconds: number, runKey: string): AgentEvent {
  return { ...at(seconds, runKey), kind: "prompt.submitted", trigger: "user" };
}

function passed(seconds: number): AgentEvent {
  return { ...at(seconds), kind: "time.passed" };
}

function toolStarted(seconds: number): AgentEvent {
  return { ...at(seconds, "p1"), kind: "tool.started", callId: "c1", tool: "Bash", inputHash: "h" };
}

test("what is older than the session is history, and brings no session into being", () => {
  const recorded = { recorded: true, callId: "c1", tool: "Bash", outcome: "success" } as const;
  const old: AgentEvent = { ...at(1, "p0"), kind: "tool.ended", ...recorded };
  expect(lines(foldToEnd([prompt(10, "p1"), old]), ...OUTCOMES)).toEqual([
    "invoke_agent claude-code 10..10 abandoned",
    "session claude-code 10..10",
  ]);
  const stopped: AgentEvent = { ...at(1, "p0"), kind: "run.stopped", recorded: true };
  expect(foldToEnd([stopped]).spans).toEqual([]);
});

test("a run settles when the time after its source's word is over, and not before", () => {
  const word: AgentEvent[] = [
    { ...at(3, "p1"), kind: "run.stopped", recorded: true },
    { ...at(3, "p1"), kind: "run.settled", graceMs: 500 },
  ];
  const early = foldAll([prompt(1, "p1"), ...word, passed(3.4)]);
  expect(early.spans).toEqual([]);
  const late: AgentEvent = { ...at(3.1, "p1"), kind: "run.stopped" };
  expect(lines(foldAll([late, passed(3.5)], early.session), ...OUTCOMES)).toEqual([
    "invoke_agent claude-code 1..3.1 success",
  ]);
});

test("a call that waited for a permission was executed for the rest of its time", () => {
  const story = foldToEnd([
    prompt(1, "p1"),
    toolStarted(2),
    { ...at(2.5, "p1"), kind: "permission.requested", tool: "Bash", inputHash: "h" },
    {
      ...at(10, "p1"),
      kind: "tool.ended",
      recorded: true,
      callId: "c1",
      tool: "Bash",
      outcome: "success",
      executedNs: at(9).atNs,
    },
  ]);
  expect(lines(story, "hookspan.tool.wait", "hookspan.tool.duration")[0]).toBe("execute_tool Bash 2..10 6.5");
  expect(total(story, "gen_ai.execute_tool.duration")).toBe(1.5);
});

test.each([
  ["that ran", { ran: true }, "unknown"],
  ["of which nobody says that it ran", {}, "denied"],
] as const)("a call with a question, and an unknown outcome, %s", (_, fact, outcome) => {
  const told = { callId: "c1", tool: "Bash", outcome: "unknown", content: { output: "text" }, ...fact } as const;
  const story = foldToEnd([
    prompt(1, "p1"),
    toolStarted(2),
    { ...at(2.5, "p1"), kind: "permission.requested", tool: "Bash", inputHash: "h" },
    { ...at(4, "p1"), kind: "tool.reported", ...told },
    { ...at(5, "p1"), kind: "run.stopped" },
  ]);
  expect(lines(story, "hookspan.tool.outcome", "gen_ai.tool.call.result")[0]).toBe(
    `execute_tool Bash 2..4 ${outcome} text`,
  );
});

test("a subagent whose call returned at once outlives its run", () => {
  const child = { subagentId: "a1" };
  const story = foldToEnd([
    prompt(1, "p1"),
    { ...at(2, "p1"), kind: "subagent.started", recorded: true, ...child, type: "" },
    { ...at(2, "p1"), kind: "subagent.linked", recorded: true, ...child, callId: "c1", background: true },
    { ...at(3, "p1"), kind: "run.stopped" },
    prompt(10, "p2"),
    { ...at(20), kind: "subagent.ended", ...child, type: "default" },
  ]);
  expect(lines(story, "hookspan.subagent.background")).toContain("invoke_agent default 2..20 true");
});

test("an id that the adapter made up goes nowhere", () => {
  const story = foldToEnd([
    prompt(1, "p1"),
    called(3, "m1", { runKey: "p1", isOwnId: true }),
    called(5, "m2", { runKey: "p1" }),
  ]);
  expect(story.spans.map(({ attributes }) => attributes["gen_ai.response.id"])).toEqual([
    undefined,
    "m2",
    undefined,
    undefined,
  ]);
});

test("the session that this one was forked from", () => {
  const started: AgentEvent = { ...at(1), kind: "session.started", source: "fork" };
  const described: AgentEvent = { ...at(0), kind: "session.described", previousSessionId: "s0" };
  const ended: AgentEvent = { ...at(3), kind: "session.ended", reason: "other" };
  expect(lines(foldToEnd([started, described, ended]), "session.previous_id")).toEqual(["session claude-code 1..3 s0"]);
});

test("a record that tells an end twice is no duplicate, a hook that does is one", () => {
  const ended = { ...at(3, "p1"), kind: "tool.ended", callId: "c1", tool: "Bash", outcome: "success" } as const;
  const before = foldAll([prompt(1, "p1"), toolStarted(2), { ...ended, recorded: true }]);
  expect(foldAll([{ ...ended, recorded: true }], before.session).remarks).toEqual([]);
  expect(foldAll([ended], before.session).remarks).toEqual(["duplicate"]);
});
