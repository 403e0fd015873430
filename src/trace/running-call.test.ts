import { expect, test } from "vitest";

import { at, foldAll } from "../../test/support/folded.ts";
import type { AgentEvent } from "../event/event.ts";
import { runContext, spanId } from "./ids.ts";
import { runningCall } from "./running-call.ts";

const RUN = runContext("claude-code", "s", "r1");
const prompt: AgentEvent = { ...at(1, "r1"), kind: "prompt.submitted", trigger: "user" };
const stop: AgentEvent = { ...at(9, "r1"), kind: "run.stopped" };

function pre(callId: string, subagentId?: string): AgentEvent {
  const of = subagentId === undefined ? {} : { subagentId };
  return { ...at(2, "r1"), ...of, kind: "tool.started", callId, tool: "Bash", inputHash: callId };
}

function post(callId: string, backgroundTaskId?: string): AgentEvent {
  const background = backgroundTaskId === undefined ? {} : { backgroundTaskId };
  return { ...at(3, "r1"), kind: "tool.ended", callId, tool: "Bash", outcome: "success", ...background };
}

const report: AgentEvent = { ...at(3, "r1"), kind: "tool.reported", callId: "c1", tool: "Bash", outcome: "denied" };
const agent: AgentEvent = { ...at(4, "r1"), kind: "subagent.started", subagentId: "a", type: "Explore" };
const linked: AgentEvent = { ...at(4, "r1"), kind: "subagent.linked", subagentId: "a", callId: "c1" };

function call(callId: string): { traceId: string; spanId: string } {
  return { traceId: RUN.traceId, spanId: spanId("tool", RUN.traceId, callId) };
}

test.each<[string, AgentEvent[], { traceId: string; spanId: string } | undefined]>([
  ["one call", [prompt, pre("c1")], call("c1")],
  ["one that has ended, and one that has not", [prompt, pre("c1"), post("c1"), pre("c2")], call("c2")],
  ["one that was refused, and one that runs", [prompt, pre("c1"), report, pre("c2")], call("c2")],
  ["two at once: their run", [prompt, pre("c1"), pre("c2")], RUN],
  ["one in the background, and another: their run", [prompt, pre("c1"), post("c1", "t"), pre("c2")], RUN],
  ["one in the background", [prompt, pre("c1"), post("c1", "t")], call("c1")],
  ["a subagent's, under the call that launched it", [prompt, pre("c1"), agent, linked, pre("c2", "a")], call("c2")],
  ["none: the run", [prompt], RUN],
  ["none, and the run has stopped", [prompt, stop], undefined],
  [
    "calls of two runs",
    [prompt, pre("c1"), { ...prompt, ...at(5, "r2") }, { ...pre("c2"), ...at(6, "r2") }],
    undefined,
  ],
])("%s", (_, events, expected) => {
  const { session } = foldAll(events);
  expect(runningCall(session === undefined ? [] : [session])).toEqual(expected);
});

test("the span that the call gets is the one that was told while it ran", () => {
  const { session, spans } = foldAll([prompt, pre("c1")]);
  expect(spans).toEqual([]);
  const told = runningCall(session === undefined ? [] : [session]);
  const [tool] = foldAll([post("c1")], session).spans;
  expect(tool).toMatchObject({ name: "execute_tool Bash", ...told });
});
