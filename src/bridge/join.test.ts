import { expect, test } from "vitest";

import type { AgentEvent, EventBase } from "../event/event.ts";
import type { Session } from "../trace/session.ts";
import { at, foldAll } from "../../test/support/folded.ts";
import { asSubagent, joined } from "./join.ts";

const nobody = { ...at(9), sessionId: "" };

function sessionOf(events: AgentEvent[]): Session {
  const { session } = foldAll(events);
  if (session === undefined) throw new Error("the story makes no session");
  return session;
}

const session = sessionOf([
  { ...at(1, "r1"), kind: "prompt.submitted", trigger: "user", taskId: "k" },
  { ...at(5, "r2"), kind: "prompt.submitted", trigger: "user", taskId: "k" },
  {
    ...at(6, "r2"),
    kind: "subagent.started",
    subagentId: "child",
    type: "leaf",
    childSessionId: "child",
    taskId: "sa",
  },
  { ...at(7, "r2"), subagentId: "child", kind: "tool.started", callId: "c", tool: "terminal" },
]);

test.each<[string, Partial<EventBase> & { callId?: string }, Partial<AgentEvent>]>([
  ["by its run", { runKey: "r1" }, { runKey: "r1" }],
  ["by its task, of which the newest run counts", { taskId: "k" }, { runKey: "r2" }],
  ["by its task before the newest run", { taskId: "k", atNs: at(3).atNs }, { runKey: "r1" }],
  ["by a subagent's task", { taskId: "sa" }, { runKey: "r2", subagentId: "child" }],
  [
    "by its call, whatever run it names",
    { callId: "c", runKey: "of the child" },
    { runKey: "r2", subagentId: "child" },
  ],
])("an event without a session is found %s", (_, named, place) => {
  const event: AgentEvent = { ...nobody, kind: "tool.started", callId: "x", tool: "terminal", ...named };
  expect(joined([session], event)).toMatchObject({ sessionId: "s", ...place });
});

test("what nobody has met, and what another agent has, is not found", () => {
  const event: AgentEvent = { ...nobody, kind: "tool.started", tool: "terminal", runKey: "r9", taskId: "z" };
  expect(joined([session], event)).toBeUndefined();
  expect(joined([session], { ...event, runKey: "r1", agent: "other" })).toBeUndefined();
  expect(joined([session], { ...nobody, kind: "run.stopped" })).toBeUndefined();
});

test.each<[AgentEvent, Partial<AgentEvent> & { outcome?: string; errorType?: string }]>([
  [{ ...at(8, "x"), kind: "prompt.submitted", trigger: "user" }, { kind: "noted" }],
  [{ ...at(8), kind: "session.ended", reason: "other" }, { kind: "noted" }],
  [
    { ...at(8, "x"), kind: "run.stopped" },
    { kind: "subagent.ended", outcome: "success" },
  ],
  [
    { ...at(8, "x"), kind: "run.interrupted" },
    { kind: "subagent.ended", outcome: "interrupted" },
  ],
  [
    { ...at(8, "x"), kind: "run.failed", errorType: "http_400" },
    { kind: "subagent.failed", errorType: "http_400" },
  ],
  [{ ...at(8, "x"), kind: "tool.started", callId: "y", tool: "t" }, { kind: "tool.started" }],
])("what happens in a child's session happens in its subagent: %o", (event, place) => {
  expect(asSubagent({ ...event, sessionId: "child" }, session)).toMatchObject({
    sessionId: "s",
    runKey: "r2",
    subagentId: "child",
    ...place,
  });
});

test("a child's child is its own", () => {
  const event: AgentEvent = {
    ...at(8, "x"),
    sessionId: "child",
    kind: "subagent.started",
    subagentId: "grandchild",
    type: "leaf",
  };
  expect(asSubagent(event, session)).toMatchObject({ sessionId: "s", runKey: "r2", subagentId: "grandchild" });
});
