/** What a recording of Hermes says happened: the scripted model's answers, the hooks' usage, and the truth of each scenario. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

/** Whole prompts and whole answers. */
export type Tokens = { input: number; output: number };

const usage = z.object({ prompt_tokens: z.number(), output_tokens: z.number() });
const served = z.looseObject({
  outcome: z.string(),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).nullish(),
});
const hook = z.looseObject({
  stdin: z.looseObject({
    hook_event_name: z.string(),
    tool_input: z.unknown(),
    extra: z.looseObject({
      usage: usage.nullish(),
      tool_call_id: z.string().optional(),
    }),
  }),
});
const truth = z.looseObject({
  runs: z.array(z.string()),
  tool_outcomes: z.record(z.string(), z.string()),
  subagents: z.record(z.string(), z.string()).optional(),
});

export function servedTokens(folder: string): Tokens {
  return total(
    linesOf(folder, "served.jsonl").map((line) => {
      const { usage: one, outcome } = served.parse(line);
      return outcome === "completed" && one ? { input: one.prompt_tokens, output: one.completion_tokens } : NONE;
    }),
  );
}

/** What the hooks told, and of how many calls. */
export function toldTokens(folder: string): { tokens: Tokens; calls: number } {
  const told = hooksOf(folder).filter(({ hook_event_name: event }) => event === "post_api_request");
  const tokens = told.map(({ extra }) =>
    extra.usage ? { input: extra.usage.prompt_tokens, output: extra.usage.output_tokens } : NONE,
  );
  return { tokens: total(tokens), calls: told.length };
}

export function truthOf(folder: string): z.infer<typeof truth> {
  return truth.parse(JSON.parse(readFileSync(join(folder, "truth.json"), "utf8")));
}

/** The calls of which a hook told, by id. */
export function calledTools(folder: string): Set<string> {
  return new Set(hooksOf(folder).flatMap(({ extra }) => (extra.tool_call_id ? [extra.tool_call_id] : [])));
}

const NONE: Tokens = { input: 0, output: 0 };

/** Of what really happened: the client's own tests of its hooks name no version. */
function hooksOf(folder: string): z.infer<typeof hook>["stdin"][] {
  const observed = z.looseObject({
    stdin: z.looseObject({ extra: z.looseObject({ telemetry_schema_version: z.string() }) }),
  });
  const lines = linesOf(folder, "hooks.jsonl").filter((line) => observed.safeParse(line).success);
  return lines.map((line) => hook.parse(line).stdin);
}

function linesOf(folder: string, name: string): unknown[] {
  return readFileSync(join(folder, name), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
}

function total(all: readonly Tokens[]): Tokens {
  return all.reduce((sum, { input, output }) => ({ input: sum.input + input, output: sum.output + output }), NONE);
}
