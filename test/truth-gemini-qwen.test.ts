// Spans and totals of every recorded session of Gemini CLI and Qwen Code, held against the chat files' own tokens, the clients'
// own totals at the end of their output, and what the scenarios made of each tool call.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";
import * as z from "zod";

import type { Attributes } from "../src/trace/record.ts";
import { DELIVERIES, replayRecording, type Replayed } from "./support/recorded-session.ts";
import { recordedSessions } from "./support/recordings.ts";

type Tokens = { input: number; cache_read: number; output: number; reasoning: number };

const NONE: Tokens = { input: 0, cache_read: 0, output: 0, reasoning: 0 };

const geminiMessage = z.looseObject({
  id: z.string(),
  type: z.literal("gemini"),
  tokens: z.looseObject({
    input: z.number(),
    output: z.number(),
    cached: z.number(),
    thoughts: z.number(),
    total: z.number(),
  }),
});
const qwenResponse = z.looseObject({
  systemPayload: z.looseObject({
    uiEvent: z.looseObject({
      "event.name": z.literal("qwen-code.api_response"),
      response_id: z.string(),
      input_token_count: z.number(),
      output_token_count: z.number(),
      cached_content_token_count: z.number(),
      thoughts_token_count: z.number(),
    }),
  }),
});
const geminiResult = z.looseObject({ stats: z.looseObject({ total_tokens: z.number(), cached: z.number() }) });
const qwenResult = z.looseObject({
  usage: z.looseObject({
    cache_read_input_tokens: z.number(),
    total_tokens: z.number(),
  }),
});

/** What the scenarios' scripted calls were, and how each went: tool, outcome, error type, exit code. */
const CALLS: Record<string, Record<string, unknown[][]>> = {
  "gemini-cli": {
    "api-error": [],
    "failing-tools": [
      ["no_such_tool", "error", "unknown_tool"],
      ["read_file", "error", "file_not_found"],
      ["run_shell_command", "error", "command_failed", 3],
    ],
    "one-shell": [["run_shell_command", "success"]],
    "parallel-tools": [
      ["read_file", "success"],
      ["run_shell_command", "success"],
      ["run_shell_command", "success"],
    ],
    "text-only": [],
  },
  "qwen-code": {
    "failing-tools": [
      ["no_such_tool", "error", "unknown_tool"],
      ["read_file", "error", "tool_error"],
      ["run_shell_command", "error", "command_failed", 3],
    ],
    "one-shell": [["run_shell_command", "success", 0]],
    "parallel-tools": [
      ["read_file", "success"],
      ["run_shell_command", "success", 0],
      ["run_shell_command", "success", 0],
    ],
    "text-only": [],
  },
};

/** How the one run of each went; Gemini CLI says nothing of a failed model call. */
const OUTCOMES: Record<string, string> = { "api-error": "abandoned" };

describe.each([...recordedSessions("gemini-cli"), ...recordedSessions("qwen-code")])(
  "$agent $folder",
  ({ agent, folder, path }) => {
    describe.each(DELIVERIES)("delivered %s", (delivery) => {
      const replayed = replayRecording(path, delivery);

      test("tokens are those of the chat file, each message once, of kinds that add up", async () => {
        const told = agent === "gemini-cli" ? geminiTokens(path) : qwenTokens(path);
        const { tokens } = told;
        expect(countedTokens(await replayed)).toEqual(tokens);
        expect(tokens.input + tokens.cache_read + tokens.output + tokens.reasoning).toBe(told.total);
      });

      test("and they are the client's own totals", async () => {
        const { input, cache_read: cached, output, reasoning } = countedTokens(await replayed);
        expect([input + cached + output + reasoning, cached]).toEqual(clientTotals(agent, path));
      });

      test("spans of model calls say the same", async () => {
        const { spans } = await replayed;
        const calls = spans.filter(({ name }) => name.startsWith("chat "));
        const sumOf = (key: string): number => sum(calls.map(({ attributes }) => Number(attributes[key] ?? 0)));
        const { input, cache_read: cached, output, reasoning } = countedTokens(await replayed);
        expect(sumOf("gen_ai.usage.input_tokens")).toBe(input + cached);
        expect(sumOf("gen_ai.usage.output_tokens")).toBe(output + reasoning);
        expect(sumOf("gen_ai.usage.cache_read.input_tokens")).toBe(cached);
        expect(sumOf("hookspan.cost.usd")).toBeCloseTo(counter(await replayed, "hookspan.cost"), 9);
      });

      test("cost is that of the shipped table, where it has the model", async () => {
        const { input, cache_read: cached, output, reasoning } = countedTokens(await replayed);
        // gemini-2.5-pro, up to 200,000 tokens; the scripted model of Qwen Code has no price.
        const usd = agent === "gemini-cli" ? (input * 1.25 + cached * 0.125 + (output + reasoning) * 10) / 1e6 : 0;
        expect(counter(await replayed, "hookspan.cost")).toBeCloseTo(usd, 9);
      });

      test("each tool call has one span, with the outcome that it had", async () => {
        const { spans } = await replayed;
        const shown = spans
          .filter(({ name }) => name.startsWith("execute_tool "))
          .map(({ attributes: one }) =>
            ["gen_ai.tool.name", "hookspan.tool.outcome", "error.type", "process.exit.code"].flatMap(
              (key) => one[key] ?? [],
            ),
          );
        expect(shown.sort((a, b) => (String(a) < String(b) ? -1 : 1))).toEqual(CALLS[agent]?.[folder]);
      });

      test("there is one session with one run", async () => {
        const runs = numbers(await replayed, "hookspan.run.count");
        expect(runs.map(({ attributes, value }) => [attributes["hookspan.run.outcome"], value])).toEqual([
          [OUTCOMES[folder] ?? "success", 1],
        ]);
        expect(counter(await replayed, "hookspan.session.count")).toBe(1);
        expect(counter(await replayed, "hookspan.compaction.count")).toBe(0);
      });
    });
  },
);

/** A message comes again with its tool calls: the last line of each counts. Thoughts are beside the output. */
function geminiTokens(path: string): { tokens: Tokens; total: number } {
  const messages = new Map(
    chatLines(path)
      .flatMap((line) => geminiMessage.safeParse(line).data ?? [])
      .map(({ id, tokens }) => [id, tokens]),
  );
  const all = [...messages.values()];
  return {
    tokens: {
      input: sum(all.map(({ input, cached }) => input - cached)),
      cache_read: sum(all.map(({ cached }) => cached)),
      output: sum(all.map(({ output }) => output)),
      reasoning: sum(all.map(({ thoughts }) => thoughts)),
    },
    total: sum(all.map(({ total }) => total)),
  };
}

/** Of every response that the client got, also those without a message. Thoughts are part of the output. */
function qwenTokens(path: string): { tokens: Tokens; total: number } {
  const responses = new Map(
    chatLines(path)
      .flatMap((line) => qwenResponse.safeParse(line).data?.systemPayload.uiEvent ?? [])
      .map((one) => [one.response_id, one]),
  );
  const all = [...responses.values()];
  return {
    tokens: {
      input: sum(all.map((one) => one.input_token_count - one.cached_content_token_count)),
      cache_read: sum(all.map((one) => one.cached_content_token_count)),
      output: sum(all.map((one) => one.output_token_count - one.thoughts_token_count)),
      reasoning: sum(all.map((one) => one.thoughts_token_count)),
    },
    total: sum(all.map((one) => one.input_token_count + one.output_token_count)),
  };
}

/** What the client prints at its end: all tokens, and those of them that were cached. */
function clientTotals(agent: string, path: string): number[] {
  const last: unknown = linesOf(join(path, "stream0.jsonl")).at(-1);
  if (agent === "gemini-cli") {
    const { stats } = geminiResult.parse(last);
    return [stats.total_tokens, stats.cached];
  }
  const { usage } = qwenResult.parse(last);
  return [usage.total_tokens, usage.cache_read_input_tokens];
}

function chatLines(path: string): unknown[] {
  return readdirSync(path)
    .filter((name) => name.startsWith("chat-"))
    .flatMap((name) => linesOf(join(path, name)));
}

function linesOf(file: string): unknown[] {
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
}

function countedTokens(replayed: Points): Tokens {
  const kinds = numbers(replayed, "hookspan.token.usage").map(({ attributes, value }) => [
    String(attributes["hookspan.token.kind"]),
    value,
  ]);
  return { ...NONE, ...Object.fromEntries(kinds) };
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
