/** What a recording's own files say happened: the scripted model's answers, the client's books, the hooks' payloads. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

/** Where the recordings of Claude Code lie, and what their folders are called. */
export const RECORDINGS = join(import.meta.dirname, "..", "recordings", "claude-code");
export const FOLDERS = readdirSync(RECORDINGS, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** Tokens by `<model> <kind>`; kinds are input, cache_read, cache_write and output (reasoning included). */
export type Tokens = Record<string, number>;

/** One hook call: what the agent wrote on its standard input. */
export type Payload = z.infer<typeof payload>;

/** A call that hooks or transcript tell of, and what they say of its end. */
export type CallFacts = {
  pre: number;
  end?: "success" | "interrupted" | "failure";
  batch?: string;
  denial?: string;
};

const usage = z.looseObject({
  input_tokens: z.number(),
  cache_creation: z.record(z.string(), z.number()),
  cache_read_input_tokens: z.number(),
  output_tokens: z.number(),
});
const script = z.looseObject({
  script: z.looseObject({
    threads: z.record(z.string(), z.array(z.looseObject({ usage: usage.optional() }))),
  }),
});
const request = z.looseObject({
  kind: z.string(),
  thread: z.string().optional(),
  turn: z.number().optional(),
  model: z.string().optional(),
});
const modelUsage = z.looseObject({
  inputTokens: z.number(),
  cacheReadInputTokens: z.number(),
  cacheCreationInputTokens: z.number(),
  outputTokens: z.number(),
});
const costState = z.looseObject({
  type: z.literal("cost-state"),
  startTime: z.number(),
  totalCostUSD: z.number(),
  modelUsage: z.record(z.string(), modelUsage),
});
const payload = z.looseObject({
  session_id: z.string(),
  hook_event_name: z.string(),
  agent_id: z.string().optional(),
  tool_use_id: z.string().optional(),
  tool_response: z.unknown().optional(),
  tool_calls: z.array(z.looseObject({ tool_use_id: z.string(), tool_response: z.unknown().optional() })).optional(),
});
const hookLine = z.looseObject({ stdin: z.union([z.string(), z.record(z.string(), z.unknown())]) });
const deniedLine = z.looseObject({
  toolDenialKind: z.string(),
  message: z.looseObject({ content: z.array(z.looseObject({ tool_use_id: z.string().optional() })) }),
});

/** What the scripted model answered. A turn beyond the list repeats the last; an error has no usage. */
export function servedTokens(folder: string): Tokens {
  const { threads } = script.parse(
    JSON.parse(readFileSync(join(RECORDINGS, folder, "mock-script.json"), "utf8")),
  ).script;
  const tokens: Tokens = {};
  for (const line of linesOf(join(RECORDINGS, folder, "api-requests.jsonl"))) {
    const { kind, thread = "", turn = 0, model = "" } = request.parse(line);
    const turns = threads[thread] ?? [];
    const served = kind === "messages" ? (turns[turn] ?? turns.at(-1))?.usage : undefined;
    if (served === undefined) continue;
    addTo(tokens, model, {
      input: served.input_tokens,
      cache_read: served.cache_read_input_tokens,
      cache_write: sum(Object.values(served.cache_creation)),
      output: served.output_tokens,
    });
  }
  return tokens;
}

/** The client's own books: cumulative over all processes with the same start time, of which the last word counts. */
export function bookedTokens(folder: string): { tokens: Tokens; usd: number } {
  const last = new Map<number, z.infer<typeof costState>>();
  for (const line of transcriptLines(folder)) {
    const state = costState.safeParse(line).data;
    if (state !== undefined && state.totalCostUSD >= (last.get(state.startTime)?.totalCostUSD ?? 0)) {
      last.set(state.startTime, state);
    }
  }
  const tokens: Tokens = {};
  for (const state of last.values()) {
    for (const [model, one] of Object.entries(state.modelUsage)) {
      addTo(tokens, model, {
        input: one.inputTokens,
        cache_read: one.cacheReadInputTokens,
        cache_write: one.cacheCreationInputTokens,
        output: one.outputTokens,
      });
    }
  }
  return { tokens, usd: sum([...last.values()].map(({ totalCostUSD }) => totalCostUSD)) };
}

/** The payloads of all hooks, in the order of their calls. */
export function payloadsOf(folder: string): Payload[] {
  return linesOf(join(RECORDINGS, folder, "hooks.jsonl")).map((line) => {
    const { stdin } = hookLine.parse(line);
    return payload.parse(typeof stdin === "string" ? JSON.parse(stdin) : stdin);
  });
}

/** Every line of every transcript, parsed. */
export function transcriptLines(folder: string): unknown[] {
  const root = join(RECORDINGS, folder, "transcripts");
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".jsonl"))
    .flatMap((name) => linesOf(join(root, name)));
}

/** What is told of each tool call, by its id. */
export function callsOf(folder: string): Map<string, CallFacts> {
  const calls = new Map<string, CallFacts>();
  const note = (id: string, fact: Partial<CallFacts>): void =>
    void calls.set(id, { pre: 0, ...calls.get(id), ...fact });
  for (const { hook_event_name: event, tool_use_id: id, tool_response: response, tool_calls: batch } of payloadsOf(
    folder,
  )) {
    for (const call of batch ?? []) note(call.tool_use_id, { batch: JSON.stringify(call.tool_response) });
    if (id === undefined) continue;
    if (event === "PreToolUse") note(id, { pre: (calls.get(id)?.pre ?? 0) + 1 });
    if (event === "PostToolUse") note(id, { end: isInterrupted(response) ? "interrupted" : "success" });
    if (event === "PostToolUseFailure") note(id, { end: "failure" });
  }
  for (const line of transcriptLines(folder)) {
    const denied = deniedLine.safeParse(line).data;
    for (const { tool_use_id: id } of denied?.message.content ?? []) {
      if (id !== undefined && denied !== undefined) note(id, { denial: denied.toolDenialKind });
    }
  }
  return calls;
}

function isInterrupted(response: unknown): boolean {
  return (
    typeof response === "object" && response !== null && "interrupted" in response && response.interrupted === true
  );
}

function linesOf(file: string): unknown[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
}

function addTo(tokens: Tokens, model: string, kinds: Record<string, number>): void {
  for (const [kind, count] of Object.entries(kinds)) {
    if (count > 0) tokens[`${model} ${kind}`] = (tokens[`${model} ${kind}`] ?? 0) + count;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, one) => total + one, 0);
}
