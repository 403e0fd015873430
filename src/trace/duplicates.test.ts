// Every event may come twice: a hook is told of by a plugin and by the settings, an envelope is folded again after a crash, a
// transcript is read again. And it may stop anywhere.
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { at, called, foldAll, foldToEnd, lines, total, usage, type Folded } from "../../test/support/folded.ts";
import type { AgentEvent } from "../event/event.ts";
import { runContext } from "./ids.ts";
import { ATTR } from "./semconv.ts";
import { sessionSchema } from "./session.ts";

const sub = { subagentId: "a1" };

/** A session with everything in it. */
const STORY: AgentEvent[] = [
  { ...at(0), kind: "session.described", cwd: "/p", entrypoint: "cli", hook: { pid: 42, pidSource: "marker" } },
  { ...at(0), kind: "session.started", source: "startup", model: "claude-opus-5-5" },
  { ...at(1, "r1"), kind: "prompt.submitted", trigger: "user", content: { input: "Do it" } },
  called(2, "m1", { runKey: "r1", usage: usage(10, 5) }),
  { ...at(2, "r1"), kind: "tool.started", callId: "c1", tool: "Bash", inputHash: "h1" },
  { ...at(2.1, "r1"), kind: "permission.requested", tool: "Bash", inputHash: "h1" },
  { ...at(3, "r1"), kind: "tool.ended", callId: "c1", tool: "Bash", outcome: "success", durationMs: 100, commits: 1 },
  { ...at(3, "r1"), kind: "permission.decided", callId: "c1", tool: "Bash", decision: "allow" },
  { ...at(3.1, "r1"), kind: "tool.reported", callId: "c1", tool: "Bash", outcome: "unknown", opens: true },
  { ...at(4, "r1"), kind: "tool.started", callId: "c2", tool: "Bash", inputHash: "h1" },
  {
    ...at(4.5, "r1"),
    kind: "tool.ended",
    callId: "c2",
    tool: "Bash",
    outcome: "error",
    errorType: "command_failed",
    durationMs: 400,
  },
  called(5, "m1", { runKey: "r1", usage: usage(10, 9) }),
  {
    ...at(5, "r1"),
    kind: "llm.failed",
    attemptId: "q1",
    provider: "anthropic",
    requestModel: "claude-opus-5-5",
    startNs: at(4.9).atNs,
    errorType: "http_529",
  },
  { ...at(6, "r1"), kind: "tool.started", callId: "c3", tool: "Agent" },
  { ...at(6.1, "r1"), ...sub, kind: "subagent.started", type: "Explore" },
  { ...at(7, "r1"), ...sub, kind: "tool.started", callId: "c4", tool: "Read" },
  { ...at(7.2, "r1"), ...sub, kind: "tool.ended", callId: "c4", tool: "Read", outcome: "success", durationMs: 100 },
  called(8, "m2", { ...sub, runKey: "r1", file: "/p/sub.jsonl" }),
  { ...at(8.1, "r1"), ...sub, kind: "subagent.ended", type: "Explore" },
  {
    ...at(8.2, "r1"),
    kind: "tool.ended",
    callId: "c3",
    tool: "Agent",
    outcome: "success",
    durationMs: 2100,
    launched: { subagentId: "a1", background: false },
  },
  { ...at(9, "r1"), kind: "compaction.started", trigger: "auto" },
  { ...at(9.9, "r1"), kind: "compaction.ended", trigger: "auto" },
  {
    ...at(10, "r1"),
    kind: "hook.ran",
    hookEvent: "Stop",
    hookName: "stop.sh",
    source: "unknown",
    status: "completed",
    durationMs: 20,
    id: "u1",
  },
  { ...at(10, "r1"), kind: "run.stopped", content: { output: "Done" } },
  { ...at(10.1, "r1"), kind: "run.settled" },
  {
    ...at(20),
    kind: "cost.stated",
    startTimeMs: Number(at(-1).atNs / 1_000_000n),
    totalUsd: 32,
    linesAdded: 3,
    linesRemoved: 1,
  },
  { ...at(21), kind: "session.ended", reason: "other" },
  { ...at(30), kind: "time.passed" },
];

const once = foldAll(STORY);

test("a start told of twice begins one session, though the second is heard of after the prompt", () => {
  const { spans, session } = foldToEnd([
    { ...at(0), kind: "session.started", source: "startup" },
    { ...at(0.1, "r1"), kind: "prompt.submitted", trigger: "user" },
    { ...at(0.2), kind: "session.started", source: "fork", previousSessionId: "s0" },
    { ...at(1, "r1"), kind: "run.stopped" },
    { ...at(1.1, "r1"), kind: "run.settled" },
    { ...at(2), kind: "session.ended", reason: "other" },
  ]);
  expect(spans.map(({ name }) => name)).toEqual(["invoke_agent claude-code", "session claude-code"]);
  expect(session?.segments).toEqual([]);
  // The second word, the more telling one, stands all the same.
  expect(spans[1]?.attributes).toMatchObject({ [ATTR.sessionSource]: "fork", [ATTR.sessionPreviousId]: "s0" });
});

test("once: everything is there, once", () => {
  expect(lines(once)).toEqual([
    "execute_tool Bash 2..3",
    "execute_tool Bash 4..4.5",
    "chat claude-opus-5-5 4.9..5",
    "execute_tool Read 7..7.2",
    "execute_tool Agent 6..8.2",
    "compact claude-code 9..9.9",
    "execute_hook Stop 9.98..10",
    "chat claude-opus-5-5 1..5",
    "chat claude-opus-5-5 7..8",
    "invoke_agent Explore 6.1..8.1",
    "invoke_agent claude-code 1..10",
    "session claude-code 0..21",
  ]);
  expect(total(once, "hookspan.token.usage")).toBe(30);
  expect(total(once, "hookspan.cost")).toBe(32);
  expect(total(once, "hookspan.code.line.count")).toBe(4);
});

test.each<[string, AgentEvent[]]>([
  ["each event twice in a row", STORY.flatMap((event) => [event, stated(event)])],
  ["all of it, and all of it again", [...STORY, ...STORY.map(stated)]],
  ["the first half again after the whole", [...STORY, ...STORY.slice(0, 14).map(stated)]],
  ["two copies of every hook, 3 ms apart", STORY.flatMap((event) => [event, later(event)])],
  [
    "two copies of every hook, the later first",
    STORY.flatMap((event) => (event.kind === "cost.stated" ? [event] : [later(event), event])),
  ],
])("%s: the same spans and increments", (_, events) => {
  const twice = foldAll(events);
  expect(ids(twice)).toEqual(ids(once));
  expect(counts(twice)).toEqual(counts(once));
});

test("a prompt without a turn id, told of twice, opens one run", () => {
  const prompt: AgentEvent = { ...at(1), kind: "prompt.submitted", trigger: "user" };
  const stop: AgentEvent = { ...at(5), kind: "run.stopped" };
  const both = foldToEnd([prompt, later(prompt), stop, later(stop), { ...at(5), kind: "run.answered" }]);
  expect(lines(both, ATTR.runOutcome)).toEqual([
    "invoke_agent claude-code 1..5.003 success",
    "session claude-code 1..5.003",
  ]);
});

test.each<[string, AgentEvent[], string[]]>([
  ["everything for the first time", STORY, []],
  ["a prompt and a call twice", [...STORY.slice(0, 5), ...STORY.slice(2, 5)], ["duplicate", "duplicate"]],
  [
    "a call that its run closed, and then its end",
    [
      { ...at(1, "r1"), kind: "prompt.submitted", trigger: "user" },
      { ...at(2, "r1"), kind: "tool.started", callId: "c1", tool: "Bash" },
      { ...at(3, "r1"), kind: "run.stopped" },
      { ...at(3, "r1"), kind: "run.settled" },
      { ...at(4, "r1"), kind: "tool.ended", callId: "c1", tool: "Bash", outcome: "success" },
      { ...at(5, "r1"), kind: "run.stopped" },
    ],
    ["late", "late"],
  ],
  [
    "ends of what was never met",
    [
      { ...at(1), kind: "session.ended", reason: "other" },
      { ...at(2, "r1"), kind: "run.stopped" },
    ],
    ["unmatched", "unmatched"],
  ],
])("%s: what the bridge's books say", (_, events, remarks) => {
  expect(foldAll(events).remarks).toEqual(remarks);
});

test("a session that a prompt from before its end opens again keeps its own id, though the first start is told again", () => {
  const { spans } = foldToEnd([
    { ...at(0), kind: "session.started", source: "startup" },
    { ...at(21), kind: "session.ended", reason: "other" },
    { ...at(30), kind: "time.passed" },
    { ...at(1, "r1"), kind: "prompt.submitted", trigger: "user" },
    { ...at(0), kind: "session.started", source: "startup" },
  ]);
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
});

test("any part of it, in any order, folds; every span is sound, and the session can be kept", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...STORY, ...STORY]), (events) => {
      const all = foldToEnd(events);
      for (const { startNs, endNs, traceId, spanId } of all.spans) {
        expect(endNs).toBeGreaterThanOrEqual(startNs);
        expect(traceId + spanId).toMatch(/^[0-9a-f]{48}$/);
      }
      for (const { value } of all.increments) expect(value).toBeGreaterThanOrEqual(0);
      const unique = new Set(all.spans.map(({ spanId }) => spanId));
      expect(unique.size).toBe(all.spans.length);
      if (all.session !== undefined) sessionSchema.parse(JSON.parse(JSON.stringify(all.session, decimal)));
    }),
    { numRuns: 500 },
  );
});

test("a prefix leaves nothing open once its time is over", () => {
  for (let length = 1; length <= STORY.length; length += 1) {
    const { session, spans } = foldToEnd([...STORY.slice(0, length), { ...at(99), kind: "process.gone" }]);
    const open = [session?.segments, session?.runs, session?.subagents, session?.tools, session?.calls];
    expect(open.map((list) => list?.length)).toEqual([0, 0, 0, 0, 0]);
    const roots = spans.filter(({ spanId }) => spanId === runContext("claude-code", "s", "r1").spanId);
    expect(roots.length).toBe(length > 2 ? 1 : 0);
  }
});

/** The bridge tells what its books have: the second time, that is the statement itself. */
function stated(event: AgentEvent): AgentEvent {
  if (event.kind !== "cost.stated") return event;
  const { totalUsd, linesAdded, linesRemoved } = event;
  return { ...event, previous: { totalUsd, linesAdded, linesRemoved } };
}

/** Transcript lines and the bridge's own words are not told of twice by two hooks. */
function later(event: AgentEvent): AgentEvent {
  const fromLine = [
    "llm.called",
    "llm.failed",
    "hook.ran",
    "cost.stated",
    "permission.decided",
    "run.settled",
    "run.answered",
    "time.passed",
  ];
  return fromLine.includes(event.kind) ? stated(event) : { ...event, atNs: event.atNs + 3_000_000n };
}

function ids({ spans }: Folded): string[] {
  return spans
    .map(({ name, traceId, spanId, parentSpanId }) => {
      // Of two ends of a compaction, which have no id, the first to be folded counts.
      const own = name.startsWith("compact") ? "" : spanId;
      return [name, traceId, own, parentSpanId].join(" ");
    })
    .sort();
}

function counts({ increments }: Folded): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { metric, attributes, value } of increments) {
    const key = `${metric} ${JSON.stringify(attributes)}`;
    const isCount = !metric.endsWith("duration");
    sums[key] = (sums[key] ?? 0) + (isCount ? value : 1);
  }
  return sums;
}

function decimal(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
