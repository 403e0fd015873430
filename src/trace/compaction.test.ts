import { expect, test } from "vitest";

import type { AgentEvent } from "../event/event.ts";
import { at, foldToEnd, lines, total } from "../../test/support/folded.ts";

const prompt: AgentEvent = { ...at(1, "p1"), kind: "prompt.submitted", trigger: "user" };
const started: AgentEvent = { ...at(2, "p1"), kind: "compaction.started", trigger: "auto" };
const ended: AgentEvent = { ...at(5, "p1"), kind: "compaction.ended", trigger: "auto" };
const stopped: AgentEvent = { ...at(6, "p1"), kind: "run.stopped" };

test.each([
  ["in order", [prompt, started, ended, stopped], "compact claude-code 2..5"],
  ["the end first", [prompt, ended, started, stopped], "compact claude-code 2..5"],
  ["each told twice", [prompt, started, started, ended, ended, stopped], "compact claude-code 2..5"],
  ["no start", [prompt, ended, stopped], "compact claude-code 5..5 true"],
  ["no run", [ended], "compact claude-code 5..5 true"],
])("%s", (_, events, span) => {
  const story = foldToEnd(events);
  expect(lines(story, "hookspan.span.start_missing").filter((line) => line.startsWith("compact"))).toEqual([span]);
  expect(total(story, "hookspan.compaction.count")).toBe(1);
});
