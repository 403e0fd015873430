// Spans and totals of every recorded session of Codex, held against what the scripted model served and what became of each
// tool call: sources that hookspan had no hand in.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";
import * as z from "zod";

import type { Attributes } from "../src/trace/record.ts";
import { DELIVERIES, replayRecording, type Replayed } from "./support/recorded-session.ts";
import { recordedInputs, recordedSessions } from "./support/recordings.ts";

const servedLine = z.looseObject({
  model: z.string(),
  usage: z
    .looseObject({
      input_tokens: z.number(),
      input_tokens_details: z.looseObject({ cached_tokens: z.number() }),
      output_tokens: z.number(),
      output_tokens_details: z.looseObject({ reasoning_tokens: z.number() }),
    })
    .nullable(),
});
const truth = z.looseObject({ tool_outcomes: z.record(z.string(), z.string()) });
const hook = z.looseObject({ hook_event_name: z.string(), session_id: z.string(), agent_id: z.string().optional() });

/** The words of `truth.json`, and ours for them: outcome, error type, exit code. */
const WORDS: Record<string, readonly unknown[]> = {
  ok: ["success"],
  "ok, in the child": ["success"],
  "exit 3": ["error", "command_failed", 3],
  "exit 127": ["error", "command_failed", 127],
  "failed, patch did not apply": ["error", "patch_failed"],
  "failed (isError)": ["error", "tool_error"],
  "blocked by a hook": ["blocked"],
  interrupted: ["cancelled"],
};

/** "rejected before running" covers two different things. */
const REJECTED: Record<string, readonly unknown[]> = {
  call_badargs: ["error", "invalid_input"],
  call_unknown: ["error", "unknown_tool"],
};

/** What the driver of each scenario did: runs by how they went, and what else there was. */
const DONE: Record<string, { runs: Record<string, number>; subagents?: number; compactions?: number; hooks?: number }> =
  {
    "api-error": { runs: { error: 1 } },
    "apply-patch": { runs: { success: 1 } },
    "auto-compact": { runs: { success: 1 }, compactions: 1 },
    "failing-command": { runs: { success: 1 } },
    // One hook blocked a call, another the first stop.
    "hook-outcomes": { runs: { success: 1 }, hooks: 2 },
    "misc-tools": { runs: { success: 1 } },
    "one-shell": { runs: { success: 1 } },
    "parallel-tools": { runs: { success: 1 } },
    resume: { runs: { success: 3 } },
    "sigint-mid-tool": { runs: { interrupted: 1 } },
    subagent: { runs: { success: 1 }, subagents: 1 },
    "text-only": { runs: { success: 1 } },
  };

describe.each(recordedSessions("codex"))("$folder", ({ folder, path }) => {
  describe.each(DELIVERIES)("delivered %s", (delivery) => {
    const replayed = replayRecording(path, delivery);

    test("tokens are those that the model served, of kinds that add up", async () => {
      expect(countedTokens(await replayed)).toEqual(servedTokens(path));
    });

    test("the spans of model calls, and the cost, say the same as the counters", async () => {
      const all = await replayed;
      const calls = all.spans.filter(({ name, error }) => name.startsWith("chat ") && error === undefined);
      const served = servedTokens(path);
      const sumOf = (key: string): number => sum(calls.map(({ attributes }) => Number(attributes[key] ?? 0)));
      expect(sumOf("gen_ai.usage.input_tokens")).toBe((served["input"] ?? 0) + (served["cache_read"] ?? 0));
      expect(sumOf("gen_ai.usage.output_tokens")).toBe((served["output"] ?? 0) + (served["reasoning"] ?? 0));
      expect(sumOf("hookspan.cost.usd")).toBeCloseTo(counter(all, "hookspan.cost"), 9);
      expect(counter(all, "hookspan.cost")).toBeCloseTo(costOf(served), 9);
    });

    test("each tool call has one span, with the outcome that it had", async () => {
      const { spans } = await replayed;
      const shown = spans
        .filter(({ name }) => name.startsWith("execute_tool "))
        .map(({ attributes: one }): [string, unknown[]] => [
          String(one["gen_ai.tool.call.id"]),
          [one["hookspan.tool.outcome"], one["error.type"], one["process.exit.code"] || undefined].filter(
            (value) => value !== undefined,
          ),
        ]);
      expect(new Set(shown.map(([id]) => id)).size).toBe(shown.length);
      expect(Object.fromEntries(shown)).toEqual(outcomesOf(path));
    });

    test("runs, sessions, subagents, compactions and hooks are those of the driver", async () => {
      const all = await replayed;
      const { runs, subagents = 0, compactions = 0, hooks = 0 } = DONE[folder] ?? { runs: {} };
      const counted = numbers(all, "hookspan.run.count").map(({ attributes, value }) => [
        String(attributes["hookspan.run.outcome"]),
        value,
      ]);
      expect(Object.fromEntries(counted)).toEqual(runs);
      const payloads = recordedInputs(path).payloads.map((one) => hook.parse(one));
      const prompts = payloads.filter(({ hook_event_name: event }) => event === "UserPromptSubmit").length;
      expect(sum(Object.values(runs))).toBe(prompts);
      expect(counter(all, "hookspan.session.count")).toBe(new Set(payloads.map(({ session_id: id }) => id)).size);
      expect(counter(all, "hookspan.subagent.count")).toBe(subagents);
      expect(counter(all, "hookspan.compaction.count")).toBe(compactions);
      expect(counter(all, "hookspan.hook.run.count")).toBe(hooks);
    });
  });
});

/** By kind; of what was read and written, cached and reasoning are parts. */
function servedTokens(path: string): Record<string, number> {
  const tokens: Record<string, number> = {};
  const add = (kind: string, count: number): void => {
    if (count > 0) tokens[kind] = (tokens[kind] ?? 0) + count;
  };
  for (const line of readFileSync(join(path, "served.jsonl"), "utf8").trim().split("\n")) {
    const { usage } = servedLine.parse(JSON.parse(line));
    if (usage === null) continue;
    const { cached_tokens: cached } = usage.input_tokens_details;
    const { reasoning_tokens: reasoning } = usage.output_tokens_details;
    add("input", usage.input_tokens - cached);
    add("cache_read", cached);
    add("output", usage.output_tokens - reasoning);
    add("reasoning", reasoning);
  }
  return tokens;
}

function countedTokens(replayed: Points): Record<string, number> {
  return Object.fromEntries(
    numbers(replayed, "hookspan.token.usage").map(({ attributes, value }) => [
      String(attributes["hookspan.token.kind"]),
      value,
    ]),
  );
}

/** Per million tokens of gpt-5.5, the one model that was served. */
function costOf({ input = 0, cache_read: cached = 0, output = 0, reasoning = 0 }: Record<string, number>): number {
  return (input * 5 + cached * 0.5 + (output + reasoning) * 30) / 1e6;
}

function outcomesOf(path: string): Record<string, readonly unknown[]> {
  const { tool_outcomes: told } = truth.parse(JSON.parse(readFileSync(join(path, "truth.json"), "utf8")));
  return Object.fromEntries(
    Object.entries(told).map(([id, word]) => [
      id,
      (word === "rejected before running" ? REJECTED[id] : WORDS[word]) ?? [`truth.json says "${word}"`],
    ]),
  );
}

type Points = Pick<Replayed, "points">;

function counter(replayed: Points, metric: string): number {
  return sum(numbers(replayed, metric).map(({ value }) => value));
}

function numbers({ points }: Points, metric: string): { attributes: Attributes; value: number }[] {
  return [...points.values()].flatMap(({ metric: name, attributes, value }) =>
    name === metric && typeof value === "number" ? [{ attributes, value }] : [],
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, one) => total + one, 0);
}
