// Hermes' recorded sessions, held against what the scripted model served and what became of each run, call and subagent.
import { describe, expect, test } from "vitest";

import { calledTools, servedTokens, toldTokens, truthOf, type Tokens } from "./support/hermes-facts.ts";
import { DELIVERIES, replayRecording, type Replayed } from "./support/recorded-session.ts";
import { recordedSessions } from "./support/recordings.ts";

/** Served, and told of by no hook; of every other recording the hooks told all. */
const UNTOLD: Record<string, { why: string; tokens: Tokens }> = {
  "background-review": { why: "the title of the conversation", tokens: { input: 231, output: 7 } },
  "failing-tools": {
    why: "two answers whose tool arguments were no JSON: the request was repeated",
    tokens: { input: 30_776, output: 146 },
  },
  gateway: { why: "a title for each of two sessions", tokens: { input: 462, output: 14 } },
  interactive: { why: "a title for each of two sessions", tokens: { input: 462, output: 14 } },
  "subagent-background": { why: "the title of the conversation", tokens: { input: 231, output: 7 } },
};

/** Calls of which the hooks in force told nothing. */
const UNSEEN: Record<string, string> = {
  allowlist: "the hooks of tool calls were not approved",
  "failing-tools": "a name that no tool has, and arguments that are no JSON, reach no hook",
};

describe.each(recordedSessions("hermes"))("$folder", ({ folder, path }) => {
  describe.each(DELIVERIES)("delivered %s", (delivery) => {
    const replayed = replayRecording(path, delivery);
    const truth = truthOf(path);

    test("tokens are those of post_api_request, and what the model served beyond them is known", async () => {
      const all = await replayed;
      const { tokens, calls } = toldTokens(path);
      const untold = UNTOLD[folder]?.tokens ?? { input: 0, output: 0 };
      expect(countedTokens(all)).toEqual(tokens);
      expect({ input: tokens.input + untold.input, output: tokens.output + untold.output }).toEqual(servedTokens(path));
      const spans = all.spans.filter(({ name, error }) => name.startsWith("chat ") && error === undefined);
      expect(spans).toHaveLength(calls);
      const shown = (name: string): number => sum(spans.map(({ attributes }) => Number(attributes[name] ?? 0)));
      expect({ input: shown("gen_ai.usage.input_tokens"), output: shown("gen_ai.usage.output_tokens") }).toEqual(
        tokens,
      );
    });

    test("runs end as they did", async () => {
      const { spans, points } = await replayed;
      const runs = spans
        .filter(({ name }) => name === "invoke_agent hermes")
        .sort((a, b) => (a.startNs < b.startNs ? -1 : 1));
      const told = runs.map(({ attributes }) => [
        attributes["hookspan.run.outcome"],
        attributes["hookspan.run.trigger"],
      ]);
      expect(told).toEqual(truth.runs.map((text) => [runOutcome(text), runTrigger(text)]));
      expect(sum(values({ points }, "hookspan.run.count"))).toBe(truth.runs.length);
    });

    test("tool calls end as they did, each once", async () => {
      const { spans, points } = await replayed;
      const tools = spans.filter(({ name }) => name.startsWith("execute_tool "));
      const shown = tools.flatMap(({ attributes }) => {
        const id = attributes["gen_ai.tool.call.id"];
        return typeof id === "string" ? [[id, attributes["hookspan.tool.outcome"]]] : [];
      });
      const seen = calledTools(path);
      const told = Object.entries(truth.tool_outcomes);
      const expected = told.filter(([id]) => seen.has(id)).map(([id, text]) => [id, toolOutcome(text)]);
      expect(shown.sort(byId)).toEqual(expected.sort(byId));
      expect(expected.length < told.length).toBe(folder in UNSEEN);
      // Calls inside of a script have no id.
      expect(tools.length - shown.length).toBe(folder === "execute-code" ? 2 : 0);
      const durations = [...points.values()].filter(({ metric }) => metric === "gen_ai.execute_tool.duration");
      expect(sum(durations.map(({ value }) => (typeof value === "number" ? 0 : value.count)))).toBe(tools.length);
    });

    test("subagents end as they did, below the call that launched them", async () => {
      const { spans, points } = await replayed;
      const subagents = spans.filter(({ name }) => name === "invoke_agent leaf");
      const outcomes = Object.values(truth.subagents ?? {}).map((text) => (text === "completed" ? "success" : text));
      expect(subagents.map(({ attributes }) => attributes["hookspan.run.outcome"])).toEqual(outcomes);
      expect(sum(values({ points }, "hookspan.subagent.count"))).toBe(outcomes.length);
      const calls = spans.filter(({ name }) => name === "execute_tool delegate_task");
      const launchers = new Set(calls.map(({ spanId }) => spanId));
      expect(subagents.filter(({ parentSpanId }) => !launchers.has(parentSpanId ?? ""))).toEqual([]);
    });
  });
});

/** A model of which no table knows the price: every token is counted there as well. */
function countedTokens({ points }: Pick<Replayed, "points">): Tokens {
  const of = (...kinds: string[]): number =>
    sum(kinds.flatMap((kind) => values({ points }, "hookspan.token.usage", { "hookspan.token.kind": kind })));
  const tokens = { input: of("input", "cache_read", "cache_write"), output: of("output", "reasoning") };
  expect(sum(values({ points }, "hookspan.unpriced.token.usage"))).toBe(tokens.input + tokens.output);
  return tokens;
}

function values({ points }: Pick<Replayed, "points">, metric: string, having: Record<string, string> = {}): number[] {
  return [...points.values()].flatMap(({ metric: name, attributes, value }) => {
    const has = Object.entries(having).every(([key, one]) => attributes[key] === one);
    return name === metric && has && typeof value === "number" ? [value] : [];
  });
}

function runOutcome(text: string): string {
  if (text.includes("completed")) return "success";
  return text.startsWith("failed") ? "error" : text;
}

function runTrigger(text: string): string {
  if (text.startsWith("background review")) return "review";
  return text.includes("started by the result of the subagent") ? "task" : "user";
}

function toolOutcome(text: string): string {
  if (text.startsWith("ok")) return "success";
  if (text.startsWith("not run: approval")) return "denied";
  if (text.startsWith("not run:")) return "blocked";
  return text.startsWith("cancelled") || text.startsWith("interrupted") ? "cancelled" : "error";
}

function byId(a: unknown[], b: unknown[]): number {
  return String(a[0]) < String(b[0]) ? -1 : 1;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
