// What no event ends. Silence alone never ends a run whose agent lives.
import { expect, test } from "vitest";

import { at, foldAll, foldToEnd, lines } from "../../test/support/folded.ts";
import type { AgentEvent } from "../event/event.ts";
import { dueNs } from "./expire.ts";
import { ATTR } from "./semconv.ts";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 24 * HOUR;
const RUN = "invoke_agent claude-code";

const prompt: AgentEvent = { ...at(1, "r1"), kind: "prompt.submitted", trigger: "user" };
const pre: AgentEvent = { ...at(2, "r1"), kind: "tool.started", callId: "c1", tool: "Bash" };
const stop: AgentEvent = { ...at(5, "r1"), kind: "run.stopped" };

/** What a hook of process 42 says of its agent. */
function seen(seconds: number, pid = 42, pidSource: "marker" | "parent" = "marker"): AgentEvent {
  return { ...at(seconds), kind: "session.described", hook: { pid, pidSource } };
}

function gone(seconds: number): AgentEvent {
  return { ...at(seconds), kind: "process.gone" };
}

test.each<[string, AgentEvent[], number | undefined]>([
  ["a run whose process lives, for a year", [seen(1), prompt, pre], 365 * DAY + 2],
  ["a run whose process is gone: a minute after its last event", [seen(1), prompt, pre, gone(10)], 2 + MINUTE],
  ["a run of an unknown process: a day after its last event", [prompt, pre], 2 + DAY],
  ["a parent seen once may be a mere shell", [seen(1, 7, "parent"), prompt, pre], 2 + DAY],
  ["a parent seen twice is the agent", [seen(1, 7, "parent"), prompt, seen(2, 7, "parent"), pre], 365 * DAY + 2],
  ["another parent each time is not", [seen(1, 7, "parent"), prompt, seen(2, 8, "parent"), pre], 2 + DAY],
  [
    "a process that speaks after it seemed gone, lives",
    [seen(1), prompt, gone(10), seen(20), { ...pre, ...at(20, "r1") }],
    365 * DAY + 20,
  ],
  [
    "a hook that was on its way when the process went, is no sign of life",
    [seen(1), prompt, gone(10), seen(2), pre],
    2 + MINUTE,
  ],
  ["another process of the session lives", [seen(1), prompt, gone(10), seen(9, 43), pre], 365 * DAY + 2],
  ["a stop of which no word comes: ten minutes", [seen(1), prompt, stop], 5 + 10 * MINUTE],
  ["ten minutes after the last sign of life", [seen(1), prompt, stop, { ...pre, ...at(500, "r1") }], 500 + 10 * MINUTE],
  [
    "a stop that a hook blocked is none",
    [seen(1), prompt, stop, { ...at(25, "r1"), kind: "run.continued" }, pre],
    365 * DAY + 5,
  ],
  [
    "an answer and a stop, of a source that says no more: two seconds",
    [seen(1), prompt, stop, { ...at(5.5, "r1"), kind: "run.answered" }],
    7.5,
  ],
  ["an interrupt", [seen(1), prompt, { ...at(3, "r1"), kind: "run.interrupted" }], 5],
  ["a failure", [seen(1), prompt, { ...at(3, "r1"), kind: "run.failed", errorType: "overloaded" }], 5],
  ["the end of the session", [seen(1), prompt, { ...at(3), kind: "session.ended", reason: "other" }], 5],
  ["the next prompt", [seen(1), prompt, { ...prompt, ...at(3, "r2") }], 5],
])("%s", (_, events, seconds) => {
  const { session } = foldAll(events);
  expect(session && dueNs(session)).toBe(seconds === undefined ? undefined : at(seconds).atNs);
});

test("nothing ends before it is due, and everything does then", () => {
  const { session, spans } = foldAll([seen(1), prompt, pre, gone(10), { ...at(61.9), kind: "time.passed" }]);
  expect(spans).toEqual([]);
  const after = foldAll([{ ...at(62), kind: "time.passed" }], session);
  expect(lines(after, ATTR.runOutcome, ATTR.toolOutcome, ATTR.orphaned)).toEqual([
    "execute_tool Bash 2..2 unknown true",
    `${RUN} 1..2 abandoned`,
    "session claude-code 1..2",
  ]);
  expect(after.session && dueNs(after.session)).toBeUndefined();
});

test.each<[string, AgentEvent[], string[]]>([
  [
    "a tool of three hours",
    [
      seen(1),
      prompt,
      pre,
      { ...at(2 + 3 * HOUR, "r1"), kind: "tool.ended", callId: "c1", tool: "Bash", outcome: "success" },
      { ...stop, ...at(3 * HOUR + 9, "r1") },
      { ...at(3 * HOUR + 10, "r1"), kind: "run.settled" },
    ],
    ["execute_tool Bash 2..10802 success", `${RUN} 1..10809 success`],
  ],
  [
    "a permission asked for overnight",
    [
      seen(1),
      prompt,
      { ...pre, inputHash: "h" },
      { ...at(3, "r1"), kind: "permission.requested", tool: "Bash", inputHash: "h" },
      {
        ...at(3 + 9 * HOUR, "r1"),
        kind: "tool.ended",
        callId: "c1",
        tool: "Bash",
        outcome: "success",
        durationMs: 1000,
      },
      { ...stop, ...at(10 * HOUR, "r1") },
      { ...at(10 * HOUR, "r1"), kind: "run.settled" },
    ],
    ["execute_tool Bash 2..32403 success 32399", `${RUN} 1..36000 success`],
  ],
  [
    "a laptop that slept in a tool: the reported time is right, and the span says so",
    [
      seen(1),
      prompt,
      pre,
      {
        ...at(2 + 9 * HOUR, "r1"),
        kind: "tool.ended",
        callId: "c1",
        tool: "Bash",
        outcome: "success",
        durationMs: 1000,
      },
      { ...stop, ...at(10 * HOUR, "r1") },
      { ...at(10 * HOUR, "r1"), kind: "run.settled" },
    ],
    ["execute_tool Bash 2..3 success true", `${RUN} 1..36000 success`],
  ],
  [
    "a Stop hook that runs 20 s, then blocks; the turn goes on for an hour and is killed",
    [seen(1), prompt, stop, { ...at(25, "r1"), kind: "run.continued" }, { ...pre, ...at(HOUR, "r1") }, gone(HOUR + 9)],
    ["execute_tool Bash 3600..3600 unknown", `${RUN} 1..3600 abandoned`, "session claude-code 1..3600"],
  ],
  [
    "a Stop hook that blocks, and nothing comes after it",
    [seen(1), prompt, stop, { ...at(25, "r1"), kind: "run.continued" }, { ...prompt, ...at(60, "r2") }, gone(70)],
    [`${RUN} 1..5 success`, `${RUN} 60..60 abandoned`, "session claude-code 1..60"],
  ],
  [
    "a Stop hook that blocks once; the word on the last stop is read before the stop",
    [
      seen(1),
      prompt,
      stop,
      { ...at(25, "r1"), kind: "run.continued" },
      { ...at(41, "r1"), kind: "run.settled" },
      { ...stop, ...at(40, "r1") },
    ],
    [`${RUN} 1..40 success`],
  ],
  [
    "events of days, taken in at once: what came first, ended the run",
    [
      prompt,
      pre,
      { ...prompt, ...at(DAY / 2, "r2") },
      { ...stop, ...at(DAY / 2 + 3, "r1") },
      { ...at(DAY), kind: "session.ended", reason: "other" },
    ],
    [
      "execute_tool Bash 2..43200 unknown",
      `${RUN} 1..43200 superseded`,
      `${RUN} 43200..86400 success`,
      "session claude-code 1..86400",
    ],
  ],
])("%s", (_, events, expected) => {
  const ended = foldToEnd(events);
  expect(lines(ended, ATTR.runOutcome, ATTR.toolOutcome, ATTR.toolWait, ATTR.clockSkewed)).toEqual(expected);
});

test("closing ends everything, whatever it belongs to", () => {
  const { session } = foldAll([
    prompt,
    pre,
    { ...at(3, "r1"), subagentId: "a1", kind: "subagent.started", type: "Explore" },
    { ...at(4, "r1"), subagentId: "a1", kind: "tool.started", callId: "c2", tool: "Read" },
    {
      ...at(5, "r1"),
      kind: "tool.ended",
      callId: "c9",
      tool: "Agent",
      outcome: "success",
      launched: { subagentId: "a1", background: true },
    },
    { ...at(9), kind: "time.passed", closing: true },
  ]);
  expect(session).toMatchObject({ runs: [], tools: [], subagents: [], calls: [], segments: [] });
});
