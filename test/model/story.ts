/**
 * What agents do, as Claude Code tells of it: hooks and transcript lines of the shapes in test/recordings. Each happening
 * carries the facts that it tells, so that the truth of a sequence is a plain count of what has happened.
 */

import * as fc from "fast-check";

export type Tokens = { input: number; cacheRead: number; cacheWrite: number; cacheWriteHour: number; output: number };

/** `grown`: the message is told of twice, the second time with so many more tokens of output. */
type Call = { model: string; tokens: Tokens; grown: number };
type Tool = { name: string; end: "success" | "failure" | "none" };
type Turn = { call: Call; tools: Tool[] };
/** `unsaid`: no line says that the run is over; `open`: not even a stop. */
type Run = { turns: Turn[]; end: "said" | "unsaid" | "open" };
export type Session = { runs: Run[]; ends: boolean; unseenUsd: number };

export type Fact =
  | { fact: "session"; id: string }
  | { fact: "run"; id: string }
  | { fact: "tool"; id: string; name: string }
  /** `tokens` are those that the call has by now: told again, they replace what was told before. */
  | { fact: "call"; id: string; model: string; tokens: Tokens }
  /** The client's own books say that it spent so much more than its transcript shows. */
  | { fact: "unseen cost"; usd: number };

/** A hook's payload, or lines, or both at once, without their times. */
export type Happening = { payload?: Record<string, unknown>; lines: Record<string, unknown>[]; facts: Fact[] };

const MODELS = ["claude-opus-5-5", "claude-sonnet-5-5", "some-model-of-nobody"];

const tokens = fc.record({
  input: fc.nat(50),
  cacheRead: fc.nat(20_000),
  cacheWrite: fc.nat(5000),
  cacheWriteHour: fc.nat(300),
  output: fc.integer({ min: 1, max: 900 }),
});
const call = fc.record({
  model: fc.constantFrom(...MODELS),
  tokens,
  grown: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 500 })),
});
const tool = fc.record({
  name: fc.constantFrom("Bash", "Read", "Edit"),
  end: fc.constantFrom("success", "success", "failure", "none"),
});
const turn = fc.record({ call, tools: fc.array(tool, { maxLength: 2 }) });
const run = fc.record({
  turns: fc.array(turn, { minLength: 1, maxLength: 2 }),
  end: fc.constantFrom("said", "said", "said", "unsaid", "open"),
});

export const anySession: fc.Arbitrary<Session> = fc.record({
  runs: fc.array(run, { minLength: 1, maxLength: 3 }),
  ends: fc.boolean(),
  unseenUsd: fc.constantFrom(0, 0, 0.25),
});

/** All that happens in a session, in order. `file` is its transcript. */
export function happeningsOf(session: Session, id: string, file: string): Happening[] {
  const hook = (name: string, fields: Record<string, unknown>, ...facts: Fact[]): Happening => ({
    payload: {
      session_id: id,
      transcript_path: file,
      cwd: "/home/user/project",
      permission_mode: "default",
      ...fields,
      hook_event_name: name,
    },
    lines: [],
    facts,
  });
  const line = (fields: Record<string, unknown>, ...facts: Fact[]): Happening => ({
    lines: [{ ...fields, sessionId: id, version: "2.1.329" }],
    facts,
  });
  const runs = session.runs.flatMap((one, i) => runOf(one, `${id}-run-${i}`, hook, line));
  const start = hook("SessionStart", { source: "startup", model: MODELS[0] }, { fact: "session", id });
  return [start, ...runs, ...(session.ends ? [endOf(session, hook)] : [])];
}

type Make = (name: string, fields: Record<string, unknown>, ...facts: Fact[]) => Happening;
type MakeLine = (fields: Record<string, unknown>, ...facts: Fact[]) => Happening;

function runOf({ turns, end }: Run, key: string, hook: Make, line: MakeLine): Happening[] {
  const inRun = { prompt_id: key };
  const stop = hook("Stop", { ...inRun, stop_hook_active: false, last_assistant_message: "Done." });
  const word = line({
    type: "system",
    subtype: "stop_hook_summary",
    hookCount: 0,
    hookInfos: [],
    hookErrors: [],
    preventedContinuation: false,
  });
  return [
    hook("UserPromptSubmit", { ...inRun, prompt: "Do it." }, { fact: "run", id: key }),
    line({ type: "user", promptId: key, message: { role: "user", content: "Do it." } }),
    ...turns.flatMap((one, i) => turnOf(one, `${key}-${i}`, inRun, hook, line)),
    ...(end === "open" ? [] : [stop]),
    ...(end === "said" ? [word] : []),
  ];
}

function turnOf(
  { call: called, tools }: Turn,
  key: string,
  inRun: Record<string, unknown>,
  hook: Make,
  line: MakeLine,
): Happening[] {
  const { model, tokens: first, grown } = called;
  const calls = tools.map((one, i) => ({ ...one, id: `toolu_${key}-${i}` }));
  const message = (usage: Tokens, content: unknown[]): Happening =>
    line(
      {
        type: "assistant",
        requestId: `req_${key}`,
        requestedModel: model,
        message: {
          id: `msg_${key}`,
          role: "assistant",
          model,
          content,
          stop_reason: "tool_use",
          usage: usageOf(usage),
        },
      },
      { fact: "call", id: `msg_${key}`, model, tokens: usage },
    );
  const told = message(first, [{ type: "text", text: "I will." }]);
  const again = message(
    { ...first, output: first.output + grown },
    calls.map(({ id, name }) => ({ type: "tool_use", id, name, input: {} })),
  );
  return [told, ...(grown > 0 || calls.length > 0 ? [again] : []), ...calls.flatMap((one) => toolOf(one, inRun, hook))];
}

function toolOf({ id, name, end }: Tool & { id: string }, inRun: Record<string, unknown>, hook: Make): Happening[] {
  const fields = { ...inRun, tool_name: name, tool_input: { of: id }, tool_use_id: id };
  const fact: Fact = { fact: "tool", id, name };
  const before = hook("PreToolUse", fields, fact);
  if (end === "none") return [before];
  if (end === "failure")
    return [before, hook("PostToolUseFailure", { ...fields, error: "Exit code 3", duration_ms: 12 }, fact)];
  return [before, hook("PostToolUse", { ...fields, tool_response: { stdout: "" }, duration_ms: 12 }, fact)];
}

/** The client writes its books as it leaves: both at once, for what comes later nobody waits for. */
function endOf({ runs, unseenUsd }: Session, hook: Make): Happening {
  const calls = runs.flatMap((one) => one.turns.map(({ call: called }) => called));
  const seenUsd = calls.reduce(
    (sum, { model, tokens: first, grown }) => sum + (usd(model, { ...first, output: first.output + grown }) ?? 0),
    0,
  );
  const end = hook("SessionEnd", { reason: "other" }, { fact: "unseen cost", usd: unseenUsd });
  const books = { type: "cost-state", totalCostUSD: seenUsd + unseenUsd, totalLinesAdded: 0, totalLinesRemoved: 0 };
  return { ...end, lines: [books] };
}

/** List prices per million tokens: input, read from cache, written to it for 5 minutes and for an hour, output. */
const PRICES: Record<string, [number, number, number, number, number]> = {
  "claude-opus-5-5": [4, 0.2, 5, 8, 20],
  "claude-sonnet-5-5": [2, 0.1, 2.5, 4, 10],
};

/** What a call costs; undefined where no list has its model. */
export function usd(model: string, one: Tokens): number | undefined {
  const price = PRICES[model];
  if (price === undefined) return undefined;
  const [input, read, write, hour, output] = price;
  const sum =
    one.input * input + one.cacheRead * read + one.cacheWrite * write + one.cacheWriteHour * hour + one.output * output;
  return sum / 1e6;
}

function usageOf(one: Tokens): Record<string, unknown> {
  return {
    input_tokens: one.input,
    cache_read_input_tokens: one.cacheRead,
    cache_creation_input_tokens: one.cacheWrite + one.cacheWriteHour,
    cache_creation: { ephemeral_5m_input_tokens: one.cacheWrite, ephemeral_1h_input_tokens: one.cacheWriteHour },
    output_tokens: one.output,
  };
}
