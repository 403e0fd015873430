// Situations that no recording holds: what comes without a beginning, without an end, late, or never.
import { expect, test } from "vitest";

import { at, foldToEnd, lines } from "../../test/support/folded.ts";
import type { AgentEvent } from "../event/event.ts";
import { ATTR } from "./semconv.ts";

const startup: AgentEvent = { ...at(0), kind: "session.started", source: "startup" };
const prompt: AgentEvent = { ...at(1, "r1"), kind: "prompt.submitted", trigger: "user" };
const pre: AgentEvent = { ...at(2, "r1"), kind: "tool.started", callId: "c1", tool: "Bash", inputHash: "h" };
const post: AgentEvent = {
  ...at(4, "r1"),
  kind: "tool.ended",
  callId: "c1",
  tool: "Bash",
  outcome: "success",
  durationMs: 1500,
};
const stop: AgentEvent = { ...at(5, "r1"), kind: "run.stopped" };
const settled: AgentEvent = { ...at(5.1, "r1"), kind: "run.settled" };
const end: AgentEvent = { ...at(9), kind: "session.ended", reason: "other" };

/** What an honest tree says of its spans beyond name and time. */
const FACTS = [
  ATTR.runOutcome,
  ATTR.toolOutcome,
  ATTR.runEndReason,
  ATTR.sessionEndReason,
  ATTR.startMissing,
  ATTR.orphaned,
  ATTR.runSynthetic,
  ATTR.sessionSynthetic,
];

const RUN = "invoke_agent claude-code";
const TOOL = "execute_tool Bash";
const SESSION = "session claude-code";

test.each<[string, AgentEvent[], string[]]>([
  [
    "a whole session",
    [startup, prompt, pre, post, stop, settled, end],
    [`${TOOL} 2..4 success`, `${RUN} 1..5 success stop`, `${SESSION} 0..9 other`],
  ],
  [
    "no start: the first event is a tool",
    [pre, post, stop, settled, end],
    [`${TOOL} 2..4 success`, `${RUN} 2..5 success stop true`, `${SESSION} 2..9 other true`],
  ],
  [
    "no start: the first event is a prompt",
    [prompt, stop, settled, end],
    [`${RUN} 1..5 success stop`, `${SESSION} 1..9 other true`],
  ],
  [
    "a start that comes last",
    [prompt, stop, settled, end, startup],
    [`${RUN} 1..5 success stop`, `${SESSION} 0..9 other`],
  ],
  [
    "another prompt before the end of the first",
    [
      startup,
      prompt,
      pre,
      { ...prompt, ...at(3, "r2") },
      { ...stop, ...at(7, "r2") },
      { ...settled, ...at(7, "r2") },
      end,
    ],
    [
      `${RUN} 3..7 success stop`,
      `${TOOL} 2..3 unknown true`,
      `${RUN} 1..3 superseded superseded`,
      `${SESSION} 0..9 other`,
    ],
  ],
  [
    "a stop that comes after the next prompt",
    [startup, prompt, { ...prompt, ...at(5.2, "r2") }, stop, settled, { ...stop, ...at(7, "r2") }, end],
    [`${RUN} 1..5 success stop`, `${RUN} 5.2..7 success stop`, `${SESSION} 0..9 other`],
  ],
  [
    "a prompt told of again, while its run is open and after",
    [startup, prompt, { ...prompt, ...at(1.003, "r1") }, stop, settled, prompt, end],
    [`${RUN} 1..5 success stop`, `${SESSION} 0..9 other`],
  ],
  [
    "a tool that nothing ends",
    [startup, prompt, pre, stop, settled, end],
    [`${TOOL} 2..5 unknown true`, `${RUN} 1..5 success stop`, `${SESSION} 0..9 other`],
  ],
  [
    "an end of a tool that comes after its run has settled",
    [startup, prompt, pre, stop, settled, post, end],
    [`${TOOL} 2..5 unknown true`, `${RUN} 1..5 success stop`, `${SESSION} 0..9 other`],
  ],
  [
    "an end of a tool without a start",
    [startup, prompt, post, stop, settled, end],
    [`${TOOL} 2.5..4 success true`, `${RUN} 1..5 success stop`, `${SESSION} 0..9 other`],
  ],
  [
    "an end of a tool without a start, after its run has settled",
    [startup, prompt, stop, settled, post, end],
    [`${RUN} 1..5 success stop`, `${TOOL} 2.5..4 success true`, `${SESSION} 0..9 other`],
  ],
  [
    "an end of a tool before its start",
    [startup, prompt, post, pre, stop, settled, end],
    [`${TOOL} 2..4 success`, `${RUN} 1..5 success stop`, `${SESSION} 0..9 other`],
  ],
  ["a stop without a run", [startup, stop, settled, end], [`${SESSION} 0..9 other`]],
  ["an end of a session never met", [end], []],
  [
    "a session that ends with a run and a tool open",
    [startup, prompt, pre, end],
    [`${TOOL} 2..9 unknown true`, `${RUN} 1..9 success session_end`, `${SESSION} 0..9 other`],
  ],
  [
    "an end told of twice",
    [startup, prompt, stop, settled, end, { ...end, ...at(9.003) }],
    [`${RUN} 1..5 success stop`, `${SESSION} 0..9 other`],
  ],
  [
    "a denied tool",
    [
      startup,
      prompt,
      pre,
      { ...at(3, "r1"), kind: "tool.reported", callId: "c1", tool: "Bash", outcome: "denied", opens: true },
      stop,
      settled,
      end,
    ],
    [`${TOOL} 2..3 denied`, `${RUN} 1..5 success stop`, `${SESSION} 0..9 other`],
  ],
  [
    "a call of which only the batch tells",
    [
      startup,
      prompt,
      { ...at(3, "r1"), kind: "tool.reported", callId: "c1", tool: "Bash", outcome: "error", opens: true },
      stop,
      settled,
      end,
    ],
    [`${TOOL} 3..3 error`, `${RUN} 1..5 success stop`, `${SESSION} 0..9 other`],
  ],
  [
    "a call of which only the transcript tells",
    [
      startup,
      prompt,
      { ...at(3, "r1"), kind: "tool.reported", callId: "c1", tool: "Bash", outcome: "denied" },
      stop,
      settled,
      end,
    ],
    [`${RUN} 1..5 success stop`, `${SESSION} 0..9 other`],
  ],
  [
    "a blocked prompt",
    [startup, prompt, { ...at(1.2, "r1"), kind: "run.blocked" }, end],
    [`${RUN} 1..1.2 blocked blocked`, `${SESSION} 0..9 other`],
  ],
  [
    "an interrupted run",
    [startup, prompt, pre, { ...at(3, "r1"), kind: "run.interrupted" }, end],
    [`${TOOL} 2..3 unknown true`, `${RUN} 1..3 interrupted interrupt`, `${SESSION} 0..9 other`],
  ],
  [
    "a failed run",
    [startup, prompt, { ...at(3, "r1"), kind: "run.failed", errorType: "overloaded" }, end],
    [`${RUN} 1..3 error failure`, `${SESSION} 0..9 other`],
  ],
  [
    "a run taken up after its session's end",
    [
      startup,
      prompt,
      stop,
      settled,
      end,
      { ...prompt, ...at(60, "r2") },
      { ...stop, ...at(61, "r2") },
      { ...settled, ...at(61, "r2") },
      { ...end, ...at(62) },
    ],
    [`${RUN} 1..5 success stop`, `${RUN} 60..61 success stop`, `${SESSION} 0..9 other`, `${SESSION} 60..62 other true`],
  ],
  [
    "a resumed session",
    [startup, prompt, stop, settled, end, { ...startup, ...at(60), source: "resume" }, { ...end, ...at(62) }],
    [`${RUN} 1..5 success stop`, `${SESSION} 0..9 other`, `${SESSION} 60..62 other`],
  ],
  [
    "a session killed and resumed",
    [startup, prompt, pre, { ...startup, ...at(60), source: "resume" }, { ...end, ...at(62) }],
    [
      `${TOOL} 2..2 unknown true`,
      `${RUN} 1..2 abandoned process_gone`,
      `${SESSION} 0..2 expired`,
      `${SESSION} 60..62 other`,
    ],
  ],
  [
    "a clock that goes backwards",
    [
      startup,
      { ...prompt, ...at(3, "r1") },
      { ...pre, ...at(4, "r1") },
      { ...post, ...at(3.5, "r1") },
      { ...stop, ...at(2, "r1") },
      { ...settled, ...at(2.1, "r1") },
      { ...end, ...at(1) },
    ],
    [`${TOOL} 4..4 success`, `${RUN} 3..3 success stop`, `${SESSION} 0..1 other`],
  ],
])("%s", (_, events, expected) => {
  expect(lines(foldToEnd(events), ...FACTS)).toEqual(expected);
});
