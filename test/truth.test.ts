// Spans and totals of every recorded session, held against what the scripted model served, what the client booked and what
// the hooks were told: sources that hookspan had no hand in.
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import type { HistogramValue } from "../src/metric/point.ts";
import type { Attributes } from "../src/trace/record.ts";
import { DELIVERIES, replayRecording, type Replayed } from "./support/recorded-session.ts";
import {
  bookedTokens,
  callsOf,
  FOLDERS,
  payloadsOf,
  RECORDINGS,
  servedTokens,
  type CallFacts,
  type Tokens,
} from "./support/recording-facts.ts";

type Exception = {
  why: string;
  /** Served, and not counted by us. */
  unseen?: Tokens;
  /** Served, and not booked by the client. */
  unbooked?: Tokens;
  /** The cost that we should have, where it is not the client's. */
  usd?: number;
};

const OPUS = "claude-opus-5-5";
const HAIKU = "claude-haiku-5-5";
const SONNET = "claude-sonnet-4-6";

/** Where served, booked and counted differ, to the token. Every other recording must agree in all three. */
const EXCEPTIONS: Record<string, Exception> = {
  "05-kill9-mid-tool": {
    why: "a killed process leaves no books; what it used is estimated from its transcript",
    unbooked: tokens(OPUS, { input: 8, cache_write: 17_000, output: 60 }),
    usd: 0.090484,
  },
  "07-api-errors": {
    why: "the client books a stream that was cut, with the output so far, and writes no line about it; its cost comes as reconciled",
    unseen: tokens(OPUS, { input: 8, cache_write: 17_000, output: 44 }),
    unbooked: tokens(OPUS, { output: 20 }),
  },
  "13-interactive": {
    why: "the request that makes a summary of the conversation is in no transcript; its cost comes as reconciled",
    unseen: tokens(HAIKU, { input: 900, cache_read: 18_000, output: 60 }),
  },
  "14-slow-stream": {
    why: "a process killed while its answer streams writes neither the answer nor its books",
    unseen: tokens(OPUS, { input: 11, cache_read: 12_000, cache_write: 4900, output: 777 }),
    unbooked: tokens(OPUS, { input: 11, cache_read: 12_000, cache_write: 4900, output: 777 }),
  },
  "16-compaction": {
    why: "two requests that make summaries are in no transcript; their cost comes as reconciled",
    unseen: tokens(OPUS, { input: 5000, cache_read: 228_000, output: 240 }),
  },
  "older-2.1.100-32-older-versions": {
    why: "this version keeps no books; the cost is that of the price list",
    unbooked: tokens(SONNET, { input: 41, cache_read: 100_284, cache_write: 25_553, output: 556 }),
    usd: 0.13437195,
  },
};

/** What the driver of each scenario did: sessions begun, prompts by how they went, subagents, compactions. */
const DONE: Record<
  string,
  { sessions: number; runs: Record<string, number>; subagents?: number; compactions?: number }
> = {
  "01-text-and-tools": { sessions: 1, runs: { "success user": 1 } },
  // The fourth helper works in the background: its end is a prompt that the client makes.
  "02-subagents": { sessions: 1, runs: { "success user": 1, "success task": 1 }, subagents: 4 },
  // A fork is a session of its own, a resumed one is not.
  "03-resume": { sessions: 2, runs: { "success user": 3 } },
  "04-sigint-mid-tool": { sessions: 1, runs: { "interrupted user": 1, "success user": 1 } },
  "05-kill9-mid-tool": { sessions: 1, runs: { "abandoned user": 1, "success user": 1 } },
  "07-api-errors": { sessions: 4, runs: { "success user": 2, "error user": 2 } },
  "08-permissions": { sessions: 1, runs: { "success user": 1 } },
  "11-hook-outcomes": { sessions: 1, runs: { "success user": 1 } },
  "12-native-otel": { sessions: 2, runs: { "success user": 2 }, subagents: 2 },
  "13-interactive": { sessions: 2, runs: { "success user": 2, "interrupted user": 2 }, compactions: 1 },
  "14-slow-stream": { sessions: 2, runs: { "success user": 1, "abandoned user": 1 } },
  "16-compaction": { sessions: 1, runs: { "success user": 2 }, compactions: 2 },
  "17-mcp": { sessions: 1, runs: { "success user": 1 } },
  "22-traceparent-without-telemetry": { sessions: 1, runs: { "success user": 1 } },
  "27-stream-json-input": { sessions: 1, runs: { "success user": 3, "interrupted user": 1 } },
  "older-2.1.100-32-older-versions": { sessions: 1, runs: { "success user": 1 }, subagents: 1 },
};

/** In these a killed process leaves one call of which nothing ever tells the end. */
const UNTOLD = new Set(["05-kill9-mid-tool", "14-slow-stream"]);

describe.each(FOLDERS)("%s", (folder) => {
  describe.each(DELIVERIES)("delivered %s", (delivery) => {
    const replayed = replayRecording(join(RECORDINGS, folder), delivery);
    const exception = EXCEPTIONS[folder];

    test("tokens are those that the model served and the client booked", async () => {
      const counted = countedTokens(await replayed);
      expect(plus(counted, exception?.unseen)).toEqual(servedTokens(folder));
      expect(plus(bookedTokens(folder).tokens, exception?.unbooked)).toEqual(servedTokens(folder));
    });

    test("cost over all its sources is what the client booked", async () => {
      const usd = counter(await replayed, "hookspan.cost");
      expect(Math.abs(usd - (exception?.usd ?? bookedTokens(folder).usd))).toBeLessThan(1e-9);
    });

    test("the spans of model calls and the histogram say the same as the counters", async () => {
      const { spans, points } = await replayed;
      const calls = spans.filter(({ name, error }) => name.startsWith("chat ") && error === undefined);
      const counted = Object.entries(countedTokens({ points }));
      for (const [type, kinds] of Object.entries({
        input: ["input", "cache_read", "cache_write"],
        output: ["output"],
      })) {
        const total = sum(counted.filter(([key]) => kinds.includes(key.split(" ")[1] ?? "")).map(([, count]) => count));
        const sizes = histograms({ points }, "gen_ai.client.token.usage", { "gen_ai.token.type": type });
        expect(sum(calls.map(({ attributes }) => Number(attributes[`gen_ai.usage.${type}_tokens`])))).toBe(total);
        expect(sum(sizes.map((one) => one.sum))).toBe(total);
        expect(sum(sizes.map((one) => one.count))).toBe(calls.length);
      }
    });

    test("runs, sessions, subagents and compactions are those of the driver", async () => {
      const { sessions, runs, subagents = 0, compactions = 0 } = DONE[folder] ?? { sessions: Number.NaN, runs: {} };
      const all = await replayed;
      const prompts = payloadsOf(folder).filter(({ hook_event_name: event }) => event === "UserPromptSubmit").length;
      const ids = new Set(payloadsOf(folder).map(({ session_id: id }) => id)).size;
      const begun = new Set(
        payloadsOf(folder).flatMap(({ hook_event_name: event, agent_id: id }) =>
          event === "SubagentStart" && id !== undefined ? [id] : [],
        ),
      );
      expect(runsCounted(all)).toEqual(runs);
      expect(sum(Object.values(runs))).toBe(prompts);
      expect([counter(all, "hookspan.session.count"), ids]).toEqual([sessions, sessions]);
      expect([counter(all, "hookspan.subagent.count"), begun.size]).toEqual([subagents, subagents]);
      expect(counter(all, "hookspan.compaction.count")).toBe(compactions);
      expect(sum(histograms(all, "gen_ai.invoke_agent.duration").map((one) => one.count))).toBe(prompts + subagents);
    });

    test("each tool call has one span, with an outcome that somebody told", async () => {
      const all = await replayed;
      const spans = all.spans.filter(({ name }) => name.startsWith("execute_tool "));
      const shown = spans.map(({ attributes }): [string, unknown] => [
        String(attributes["gen_ai.tool.call.id"]),
        attributes["hookspan.tool.outcome"],
      ]);
      const told = [...callsOf(folder)].map(([id, facts]): [string, unknown] => [id, outcomeOf(facts)]);
      expect(shown.sort(byId)).toEqual(told.sort(byId));
      expect(shown.filter(([, outcome]) => outcome === "unknown")).toHaveLength(UNTOLD.has(folder) ? 1 : 0);
      expect(sum(histograms(all, "gen_ai.execute_tool.duration").map((one) => one.count))).toBe(shown.length);
    });
  });
});

type Points = Pick<Replayed, "points">;

/** What the counter has, of each model and kind; reasoning is output too. */
function countedTokens(replayed: Points): Tokens {
  let counted: Tokens = {};
  for (const { attributes, value } of numbers(replayed, "hookspan.token.usage")) {
    const kind = String(attributes["hookspan.token.kind"]).replace("reasoning", "output");
    counted = plus(counted, tokens(String(attributes["gen_ai.request.model"]), { [kind]: value }));
  }
  return counted;
}

function runsCounted(replayed: Points): Record<string, number> {
  return Object.fromEntries(
    numbers(replayed, "hookspan.run.count").map(({ attributes, value }) => [
      `${String(attributes["hookspan.run.outcome"])} ${String(attributes["hookspan.run.trigger"])}`,
      value,
    ]),
  );
}

function counter(replayed: Points, metric: string): number {
  return sum(numbers(replayed, metric).map(({ value }) => value));
}

function numbers({ points }: Points, metric: string): { attributes: Attributes; value: number }[] {
  return [...points.values()].flatMap(({ metric: name, attributes, value }) =>
    name === metric && typeof value === "number" ? [{ attributes, value }] : [],
  );
}

/** The histograms of a metric (of all, where none is named), with these attributes. */
function histograms({ points }: Points, metric?: string, having: Attributes = {}): HistogramValue[] {
  return [...points.values()].flatMap((point) => {
    const fits = metric === undefined || point.metric === metric;
    const has = Object.entries(having).every(([name, value]) => point.attributes[name] === value);
    return fits && has && typeof point.value !== "number" ? [point.value] : [];
  });
}

/** The outcome that the agent's own words leave: its hooks first, else why a call was refused. */
function outcomeOf({ end, batch = "", denial }: CallFacts): string {
  if (end !== undefined) return { success: "success", interrupted: "cancelled", failure: "error" }[end];
  if (batch.startsWith('"PreToolUse:')) return "blocked";
  if (batch.startsWith('"<tool_use_error>')) return "error";
  // The model was told that nobody allowed it; after an interrupt it is told nothing before the next prompt.
  if (batch !== "") return "denied";
  if (denial === "user-rejected") return "cancelled";
  // "interrupted" is written when a dead session is taken up again, for want of a better word.
  return "unknown";
}

function tokens(model: string, kinds: Record<string, number>): Tokens {
  return Object.fromEntries(Object.entries(kinds).map(([kind, count]) => [`${model} ${kind}`, count]));
}

function plus(one: Tokens, other: Tokens = {}): Tokens {
  const result = { ...one };
  for (const [key, count] of Object.entries(other)) result[key] = (result[key] ?? 0) + count;
  return result;
}

function byId([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, one) => total + one, 0);
}
