/** The Collector of a sequence: answers in the manner that it is told, and keeps the books of what it took. */

import { plain, type OtlpBody, type OtlpSpan } from "../support/otlp-json.ts";
import type { Answer, OtlpRecorder } from "../support/otlp-recorder.ts";
import { createSeriesWatch, type SeriesWatch } from "./series.ts";

/**
 * `poison`: 400 for a request that holds certain spans. `small`: 413 for more than two spans. `partial`: takes a request
 * and throws one item away. `forgetful`: takes it, and the connection breaks before the answer.
 */
export const MANNERS = [
  "up",
  "down",
  "poison",
  "unauthorized",
  "small",
  "busy",
  "broken",
  "silent",
  "dripping",
  "partial",
  "forgetful",
] as const;
export type Manner = (typeof MANNERS)[number];

type Taken = { traceId: string; what: string; text: string };

export type Receiver = {
  be(manner: Manner): void;
  /** What it took, by span id. */
  taken: ReadonlyMap<string, Taken>;
  /** Spans that it refused alone: they may never come again. */
  refused: ReadonlySet<string>;
  /** Of these the sender cannot know whether they were taken, so each may come once more. */
  mayRepeat(spanIds: Iterable<string>): void;
  series: SeriesWatch;
  /** What must not have happened. */
  faults: string[];
  /** How often a span came again, rightly. */
  repeats(): number;
};

export function createReceiver(recorder: OtlpRecorder): Receiver {
  let manner: Manner = "up";
  let repeats = 0;
  const taken = new Map<string, Taken>();
  const refused = new Set<string>();
  const repeatable = new Set<string>();
  const series = createSeriesWatch();
  const faults: string[] = [];

  recorder.answerWith(({ body }) => {
    try {
      const { answer, isTaken } = answerTo(body);
      if (isTaken) take(body);
      else series.miss(body);
      return answer;
    } catch (error) {
      faults.push(String(error));
      return { status: 500 };
    }
  });

  return {
    be: (next) => void (manner = next),
    taken,
    refused,
    mayRepeat(spanIds) {
      for (const id of spanIds) if (taken.has(id)) repeatable.add(id);
    },
    series,
    faults,
    repeats: () => repeats,
  };

  function answerTo(body: OtlpBody): { isTaken: boolean; answer: Answer } {
    const spans = spansOf(body);
    const taken200 = { isTaken: true, answer: { status: 200, body: '{"partialSuccess":{}}' } };
    switch (manner) {
      case "up":
        return taken200;
      case "partial":
        return { isTaken: true, answer: partialSuccess(spans.length > 0 ? "rejectedSpans" : "rejectedDataPoints") };
      case "dripping":
        return { isTaken: true, answer: { status: 200, manner: "drip" } };
      case "forgetful":
        return { isTaken: true, answer: { manner: "reset" } };
      case "poison":
        if (spans.length > 0 && !spans.some(isPoison)) return taken200;
        if (spans.length === 1) for (const { spanId } of spans) refused.add(spanId);
        return { isTaken: false, answer: { status: 400 } };
      case "small":
        return spans.length > 2 ? { isTaken: false, answer: { status: 413 } } : taken200;
      case "down":
        return { isTaken: false, answer: { manner: "reset" } };
      case "silent":
        return { isTaken: false, answer: { manner: "silence" } };
      case "unauthorized":
        return { isTaken: false, answer: { status: 401 } };
      case "busy":
        return { isTaken: false, answer: { status: 429, headers: { "retry-after": 1 } } };
      case "broken":
        return { isTaken: false, answer: { status: 500 } };
    }
  }

  function take(body: OtlpBody): void {
    for (const span of spansOf(body)) takeSpan(span);
    series.take(body);
  }

  function takeSpan(span: OtlpSpan): void {
    const text = JSON.stringify(span);
    const before = taken.get(span.spanId);
    if (before === undefined) {
      taken.set(span.spanId, { traceId: span.traceId, what: whatIs(span.name, plain(span.attributes)), text });
      return;
    }
    if (!repeatable.delete(span.spanId)) faults.push(`came again without a reason: ${before.what} ${span.spanId}`);
    if (before.text !== text) faults.push(`came again and differs: ${before.text} then ${text}`);
    repeats += 1;
  }
}

function partialSuccess(rejected: string): Answer {
  const body = JSON.stringify({ partialSuccess: { [rejected]: "1", errorMessage: "one too many" } });
  return { status: 200, headers: { "content-type": "application/json" }, body };
}

/** What a span stands for, in the words of the truth. */
export function whatIs(name: string, attributes: Record<string, unknown>): string {
  if (name.startsWith("execute_tool ")) return `tool ${String(attributes["gen_ai.tool.call.id"])}`;
  if (name.startsWith("chat ")) return `call ${String(attributes["gen_ai.response.id"])}`;
  if (name.startsWith("invoke_agent ")) return `run ${String(attributes["hookspan.run.id"])}`;
  if (name.startsWith("session ")) return `session ${String(attributes["session.id"])}`;
  return name;
}

function spansOf(body: OtlpBody): OtlpSpan[] {
  return (body.resourceSpans ?? []).flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}

/** A quarter of all spans. */
function isPoison({ spanId }: OtlpSpan): boolean {
  return /[0-3]$/.test(spanId);
}
