// What holds for every adapter, shown on every recorded session of its agent, or on one written by its documentation.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";

import { adapterFor } from "../src/adapter/registry.ts";
import { parseEnvelope, formatEnvelope } from "../src/event/envelope.ts";
import { loadRecording } from "../src/view/load-recording.ts";
import { replayRecording, type Disorder, type Replayed } from "./support/recorded-session.ts";
import { recordedSessions } from "./support/recordings.ts";

const payload = z.looseObject({});

/** The same in every run: a test that fails now and then tells nothing. */
const SEED = 20261121;

/** Calls of theirs, or some of them, have no id: told again a moment later, a call is another one. */
const WITHOUT_IDS = new Set(["copilot-cli", "gemini-cli", "hermes"]);

describe.each(recordedSessions())("$agent $folder", ({ agent, path }) => {
  const { hooks } = loadRecording(path);
  const whole = replayRecording(path, "as in life");
  const againNs = WITHOUT_IDS.has(agent) ? 0n : 1_000_000n;
  const places = fc.subarray(hooks.map((_, i) => i)).map((list) => new Set(list));

  test("hooks that overtake the one before, and hooks that are delivered twice, end with the same totals", async () => {
    const expected = totalsOf(await whole);
    const disorder = fc.record({
      swapped: places,
      twice: places,
      againNs: fc.constant(againNs),
      length: fc.constant(hooks.length),
    });
    await fc.assert(
      fc.asyncProperty(disorder, async (one: Disorder) => {
        expect(totalsOf(await replayRecording(path, one))).toEqual(expected);
      }),
      { numRuns: 2, seed: SEED },
    );
  });

  test("any beginning of it folds, and leaves nothing open", async () => {
    const beginning = fc
      .nat({ max: hooks.length - 1 })
      .map((length) => ({ swapped: new Set<number>(), twice: new Set<number>(), againNs, length }));
    await fc.assert(
      fc.asyncProperty(beginning, async (one: Disorder) => {
        const { spans, points } = await replayRecording(path, one);
        for (const { startNs, endNs } of spans) expect(endNs).toBeGreaterThanOrEqual(startNs);
        for (const { value } of points.values())
          expect(typeof value === "number" ? value : value.sum).toBeGreaterThanOrEqual(0);
        const roots = new Set(
          spans.filter(({ parentSpanId }) => parentSpanId === undefined).map(({ traceId }) => traceId),
        );
        const traces = new Set(spans.map(({ traceId }) => traceId));
        // Only what hangs under its caller's span has a root that is not ours.
        expect([...traces].filter((traceId) => !roots.has(traceId)).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 3, seed: SEED },
    );
  });

  test("events and fields that nobody knows yet are harmless", () => {
    const adapter = adapterFor(agent);
    for (const { stdin, atNs } of hooks) {
      const strange = {
        ...payload.parse(JSON.parse(stdin)),
        a_field_of_tomorrow: { deep: [1, null] },
        hook_event_name: "EventOfTomorrow",
        event: "EventOfTomorrow",
      };
      const bytes = formatEnvelope({
        id: "x",
        agent,
        timeNs: atNs,
        env: {},
        payload: Buffer.from(JSON.stringify(strange)),
      });
      const parsed = parseEnvelope(bytes, atNs);
      const decoded = parsed.status === "whole" ? adapter?.decode(parsed.envelope) : undefined;
      expect(decoded?.status).toBe("decoded");
      const kinds = decoded?.status === "decoded" ? decoded.events.map(({ kind }) => kind) : [];
      expect(kinds.filter((kind) => /^(prompt|run|tool|llm|subagent|compaction)[.]/.test(kind))).toEqual([]);
    }
  });
});

/** Counters, and how often each histogram has observed; durations move with the order of events. */
function totalsOf({ points }: Replayed): Record<string, number> {
  return Object.fromEntries(
    [...points]
      .filter(([, { metric }]) => !metric.startsWith("hookspan.bridge."))
      .map(([key, { value }]): [string, number] => [
        key,
        typeof value === "number" ? Number(value.toFixed(9)) : value.count,
      ])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
