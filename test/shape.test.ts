// What holds of every recorded session's spans and histograms, whatever they tell.
import { describe, expect, test } from "vitest";

import type { SpanContext, SpanRecord } from "../src/trace/record.ts";
import { DELIVERIES, replayRecording } from "./support/recorded-session.ts";
import { recordedSessions } from "./support/recordings.ts";

/** The context that one of the recorded clients was started in: the parent of its runs is nobody of ours. */
const CALLER = "0af7651916cd43dd8448eb211c80319c/b7ad6b7169203331";

describe.each(recordedSessions())("$agent $folder", ({ agent, path }) => {
  describe.each(DELIVERIES)("delivered %s", (delivery) => {
    const replayed = replayRecording(path, delivery);

    test("spans form trees: one root for each run and session, every other one with a parent in its trace", async () => {
      const { spans } = await replayed;
      const known = new Set([...spans.map(contextOf), CALLER]);
      const roots = spans.filter(isRoot);
      const lost = spans.filter(
        ({ traceId, parentSpanId }) => parentSpanId !== undefined && !known.has(`${traceId}/${parentSpanId}`),
      );
      expect(lost.map(({ name }) => name)).toEqual([]);
      const rootNames = new Set([`invoke_agent ${agent}`, `session ${agent}`]);
      expect(roots.filter(({ name }) => !rootNames.has(name))).toEqual([]);
      expect(new Set(roots.map(({ traceId }) => traceId)).size).toBe(roots.length);
      expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(roots.length);
    });

    test("ids are unique and never zero, and no span ends before it starts", async () => {
      const { spans, startNs } = await replayed;
      expect(new Set(spans.map(contextOf)).size).toBe(spans.length);
      expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
      for (const { traceId, spanId, startNs: fromNs, endNs } of spans) {
        expect(traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
        expect(spanId).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
        expect(endNs).toBeGreaterThanOrEqual(fromNs);
        expect(fromNs).toBeGreaterThan(startNs - 60_000_000_000n);
      }
    });

    test("links lead to spans that were sent, of runs and sessions alone", async () => {
      const { spans } = await replayed;
      const roots = new Set(spans.filter(isRoot).map(contextOf));
      const links = spans.flatMap((span) => span.links.map((link) => contextOf(link)));
      expect(links.filter((link) => !roots.has(link))).toEqual([]);
    });

    test("histograms are sound", async () => {
      const { points } = await replayed;
      const found = [...points.values()].flatMap(({ value }) => (typeof value === "number" ? [] : [value]));
      for (const { count, sum: total, min, max, buckets } of found) {
        expect(sum(buckets)).toBe(count);
        expect(min).toBeLessThanOrEqual(max);
        expect(total).toBeGreaterThanOrEqual(min * count - 1e-9);
        expect(total).toBeLessThanOrEqual(max * count + 1e-9);
      }
      expect(found.length).toBeGreaterThan(0);
    });
  });
});

function isRoot({ traceId, parentSpanId }: SpanRecord): boolean {
  return parentSpanId === undefined || `${traceId}/${parentSpanId}` === CALLER;
}

function contextOf({ traceId, spanId }: SpanContext): string {
  return `${traceId}/${spanId}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, one) => total + one, 0);
}
