// The demo as a new user runs it: the built program, the real hook script, the real bridge.
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { loadRecording } from "../../src/view/load-recording.ts";

const PROGRAM = join(import.meta.dirname, "../../dist/hookspan.cjs");
const RECORDING = join(import.meta.dirname, "../../src/view/recording");

const usage = z.looseObject({
  input_tokens: z.number(),
  output_tokens: z.number(),
  cache_read_input_tokens: z.number(),
  cache_creation_input_tokens: z.number(),
});
const assistantLine = z.looseObject({
  type: z.literal("assistant"),
  message: z.looseObject({ id: z.string(), usage }),
});
const costLine = z.looseObject({ type: z.literal("cost-state"), totalCostUSD: z.number() });
const node = z.looseObject({
  name: z.string(),
  shown_before: z.boolean().optional(),
  input_tokens: z.number().optional(),
  get children() {
    return z.array(node);
  },
});
const treeLine = z.looseObject({ type: z.enum(["run", "late", "session"]), spans: z.array(node) });
const totalsLine = z.looseObject({
  type: z.literal("totals"),
  tokens: z.array(z.record(z.string(), z.union([z.string(), z.number()]))),
  cost_usd: z.record(z.string(), z.number()),
  runs: z.record(z.string(), z.number()),
  sessions: z.number(),
  subagents: z.number(),
});

let temporary = "";

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), "hookspan-test-"));
});

afterEach(() => {
  rmSync(temporary, { recursive: true, force: true });
});

test("as JSON: the trees, tokens and cost of the recorded session", { timeout: 60_000 }, async () => {
  const lines = (await demo("--json"))
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  const trees = lines.flatMap((line) => treeLine.safeParse(line).data ?? []);
  const totals = totalsLine.parse(lines.at(-1));
  const { tokens, usd } = truth();

  const model = "claude-opus-5-5";
  expect(totals.tokens).toEqual([{ model, ...tokens }]);
  expect(sum(Object.values(totals.cost_usd))).toBeCloseTo(usd, 9);
  expect(totals).toMatchObject({ runs: { success: 2 }, sessions: 1, subagents: 4 });

  const pairs = trees
    .flatMap((tree) => tree.spans.flatMap(pairsBelow))
    .filter((pair) => !pair.includes("execute_hook"));
  expect(countEach(pairs)).toEqual({
    [`invoke_agent claude-code > chat ${model}`]: 5,
    "invoke_agent claude-code > execute_tool Agent": 4,
    "execute_tool Agent > invoke_agent general-purpose": 3,
    "execute_tool Agent > invoke_agent Explore": 1,
    [`invoke_agent general-purpose > chat ${model}`]: 6,
    "invoke_agent general-purpose > execute_tool Bash": 2,
    "invoke_agent general-purpose > execute_tool Read": 1,
    [`invoke_agent Explore > chat ${model}`]: 3,
    "invoke_agent Explore > execute_tool Bash": 1,
    "invoke_agent Explore > execute_tool Read": 1,
  });
  const read = trees.flatMap((tree) => tree.spans.flatMap(chatsBelow)).map((chat) => chat.input_tokens ?? 0);
  expect(sum(read)).toBe(tokens.input + tokens.cache_read + tokens.cache_write);
  expect(readdirSync(temporary)).toEqual([]);
});

test("as text: run trees, totals, how to go on, and no contents", { timeout: 60_000 }, async () => {
  const text = await demo();
  expect(text).toMatch(/^run · session 8ca4fbb7 +time +in +cached +out +cost +outcome$/m);
  expect(text).toMatch(/^invoke_agent claude-code .* success$/m);
  expect(text).toMatch(/^.*└─ invoke_agent Explore /m);
  expect(text).toMatch(/^claude-opus-5-5 +66 +103,030 +43,205 +724 +0 +147,025$/m);
  expect(text).toMatch(/^cost \$0\.2514/m);
  expect(text).toMatch(/^runs 2 \(success\) · sessions 1 · subagents 4$/m);
  expect(text).toMatch(/^ {2}node .*hookspan\.cjs install +# finds your agents/m);
  expect(text).toMatch(/^ {2}node .*hookspan\.cjs tail +# /m);
  expect(text).not.toContain("Use helpers");
  expect(text.split("\n").filter((line) => line.includes("─") && Array.from(line).length > 100)).toEqual([]);
  expect(readdirSync(temporary)).toEqual([]);
});

test("is what docs/demo.svg shows, but for the times", { timeout: 60_000 }, async () => {
  const script: { pictured: (output: string) => string[]; drawn: (lines: string[]) => string } = await import(
    new URL("../../scripts/demo-svg.mjs", import.meta.url).href
  );
  const picture = readFileSync(join(import.meta.dirname, "../../docs/demo.svg"), "utf8");
  const now = script.drawn(script.pictured(await demo()));
  expect(timeless(picture)).toEqual(timeless(now));
  expect(timeless(now).join("")).toContain("invoke_agent claude-code");
});

/** The cells of a picture, without durations, and without where they begin, which depends on their width. */
function timeless(svg: string): string[] {
  const cells = [...svg.matchAll(/<tspan [^>]*>([^<]*)<\/tspan>/g)].map(([, text = ""]) => text);
  return cells.filter((cell) => !/^[\d.]+ m?s$/.test(cell));
}

/** Resolves only if the exit code is 0. */
async function demo(...args: string[]): Promise<string> {
  const env = { PATH: process.env["PATH"], HOME: temporary, TMPDIR: temporary };
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, "demo", ...args], {
    env,
  });
  return stdout;
}

/** What the client wrote down itself: usage once per message, in any transcript, and its own cost. */
function truth(): {
  tokens: { input: number; cache_read: number; cache_write: number; output: number };
  usd: number;
} {
  const lines = loadRecording(RECORDING).transcripts.flatMap((file) =>
    file.lines.map(({ text }): unknown => JSON.parse(text)),
  );
  const messages = new Map(
    lines
      .flatMap((line) => assistantLine.safeParse(line).data?.message ?? [])
      .map((message) => [message.id, message.usage]),
  );
  const all = [...messages.values()];
  return {
    tokens: {
      input: sum(all.map((one) => one.input_tokens)),
      cache_read: sum(all.map((one) => one.cache_read_input_tokens)),
      cache_write: sum(all.map((one) => one.cache_creation_input_tokens)),
      output: sum(all.map((one) => one.output_tokens)),
    },
    usd: sum(lines.flatMap((line) => costLine.safeParse(line).data?.totalCostUSD ?? [])),
  };
}

type Node = z.infer<typeof node>;

function pairsBelow(parent: Node): string[] {
  return parent.children.flatMap((child) => [`${parent.name} > ${child.name}`, ...pairsBelow(child)]);
}

function chatsBelow(parent: Node): Node[] {
  return [...(parent.name.startsWith("chat ") ? [parent] : []), ...parent.children.flatMap(chatsBelow)];
}

function countEach(words: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
