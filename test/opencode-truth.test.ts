// OpenCode's recorded sessions, held against the client's own events: its parts hold the tokens, the cost and every call's end.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";
import * as z from "zod";

import { DELIVERIES, replayRecording, type Replayed } from "./support/recorded-session.ts";
import { recordedSessions } from "./support/recordings.ts";

const tokens = z.object({
  total: z.number(),
  input: z.number(),
  output: z.number(),
  reasoning: z.number(),
  cache: z.object({ read: z.number(), write: z.number() }),
});
const part = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("step-finish"), id: z.string(), tokens, cost: z.number() }),
  z.looseObject({
    type: z.literal("tool"),
    callID: z.string(),
    tool: z.string(),
    state: z.looseObject({ status: z.string(), metadata: z.looseObject({ exit: z.number().optional() }).optional() }),
  }),
]);
const partUpdated = z.looseObject({
  event: z.literal("event:message.part.updated"),
  data: z.looseObject({ part }),
});
const sessionInfo = z.looseObject({
  event: z.literal("event:session.updated"),
  data: z.looseObject({ info: z.looseObject({ id: z.string(), tokens: tokens.omit({ total: true }) }) }),
});

describe.each(recordedSessions("opencode"))("$folder", ({ path }) => {
  describe.each(DELIVERIES)("delivered %s", (delivery) => {
    const replayed = replayRecording(path, delivery);
    const { steps, calls, sessions } = truthOf(path);

    test("tokens and cost are those of the steps, each once; the kinds are disjoint and add up", async () => {
      const { spans, points } = await replayed;
      const of = (kind: string): number =>
        sum(values({ points }, "hookspan.token.usage", { "hookspan.token.kind": kind }));
      const counted = { input: of("input"), output: of("output"), reasoning: of("reasoning") };
      const cache = { read: of("cache_read"), write: of("cache_write") };
      const total = counted.input + counted.output + counted.reasoning + cache.read + cache.write;
      expect({ ...counted, cache, total }).toEqual(totalOf(steps.map((one) => one.tokens)));
      const usd = sum(steps.map(({ cost }) => cost));
      const reported = { "hookspan.cost.source": "reported" };
      expect(sum(values({ points }, "hookspan.cost", reported))).toBeCloseTo(usd, 9);
      expect(sum(values({ points }, "hookspan.cost"))).toBeCloseTo(usd, 9);
      expect(values({ points }, "hookspan.unpriced.token.usage")).toEqual([]);
      expect(spans.filter(({ name }) => name.startsWith("chat "))).toHaveLength(steps.length);
    });

    test("tool calls end as they did, each once", async () => {
      const { spans, points } = await replayed;
      const shown = spans.flatMap(({ attributes }) => {
        const id = attributes["gen_ai.tool.call.id"];
        return typeof id === "string" ? [[id, attributes["hookspan.tool.outcome"]]] : [];
      });
      expect(Object.fromEntries(shown)).toEqual(calls);
      expect(shown).toHaveLength(Object.keys(calls).length);
      const durations = [...points.values()].filter(({ metric }) => metric === "gen_ai.execute_tool.duration");
      expect(sum(durations.map(({ value }) => (typeof value === "number" ? 0 : value.count)))).toBe(shown.length);
    });

    test("a session with a parent is a subagent, below the call that launched it", async () => {
      const { spans, points } = await replayed;
      expect(spans.filter(({ name }) => name === "session opencode")).toHaveLength(1);
      expect(sum(values({ points }, "hookspan.subagent.count"))).toBe(sessions - 1);
      const task = spans.find(({ name }) => name === "execute_tool task");
      const subagents = spans.filter(({ name }) => name === "invoke_agent general");
      expect(subagents.map(({ parentSpanId }) => parentSpanId)).toEqual(task === undefined ? [] : [task.spanId]);
    });
  });
});

function truthOf(path: string) {
  const lines = readFileSync(join(path, "events.jsonl"), "utf8").trimEnd().split("\n");
  const events = lines.map((line): unknown => JSON.parse(line));
  const steps = new Map<string, { tokens: z.infer<typeof tokens>; cost: number }>();
  const calls: Record<string, string> = {};
  for (const event of events) {
    const one = partUpdated.safeParse(event).data?.data.part;
    if (one?.type === "step-finish") steps.set(one.id, one);
    if (one?.type !== "tool") continue;
    const { status, metadata } = one.state;
    if (status === "error" || status === "completed") {
      const isSuccess = status === "completed" && (metadata?.exit ?? 0) === 0 && one.tool !== "invalid";
      calls[one.callID] = isSuccess ? "success" : "error";
    }
  }
  const sessions = new Set(events.map((event) => sessionInfo.safeParse(event).data?.data.info.id));
  sessions.delete(undefined);
  return { steps: [...steps.values()], calls, sessions: sessions.size };
}

function totalOf(all: readonly z.infer<typeof tokens>[]): z.infer<typeof tokens> {
  return {
    total: sum(all.map(({ total }) => total)),
    input: sum(all.map(({ input }) => input)),
    output: sum(all.map(({ output }) => output)),
    reasoning: sum(all.map(({ reasoning }) => reasoning)),
    cache: { read: sum(all.map(({ cache }) => cache.read)), write: sum(all.map(({ cache }) => cache.write)) },
  };
}

function values({ points }: Pick<Replayed, "points">, metric: string, having: Record<string, string> = {}): number[] {
  return [...points.values()].flatMap(({ metric: name, attributes, value }) => {
    const has = Object.entries(having).every(([key, one]) => attributes[key] === one);
    return name === metric && has && typeof value === "number" ? [value] : [];
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
