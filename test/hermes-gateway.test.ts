// The gateway tells of the same turns twice, by its shell hooks and by the frames of its gateway hooks: they count once.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";
import * as z from "zod";

import { createStage } from "./support/stage.ts";

const FOLDER = join(import.meta.dirname, "recordings", "hermes", "gateway");

const COUNTERS = [
  "hookspan.session.count",
  "hookspan.run.count",
  "hookspan.token.usage",
  "hookspan.unpriced.token.usage",
  "gen_ai.execute_tool.duration",
];

const FIRST = "20261121_021755_96cbbd28";
const SECOND = "20261121_021824_50556bc2";

type Told = { atNs: bigint; payload: string };

const hooks = read("hooks.jsonl", z.looseObject({ ts_ns: z.string(), stdin: z.unknown() }), ({ stdin }) => stdin);
const frames = read(
  "gateway-hooks.jsonl",
  z.looseObject({ ts_ns: z.string(), event_type: z.string(), context: z.unknown() }),
  ({ event_type, context }) => ({ event_type, context, src: "gateway" }),
);

test("with the frames beside the shell hooks: the same spans, but that a session begins with its first message", async () => {
  const alone = await folded(hooks);
  const both = await folded([...hooks, ...frames]);
  expect(both.counters).toEqual(alone.counters);
  expect(both.spans.filter((line) => !line.startsWith("session "))).toEqual(
    alone.spans.filter((line) => !line.startsWith("session ")),
  );
  expect(both.spans).toHaveLength(alone.spans.length);
  expect(alone.counters["hookspan.run.count"]).toBe(5);
});

test("by the frames alone: the sessions, and of their turns each that has a begin and an end, without an outcome", async () => {
  const { counters, spans } = await folded(frames);
  // The fifth was stopped by the user: Hermes tells no end of it.
  expect(counters).toEqual({ ...zeros(), "hookspan.session.count": 2, "hookspan.run.count": 4 });
  const rounded = spans.map((line) => line.replace(/\d+\.\d+/g, (seconds) => Number(seconds).toFixed(1)));
  expect(rounded.filter((line) => line.startsWith("invoke_agent"))).toEqual([
    `invoke_agent hermes 10.3..14.2 ${FIRST}`,
    `invoke_agent hermes 16.8..18.3 ${FIRST}`,
    `invoke_agent hermes 23.4..26.9 ${FIRST}`,
    `invoke_agent hermes 42.7..43.7 ${SECOND}`,
  ]);
  expect(spans).toHaveLength(6);
});

test("by the frames alone, in another order and told again: the same", async () => {
  const expected = await folded(frames);
  const twice = frames.toReversed().flatMap((frame) => [frame, frame]);
  for (const told of [frames.toReversed(), [...frames, ...frames], [...twice, ...frames]])
    expect(await arrived(told)).toEqual(expected);
});

test("shell hooks that arrive after all frames: as if each had come in its time", async () => {
  const expected = await folded([...hooks, ...frames]);
  expect(await arrived([...frames, ...hooks])).toEqual(expected);
  expect(await arrived([...frames.toReversed(), ...hooks, ...frames])).toEqual(expected);
});

test("frames that arrive after all shell hooks: no run more", async () => {
  const [alone, late] = [await folded(hooks), await arrived([...hooks, ...frames])];
  expect(late.counters).toEqual(alone.counters);
  expect(late.spans.filter(isInRun)).toEqual(alone.spans.filter(isInRun));
});

test("frames that were forwarded change nothing", async () => {
  const again = frames.map(({ atNs, payload }) => {
    const frame = z.looseObject({ context: z.looseObject({}) }).parse(JSON.parse(payload));
    const context = { ...frame.context, _forwarded: true, _forwarded_from: "gateway" };
    return { atNs: atNs + 1_000_000n, payload: JSON.stringify({ ...frame, context }) };
  });
  expect(await folded([...hooks, ...frames, ...again])).toEqual(await folded([...hooks, ...frames]));
});

function isInRun(line: string): boolean {
  return !line.startsWith("session ");
}

function folded(told: readonly Told[]): ReturnType<typeof arrived> {
  return arrived([...told].sort((a, b) => (a.atNs < b.atNs ? -1 : 1)));
}

/** In the order that is given, each at once when the time that it tells of is there. */
async function arrived(told: readonly Told[]): Promise<{ spans: string[]; counters: Record<string, number> }> {
  const { putBytes, step, sent } = await createStage();
  const startNs = hooks[0]?.atNs ?? 0n;
  let seconds = 0;
  for (const { atNs, payload } of told) {
    const toldSeconds = Number(atNs - startNs) / 1e9 + 10;
    seconds = Math.max(seconds, toldSeconds);
    putBytes(toldSeconds, Buffer.from(payload), { agent: "hermes" });
    step(seconds);
  }
  step(seconds + 700);
  step(seconds + 86_500);
  const all = await sent();
  const names = ["session.id", "hookspan.run.outcome", "hookspan.tool.outcome", "gen_ai.usage.input_tokens"];
  const counters = Object.fromEntries(COUNTERS.map((name) => [name, all.total(name)]));
  return { spans: all.lines(...names), counters };
}

function zeros(): Record<string, number> {
  return Object.fromEntries(COUNTERS.map((name) => [name, 0]));
}

function read<T extends { ts_ns: string }>(file: string, schema: z.ZodType<T>, payload: (line: T) => unknown): Told[] {
  return readFileSync(join(FOLDER, file), "utf8")
    .trim()
    .split("\n")
    .map((text) => schema.parse(JSON.parse(text)))
    .map((line) => ({ atNs: BigInt(line.ts_ns), payload: JSON.stringify(payload(line)) }));
}
