// Which trace a run's spans are in, also those that come late.
import { describe, expect, test } from "vitest";

import { at, called, foldAll, foldToEnd, lines } from "../../test/support/folded.ts";
import type { AgentEvent } from "../event/event.ts";
import { runContext, sessionContext } from "./ids.ts";
import { ATTR } from "./semconv.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const ROOT = "invoke_agent claude-code";

const prompt: AgentEvent = { ...at(1, "r1"), kind: "prompt.submitted", trigger: "user" };
const stop: AgentEvent = { ...at(5, "r1"), kind: "run.stopped" };
const settled: AgentEvent = { ...at(5, "r1"), kind: "run.settled" };

/** What a hook says of its surroundings. */
function seen(headless: boolean, traceparent?: string): AgentEvent {
  const hook = traceparent === undefined ? {} : { traceparent };
  return { ...at(1), kind: "session.described", headless, hook };
}

test.each<[string, AgentEvent, { traceId: string; parentSpanId?: string; links: string[] }]>([
  ["none", seen(true), { traceId: own(), links: ["session"] }],
  [
    "sampled, around a headless agent: the parent",
    seen(true, `00-${TRACE}-${SPAN}-01`),
    { traceId: TRACE, parentSpanId: SPAN, links: ["session"] },
  ],
  ["not sampled: a link", seen(true, `00-${TRACE}-${SPAN}-00`), { traceId: own(), links: ["session", "inbound"] }],
  [
    "around a terminal: a link, for it may stay for weeks",
    seen(false, `00-${TRACE}-${SPAN}-01`),
    { traceId: own(), links: ["session", "inbound"] },
  ],
  ["not well-formed: none", seen(true, `00-${TRACE}-${"0".repeat(16)}-01`), { traceId: own(), links: ["session"] }],
])("an inbound context, %s", (_, described, expected) => {
  const { spans } = foldAll([described, prompt, stop, settled]);
  const [root] = spans;
  expect(spans).toHaveLength(1);
  expect({ traceId: root?.traceId, parentSpanId: root?.parentSpanId }).toEqual({
    parentSpanId: undefined,
    ...expected,
    links: undefined,
  });
  expect(root?.links.map(({ attributes }) => attributes[ATTR.linkType])).toEqual(expected.links);
});

test("what comes late, of a run in its caller's trace, is in that trace too", () => {
  const inbound = seen(true, `00-${TRACE}-${SPAN}-01`);
  const late: AgentEvent = {
    ...at(4, "r1"),
    kind: "hook.ran",
    hookEvent: "Stop",
    hookName: "x",
    source: "unknown",
    status: "completed",
    id: "u",
  };
  const { spans } = foldAll([inbound, prompt, stop, settled, late]);
  const [root, hook] = spans;
  expect(hook).toMatchObject({ name: "execute_hook Stop", traceId: TRACE, parentSpanId: root?.spanId });
});

test("an inbound context holds for the run that it came with", () => {
  const first = seen(true, `00-${TRACE}-${SPAN}-01`);
  const second: AgentEvent = { ...seen(true), ...at(6) };
  const { spans } = foldAll([
    first,
    prompt,
    stop,
    settled,
    second,
    { ...prompt, ...at(7, "r2") },
    { ...stop, ...at(8, "r2") },
    { ...settled, ...at(8, "r2") },
  ]);
  expect(spans.map(({ traceId }) => traceId)).toEqual([TRACE, runContext("claude-code", "s", "r2").traceId]);
  expect(spans[1]?.links.map(({ spanId }) => spanId)).toContain(spans[0]?.spanId);
});

test("each run links to the one before and to its session, which links to all", () => {
  const second = [
    { ...prompt, ...at(7, "r2") },
    { ...stop, ...at(8, "r2") },
    { ...settled, ...at(8, "r2") },
  ];
  const { spans } = foldToEnd([
    { ...at(0), kind: "session.started", source: "startup" },
    prompt,
    stop,
    settled,
    ...second,
    { ...at(9), kind: "session.ended", reason: "other" },
  ]);
  const session = sessionContext("claude-code", "s", at(0).atNs);
  expect(spans.map(({ name, links }) => [name, links.map(({ spanId }) => spanId)])).toEqual([
    [ROOT, [session.spanId]],
    [ROOT, [session.spanId, spans[0]?.spanId]],
    ["session claude-code", [spans[0]?.spanId, spans[1]?.spanId]],
  ]);
  expect(spans[2]).toMatchObject(session);
});

test("a model call without a run is the session's", () => {
  const { spans } = foldToEnd([
    { ...at(0), kind: "session.started", source: "startup" },
    called(3, "m1"),
    { ...at(9), kind: "session.ended", reason: "other" },
  ]);
  const session = sessionContext("claude-code", "s", at(0).atNs);
  expect(lines({ spans })).toEqual(["chat claude-opus-5-5 2..3", "session claude-code 0..9"]);
  expect(spans[0]).toMatchObject({ traceId: session.traceId, parentSpanId: session.spanId });
});

test("the clock steps back at a prompt: its run still has a session", () => {
  const ended: AgentEvent = { ...at(9), kind: "session.ended", reason: "other" };
  const { session } = foldAll([
    prompt,
    stop,
    settled,
    ended,
    { ...at(11), kind: "time.passed" },
    { ...prompt, ...at(8.5, "r2") },
  ]);
  expect(session?.segments).toHaveLength(1);
});

function own(): string {
  return runContext("claude-code", "s", "r1").traceId;
}

test.each<[string, AgentEvent[], string[]]>([
  ["a stop that overtakes its prompt", [stopAt(5), promptAt(1)], ["1..5 success"]],
  ["a stop from before the prompt", [stopAt(1), promptAt(2)], ["2..2 abandoned"]],
  [
    "told again behind its run's end",
    [promptAt(1), stopAt(5), later(8), stopAt(5), promptAt(9)],
    ["1..5 success", "9..9 abandoned"],
  ],
])("without turn ids: %s", (_, events, expected) => {
  const roots = lines(foldToEnd(events), "hookspan.run.outcome").filter((line) => line.startsWith(ROOT));
  expect(roots.map((line) => line.slice(ROOT.length + 1))).toEqual(expected);
});

test("without turn ids: a stop that nothing confirms settles the run after 2 s of silence", () => {
  const { spans } = foldAll([promptAt(1), stopAt(5), later(6.9)]);
  expect(spans).toEqual([]);
  expect(foldAll([promptAt(1), stopAt(5), later(7)]).spans).toHaveLength(1);
});

function promptAt(seconds: number): AgentEvent {
  return { ...at(seconds), kind: "prompt.submitted", trigger: "user" };
}

function stopAt(seconds: number): AgentEvent {
  return { ...at(seconds), kind: "run.stopped", unconfirmed: true };
}

function later(seconds: number): AgentEvent {
  return { ...at(seconds), kind: "time.passed" };
}

describe("a prompt that its run's end has overtaken", () => {
  const ends: [string, AgentEvent, string][] = [
    ["a stop", stop, "1..5 success stop"],
    ["an interrupt", { ...at(5, "r1"), kind: "run.interrupted" }, "1..5 interrupted interrupt"],
    ["a failure", { ...at(5, "r1"), kind: "run.failed", errorType: "timeout" }, "1..5 error failure"],
  ];
  const closing: AgentEvent = { ...at(5, "r1"), kind: "run.settled", graceMs: 2000 };
  const ended: AgentEvent = { ...at(6), kind: "session.ended", reason: "other" };
  const told: AgentEvent = { ...at(0), kind: "session.started", source: "startup" };

  test.each(ends)("by %s", (_, end, outcome) => {
    const orders = [
      [told, prompt, end, closing, ended],
      [told, end, prompt, closing, ended],
      [told, end, closing, prompt, ended],
      [told, end, closing, ended, prompt],
      [told, end, end, closing, closing, ended, prompt, prompt],
    ];
    for (const events of orders) expect(shown(events)).toEqual([`${ROOT} ${outcome}`]);
  });

  test.each(ends)("%s of a run that nobody begins is none", (_, end) => {
    expect(shown([told, end, closing, ended])).toEqual([]);
  });

  test("what came before the prompt is no end of its run", () => {
    const before: AgentEvent = { ...at(0.5, "r1"), kind: "run.interrupted" };
    expect(shown([told, before, prompt, stop, closing, ended])).toEqual([`${ROOT} 1..5 success stop`]);
  });
});

function shown(events: readonly AgentEvent[]): string[] {
  return lines(foldToEnd(events), ATTR.runOutcome, ATTR.runEndReason).filter((line) => line.startsWith(ROOT));
}
