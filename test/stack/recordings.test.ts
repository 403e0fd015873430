// Every recorded session, through the real hook script and the built program into the real Collector with the shipped
// configuration; what the Collector writes is what is looked at.

import { join } from "node:path";

import { describe, expect, test } from "vitest";

import type { SpanRecord } from "../../src/trace/record.ts";
import { loadRecording } from "../../src/view/load-recording.ts";
import type { ReceivedPoint, ReceivedSpan } from "../../src/view/otlp-json.ts";
import { startCollector } from "../support/collector.ts";
import { flushTo, replayThroughHook } from "../support/hook-replay.ts";
import { replayRecording } from "../support/recorded-session.ts";
import { bookedTokens, FOLDERS, RECORDINGS, type Tokens } from "../support/recording-facts.ts";
import { COLLECTOR, stackProgram } from "../support/stack-program.ts";
import { tempDirectory } from "../support/temp-state.ts";
import { transcriptTokens } from "../support/transcript-tokens.ts";

/** USD where the client left none, by hand from its tokens and the list prices. */
const COST: Record<string, number> = {
  // Its first process was killed before it wrote a total.
  "05-kill9-mid-tool": 0.090484,
  // The older client wrote none at all: claude-sonnet-4-6 at 3, 15, 0.3 and 3.75 USD for a million.
  "older-2.1.100-32-older-versions": 0.13437195,
};

const program = stackProgram(COLLECTOR);

describe.runIf(program !== undefined)("through the real Collector", () => {
  test.each(FOLDERS)("%s: spans, tokens and cost", async (folder) => {
    const recording = loadRecording(join(RECORDINGS, folder));
    const collector = await startCollector({
      program: program ?? "",
      toFiles: ["traces", "metrics", "metrics/spans"],
    });
    const root = tempDirectory();
    await replayThroughHook(recording, root);
    await flushTo(collector.endpoint, root);
    await collector.stop();

    const inProcess = await replayRecording(join(RECORDINGS, folder), "backlog");
    const spans = collector.spans();
    expect(spans.map(received).sort()).toEqual(inProcess.spans.map(recorded).sort());
    expect(spans.length).toBeGreaterThan(0);

    const sums = lastOfEach(collector.sums("metrics"));
    expect(tokensIn(sums)).toEqual(transcriptTokens(folder));
    expect(costIn(sums)).toBeCloseTo(COST[folder] ?? bookedTokens(folder).usd, 9);
  });
});

function received({ traceId, spanId, parentSpanId, name, startNs, endNs, failed }: ReceivedSpan): string {
  return [traceId, spanId, parentSpanId, name, startNs, endNs, failed].join(" ");
}

function recorded({ traceId, spanId, parentSpanId, name, startNs, endNs, error }: SpanRecord): string {
  return [traceId, spanId, parentSpanId, name, startNs, endNs, error !== undefined].join(" ");
}

function lastOfEach(points: ReceivedPoint[]): ReceivedPoint[] {
  const last = new Map<string, ReceivedPoint>();
  for (const point of points) {
    const before = last.get(point.series);
    if (before === undefined || point.atNs >= before.atNs) last.set(point.series, point);
  }
  return [...last.values()];
}

function tokensIn(sums: ReceivedPoint[]): Tokens {
  const tokens: Tokens = {};
  for (const { metric, attributes, value } of sums) {
    if (metric !== "hookspan.token.usage") continue;
    const key = `${String(attributes["gen_ai.request.model"])} ${String(attributes["hookspan.token.kind"])}`;
    tokens[key] = (tokens[key] ?? 0) + value;
  }
  return tokens;
}

function costIn(sums: ReceivedPoint[]): number {
  return sums.filter(({ metric }) => metric === "hookspan.cost").reduce((usd, { value }) => usd + value, 0);
}
