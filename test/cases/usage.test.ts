// Tokens and cost: of resumed sessions, of no run, and where the numbers are missing or odd.
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { createStage, EPOCH_S, MODEL, type Stage } from "../support/stage.ts";

const COST = "hookspan.cost";
const SOURCE = "hookspan.cost.source";
const START_MS = 1_795_000_000_000;
const IN = "gen_ai.usage.input_tokens";
const OUT = "gen_ai.usage.output_tokens";

const inRun = { run: "r1" };

/** What one call of 1,000 input tokens costs by the price list. */
async function priceOfOne(): Promise<number> {
  const { hook, answer, sent, step } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  answer(3, "m1", "r1", { input_tokens: 1000, output_tokens: 0 });
  step(4);
  return (await sent()).total(COST);
}

test("13: a resume goes on in the books of its session: only what they grew by is counted, and counters never fall", async () => {
  const one = await priceOfOne();
  const { hook, answer, line, step, sent } = await createStage();
  hook(0, "SessionStart", { source: "startup" });
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  answer(3, "m1", "r1", { input_tokens: 1000, output_tokens: 0 });
  const books = { totalLinesAdded: 5, totalLinesRemoved: 1, startTime: START_MS };
  line(4, "cost-state", { ...books, totalCostUSD: one + 0.5 });
  hook(5, "SessionEnd", { reason: "other" });
  step(8);
  expect((await sent()).total(COST)).toBeCloseTo(one + 0.5, 9);

  hook(20, "SessionStart", { source: "resume" });
  hook(21, "UserPromptSubmit", { prompt: "two" }, { run: "r2" });
  answer(23, "m2", "r2", { input_tokens: 1000, output_tokens: 0 });
  line(24, "cost-state", { ...books, totalLinesAdded: 7, totalCostUSD: 2 * one + 0.75 });
  hook(25, "SessionEnd", { reason: "other" });
  step(28);
  const all = await sent();
  expect(all.total(COST)).toBeCloseTo(2 * one + 0.75, 9);
  expect(all.total(COST, { [SOURCE]: "reconciled" })).toBeCloseTo(0.75, 9);
  expect(all.total("hookspan.code.line.count", { "hookspan.code.change": "added" })).toBe(7);
});

test("13: books of a new start are counted in full; a process that was killed stays estimated", async () => {
  const one = await priceOfOne();
  const { hook, answer, line, step, sent } = await createStage();
  hook(0, "SessionStart", { source: "startup" });
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  answer(3, "m1", "r1", { input_tokens: 1000, output_tokens: 0 });
  step(4);
  hook(20, "SessionStart", { source: "resume" });
  hook(21, "UserPromptSubmit", { prompt: "two" }, { run: "r2" });
  answer(23, "m2", "r2", { input_tokens: 1000, output_tokens: 0 });
  const books = { totalLinesAdded: 0, totalLinesRemoved: 0, startTime: START_MS + 19_900 };
  line(24, "cost-state", { ...books, totalCostUSD: one + 0.5 });
  hook(25, "SessionEnd", { reason: "other" });
  step(28);
  expect((await sent()).total(COST)).toBeCloseTo(2 * one + 0.5, 9);
});

test("13: a fork's books begin with its parent's, and only the rest is the fork's", async () => {
  const one = await priceOfOne();
  const { hook, answer, line, step, sent } = await createStage();
  hook(0, "SessionStart", { source: "startup" });
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  answer(3, "m1", "r1", { input_tokens: 1000, output_tokens: 0 });
  const books = { totalLinesAdded: 0, totalLinesRemoved: 0, startTime: START_MS };
  line(4, "cost-state", { ...books, totalCostUSD: one });
  hook(5, "SessionEnd", { reason: "other" });
  step(8);
  const fork = { session: "s2" };
  hook(20, "SessionStart", { source: "fork" }, fork);
  // The parent's lines are copied with their old times.
  answer(3, "m1", "r1", { input_tokens: 1000, output_tokens: 0 }, fork);
  hook(21, "UserPromptSubmit", { prompt: "two" }, { ...fork, run: "r2" });
  answer(23, "m2", "r2", { input_tokens: 1000, output_tokens: 0 }, fork);
  line(24, "cost-state", { ...books, totalCostUSD: 2 * one }, fork);
  hook(25, "SessionEnd", { reason: "other" }, fork);
  step(28);
  const all = await sent();
  expect(all.total(COST)).toBeCloseTo(2 * one, 9);
  expect(all.total("hookspan.token.usage")).toBe(2000);
});

test("13: books below the estimate are a credit against the next estimates: the counter stands still, then goes on", async () => {
  const one = await priceOfOne();
  const { hook, answer, line, step, sent } = await createStage();
  hook(0, "SessionStart", { source: "startup" });
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  answer(3, "m1", "r1", { input_tokens: 1000, output_tokens: 0 });
  step(3);
  expect((await sent()).total(COST)).toBeCloseTo(one, 9);
  const books = { totalLinesAdded: 0, totalLinesRemoved: 0, startTime: START_MS };
  line(4, "cost-state", { ...books, totalCostUSD: one * 0.4 });
  step(5);
  expect((await sent()).total(COST)).toBeCloseTo(one, 9);
  answer(6, "m2", "r1", { input_tokens: 1000, output_tokens: 0 });
  step(7);
  expect((await sent()).total(COST)).toBeCloseTo(1.4 * one, 9);
});

test.each(["in one life of the bridge", "with a new bridge"])(
  "13: a process that was killed costs what it showed its status line, and its books, if they come, count no second time, %s",
  async (which) => {
    const one = await priceOfOne();
    const stage = await createStage();
    const { hook, answer, line, step, sent } = stage;
    hook(0, "SessionStart", { source: "startup" });
    hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
    answer(3, "m1", "r1", { input_tokens: 1000, output_tokens: 0 });
    show(stage, 4, one + 0.5);
    step(5);
    expect((await sent()).total(COST)).toBeCloseTo(one, 9);
    stage.dead.add(4242);
    step(20);
    if (which === "with a new bridge") stage.restart();
    step(90);
    expect((await sent()).total(COST)).toBeCloseTo(one + 0.5, 9);
    expect((await sent()).total("hookspan.code.line.count")).toBe(3);
    // The same file, read again, and a statement of that process: what both say is known.
    const books = { totalLinesAdded: 3, totalLinesRemoved: 0, startTime: START_MS };
    line(4, "cost-state", { ...books, totalCostUSD: one + 0.75 });
    if (which === "with a new bridge") stage.restart();
    hook(100, "SessionStart", { source: "resume" }, { pid: 4343 });
    step(101);
    hook(102, "SessionEnd", { reason: "other" }, { pid: 4343 });
    step(110);
    const all = await sent();
    expect(all.total(COST)).toBeCloseTo(one + 0.75, 9);
    expect(all.total("hookspan.code.line.count")).toBe(3);
  },
);

test("13: a session that ends with its totals in SessionEnd costs those, and a second end adds what they grew by", async () => {
  const one = await priceOfOne();
  const { hook, answer, step, sent } = await createStage();
  hook(0, "SessionStart", { source: "startup" });
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  answer(3, "m1", "r1", { input_tokens: 1000, output_tokens: 0 });
  hook(5, "SessionEnd", { reason: "other", cost: { total_cost_usd: one + 0.5, total_lines_added: 5 } });
  step(8);
  hook(20, "SessionStart", { source: "resume" });
  hook(25, "SessionEnd", { reason: "other", cost: { total_cost_usd: one + 0.75, total_lines_added: 7 } });
  step(28);
  const all = await sent();
  expect(all.total(COST)).toBeCloseTo(one + 0.75, 9);
  expect(all.total("hookspan.code.line.count")).toBe(7);
});

test("19: a model call with no run open stands in the session's own trace, and is counted", async () => {
  const { hook, answer, step, sent } = await createStage();
  hook(0, "SessionStart", { source: "startup" });
  answer(3, "m1", "nobody's", { input_tokens: 7, output_tokens: 1 });
  step(3);
  step(6);
  hook(8, "SessionEnd", { reason: "other" });
  step(11);
  const all = await sent();
  expect(all.lines(IN)).toEqual(["session claude-code 0..8", `session claude-code > chat ${MODEL} 2..3 7`]);
  expect(all.total("hookspan.token.usage")).toBe(8);
  expect(all.total("hookspan.run.count")).toBe(0);
});

test.each<[string, unknown, string, number]>([
  ["zeros are shown as zeros", { input_tokens: 0, output_tokens: 0 }, " 0 0", 0],
  ["no usage at all: no token attribute, no count", undefined, "", 0],
  ["null for a usage", null, "", 0],
  ["numbers written as text are numbers", { input_tokens: "12", output_tokens: "3" }, " 12 3", 15],
  ["what is no count is none, never NaN", { input_tokens: "NaN", output_tokens: "1e999" }, " 0 0", 0],
  ["a negative number is none", { input_tokens: -5, output_tokens: 2 }, " 0 2", 2],
])("20: %s", async (_, usage, shown, tokens) => {
  const { hook, line, settled, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  line(2, "api-request", { promptId: "r1", id: "q1", params: { model: MODEL } });
  const message = { id: "m1", model: MODEL, stop_reason: "end_turn", usage, content: [] };
  line(3, "assistant", { promptId: "r1", requestRef: "q1", requestedModel: MODEL, message });
  settled(5.1, "r1");
  hook(5, "Stop", {}, inRun);
  const all = await sent();
  expect(all.lines(IN, OUT)).toEqual([
    `invoke_agent claude-code 1..5${shown}`,
    `invoke_agent claude-code > chat ${MODEL} 2..3${shown}`,
  ]);
  expect(all.total("hookspan.token.usage")).toBe(tokens);
  expect(all.total("gen_ai.invoke_agent.inference_calls")).toBe(1);
});

/** The client shows its status line a total, and the tap keeps it. */
function show({ directory }: Stage, seconds: number, usd: number): void {
  const cost = { total_cost_usd: usd, total_duration_ms: seconds * 1000, total_lines_added: 3, total_lines_removed: 0 };
  mkdirSync(directory.statusline, { recursive: true });
  const path = join(directory.statusline, "s1.json");
  writeFileSync(path, JSON.stringify({ v: 1, session_id: "s1", cost }));
  utimesSync(path, EPOCH_S + seconds, EPOCH_S + seconds);
}
