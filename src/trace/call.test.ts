// Model calls, of which the same is told several times, in parts, late, and in copies.
import { expect, test } from "vitest";

import { at, called, FILE, foldAll, foldToEnd, lines, total, usage } from "../../test/support/folded.ts";
import type { AgentEvent } from "../event/event.ts";
import { ATTR } from "./semconv.ts";

const startup: AgentEvent = { ...at(0), kind: "session.started", source: "startup" };
const prompt: AgentEvent = { ...at(1, "r1"), kind: "prompt.submitted", trigger: "user" };
const rest: AgentEvent[] = [
  { ...at(50, "r1"), kind: "run.stopped" },
  { ...at(50, "r1"), kind: "run.settled" },
];

const none = usage(0, 0);

test.each<[string, AgentEvent[], { tokens: number; usd: number; spans: string[] }]>([
  ["one call", [called(3, "m1")], { tokens: 11, usd: 11, spans: ["2..3 10 1"] }],
  [
    "a line for each block of it",
    [called(3, "m1"), called(4, "m1"), called(4, "m1")],
    { tokens: 11, usd: 11, spans: ["2..4 10 1"] },
  ],
  [
    "it grows",
    [called(3, "m1"), called(4, "m1", { usage: usage(10, 7) })],
    { tokens: 17, usd: 17, spans: ["2..4 10 7"] },
  ],
  [
    "it shrinks: what was told of, was used",
    [called(3, "m1"), called(4, "m1", { usage: none })],
    { tokens: 11, usd: 11, spans: ["2..4 10 1"] },
  ],
  [
    "it grows after the next has begun",
    [called(3, "m1"), called(5, "m2"), called(5, "m1", { usage: usage(10, 7) })],
    { tokens: 28, usd: 28, spans: ["2..3 10 1", "4..5 10 1"] },
  ],
  ["nothing used", [called(3, "m1", { usage: none })], { tokens: 0, usd: 0, spans: ["2..3 0 0"] }],
  [
    "a line from before we met the session",
    [called(-1, "m1"), called(3, "m2")],
    { tokens: 11, usd: 11, spans: ["2..3 10 1"] },
  ],
  [
    "copies of old lines in a file that was truncated",
    [called(3, "m1"), called(90, "m2"), called(3, "m9")],
    { tokens: 22, usd: 22, spans: ["2..3 10 1", "89..90 10 1"] },
  ],
  [
    "two files at once",
    [called(3, "m1"), called(3, "m2", { file: "/p/sub.jsonl" })],
    { tokens: 22, usd: 22, spans: ["2..3 10 1", "2..3 10 1"] },
  ],
])("%s", (_, events, { tokens, usd, spans }) => {
  const all = foldToEnd([startup, prompt, ...events.map((event) => ({ ...event, runKey: "r1" })), ...rest]);
  const calls = all.spans.filter(({ name }) => name.startsWith("chat"));
  expect(total(all, "hookspan.token.usage")).toBe(tokens);
  expect(total(all, "hookspan.cost")).toBe(usd);
  expect(lines({ spans: calls }, ATTR.inputTokens, ATTR.outputTokens)).toEqual(
    spans.map((line) => `chat claude-opus-5-5 ${line}`),
  );
});

test("a message is known again among the last 256 of its file", () => {
  const many = Array.from({ length: 300 }, (_, i) => called(3, `m${i}`));
  const { increments } = foldAll([startup, ...many, ...many.slice(-256)]);
  expect(total({ increments }, "hookspan.token.usage")).toBe(300 * 11);
});

test("books of a client that has run for weeks cover every call", () => {
  const calls = Array.from({ length: 5000 }, (_, i) => called(i + 1, `m${i}`));
  const books: AgentEvent = {
    ...at(6000),
    kind: "cost.stated",
    startTimeMs: Number(at(-1).atNs / 1_000_000n),
    totalUsd: 5000 * 11 + 3,
    linesAdded: 0,
    linesRemoved: 0,
  };
  const all = foldAll([startup, ...calls, books]);
  expect(total(all, "hookspan.cost")).toBe(5000 * 11 + 3);
  expect(total(all, "hookspan.cost", { [ATTR.costSource]: "reconciled" })).toBe(3);
  expect(all.session?.transcripts[FILE]?.messages).toHaveLength(256);
});

test("estimates above the books are taken back, from the series that had most", () => {
  const cheap = called(3, "m1", { requestModel: "small" });
  const books = {
    kind: "cost.stated",
    startTimeMs: Number(at(-1).atNs / 1_000_000n),
    linesAdded: 0,
    linesRemoved: 0,
  } as const;
  const all = foldAll([
    startup,
    cheap,
    called(4, "m2", { usage: usage(90, 9) }),
    { ...at(9), ...books, totalUsd: 100 },
  ]);
  expect(total(all, "hookspan.cost")).toBe(100);
  expect(total(all, "hookspan.cost", { [ATTR.requestModel]: "small" })).toBe(11);
});

test("a call without a usage is shown as a call, and counts no tokens; the usage may still come", () => {
  const model = { provider: "anthropic", requestModel: "claude-opus-5-5", responseModel: "claude-opus-5-5" };
  const startNs = at(2).atNs;
  const unmetered: AgentEvent = { ...at(3), kind: "llm.called", messageId: "m1", ...model, startNs, file: FILE };
  const ends: AgentEvent[] = [
    { ...at(8, "r1"), kind: "run.stopped" },
    { ...at(8, "r1"), kind: "run.settled" },
  ];
  const without = foldAll([startup, prompt, unmetered, ...ends]);
  expect(lines(without, ATTR.inputTokens, ATTR.costUsd, ATTR.inferenceCalls)).toEqual([
    "chat claude-opus-5-5 2..3",
    "invoke_agent claude-code 1..8 1",
  ]);
  expect(without.increments.filter(({ metric }) => /token|cost/.test(metric))).toEqual([]);
  const late = foldAll([startup, prompt, unmetered, called(3, "m1"), ...ends]);
  expect(lines(late, ATTR.inputTokens)).toContain("chat claude-opus-5-5 2..3 10");
});
