/** Events for tests of the core, and what folding them makes. */

import { captured } from "../../src/trace/content.ts";
import type { Policy } from "../../src/trace/draft.ts";
import { dueNs } from "../../src/trace/expire.ts";
import { fold } from "../../src/trace/fold.ts";
import type { Attributes, Increment, SpanRecord } from "../../src/trace/record.ts";
import type { Session } from "../../src/trace/session.ts";
import type { AgentEvent, EventBase, Usage } from "../../src/event/event.ts";

/** Seconds of a story begin here. */
const EPOCH_NS = 1_795_000_000_000_000_000n;

export const FILE = "/home/user/.claude/projects/p/s.jsonl";

export type Folded = {
  session: Session | undefined;
  spans: SpanRecord[];
  increments: Increment[];
  settled: string[];
  remarks: string[];
};

/** 1 USD a token: differences show. */
const policy: Policy = {
  price: ({ input, output }) => ({ usd: input + output, table: "test" }),
  capture: (kind, text) => captured("full", kind, text),
};

/** What every event says, `seconds` into the story. */
export function at(seconds: number, runKey?: string): EventBase {
  const atNs = EPOCH_NS + BigInt(Math.round(seconds * 1e9));
  return { agent: "claude-code", sessionId: "s", atNs, ...(runKey === undefined ? {} : { runKey }) };
}

export function foldAll(events: readonly AgentEvent[], session?: Session): Folded {
  const all: Folded = { session, spans: [], increments: [], settled: [], remarks: [] };
  for (const event of events) {
    const step = fold(all.session, event, policy);
    all.session = step.session;
    all.spans.push(...step.spans);
    all.increments.push(...step.increments);
    all.settled.push(...step.settled);
    all.remarks.push(...step.remarks);
  }
  return all;
}

/** The story, and then time until nothing more is due within a day and an hour. */
export function foldToEnd(events: readonly AgentEvent[]): Folded {
  const all = foldAll(events);
  const lastNs = events.reduce((max, { atNs }) => (atNs > max ? atNs : max), 0n) + 90_000_000_000_000n;
  for (;;) {
    const due = all.session && dueNs(all.session);
    if (due === undefined || due > lastNs) return all;
    const step = foldAll([{ ...at(0), atNs: due, kind: "time.passed" }], all.session);
    all.session = step.session;
    all.spans.push(...step.spans);
    all.increments.push(...step.increments);
    all.settled.push(...step.settled);
  }
}

/** Each span in a line: its name, begin and end in seconds, and the attributes that `names` asks for. */
export function lines({ spans }: Pick<Folded, "spans">, ...names: string[]): string[] {
  return spans.map(({ name, startNs, endNs, attributes }) => {
    const values = names.flatMap((key) => (attributes[key] === undefined ? [] : [String(attributes[key])]));
    return [name, `${secondsOf(startNs)}..${secondsOf(endNs)}`, ...values].join(" ");
  });
}

/** The sum of a counter's increments, or of a histogram's observations, by the values of `names`. */
export function total({ increments }: Pick<Folded, "increments">, metric: string, having: Attributes = {}): number {
  return increments
    .filter((one) => one.metric === metric)
    .filter(({ attributes }) => Object.entries(having).every(([name, value]) => attributes[name] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

export function usage(input: number, output: number): Usage {
  return { input, output, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: 0 };
}

/** A model call that ended `seconds` into the story and had begun one second before. */
export function called(
  seconds: number,
  messageId: string,
  fields: Partial<AgentEvent & { kind: "llm.called" }> = {},
): AgentEvent {
  return {
    ...at(seconds),
    kind: "llm.called",
    messageId,
    provider: "anthropic",
    requestModel: "claude-opus-5-5",
    responseModel: "claude-opus-5-5",
    startNs: at(seconds - 1).atNs,
    usage: usage(10, 1),
    file: FILE,
    ...fields,
  };
}

function secondsOf(ns: bigint): number {
  return Number(ns - EPOCH_NS) / 1e9;
}
