// A run of the agent's own, beside the user's turns.
import { expect, test } from "vitest";

import type { AgentEvent } from "../event/event.ts";
import { at, foldToEnd, lines, total } from "../../test/support/folded.ts";

const START: AgentEvent = { ...at(0), kind: "session.started", source: "startup" };

function turn(key: string, fromS: number, toS: number, trigger: "user" | "review" = "user"): AgentEvent[] {
  return [
    { ...at(fromS, key), kind: "prompt.submitted", trigger },
    { ...at(toS, key), kind: "run.stopped" },
  ];
}

test("overlaps the next turn: neither ends the other", () => {
  const [review, reviewed] = turn("b", 4, 30, "review");
  const events = [START, ...turn("a", 1, 3), review, ...turn("c", 5, 20), reviewed].filter((one) => one !== undefined);
  const all = foldToEnd(events);
  expect(lines(all, "hookspan.run.outcome", "hookspan.run.trigger").filter((line) => line.includes("invoke"))).toEqual(
    expect.arrayContaining([
      "invoke_agent claude-code 1..3 success user",
      "invoke_agent claude-code 4..30 success review",
      "invoke_agent claude-code 5..20 success user",
    ]),
  );
});

test("what names no run belongs to the user's", () => {
  const [review] = turn("b", 4, 30, "review");
  const events = [...turn("a", 1, 9), ...(review ? [review] : []), { ...at(8), kind: "run.interrupted" } as const];
  expect(lines(foldToEnd(events), "hookspan.run.outcome")).toContain("invoke_agent claude-code 4..4 abandoned");
});

test.each([false, true])("runs on after the session's end, and takes nothing up again (begun after it: %s)", (late) => {
  const ended: AgentEvent = { ...at(6), kind: "session.ended", reason: "other" };
  const [review, reviewed] = turn("b", late ? 7 : 4, 12, "review");
  const tool: AgentEvent = { ...at(8, "b"), kind: "tool.started", callId: "t", tool: "memory" };
  const done: AgentEvent = { ...at(11, "b"), kind: "tool.ended", callId: "t", tool: "memory", outcome: "success" };
  const time: AgentEvent = { ...at(9), kind: "time.passed" };
  const rest = late ? [ended, review] : [review, ended];
  const events = [START, ...turn("a", 1, 3), ...rest, tool, time, done, reviewed].filter((one) => one !== undefined);
  const all = foldToEnd(events);
  expect(lines(all, "hookspan.run.outcome")).toContain(`invoke_agent claude-code ${late ? 7 : 4}..12 success`);
  expect(lines(all, "hookspan.tool.outcome")).toContain("execute_tool memory 8..11 success");
  expect(lines(all).filter((line) => line.startsWith("session"))).toEqual(["session claude-code 0..6"]);
  expect(total(all, "hookspan.session.count")).toBe(1);
  const session = all.spans.find(({ name }) => name.startsWith("session"));
  const links = all.spans.flatMap((span) =>
    span.links.filter(({ attributes }) => attributes["hookspan.link.type"] === "session"),
  );
  expect(links.map(({ spanId }) => spanId)).toEqual([session?.spanId, session?.spanId]);
});
