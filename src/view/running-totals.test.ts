import { expect, test } from "vitest";
import type { Attributes } from "../trace/record.ts";
import type { ReceivedPoint } from "./otlp-json.ts";
import { createPaint } from "./paint.ts";
import { createRunningTotals } from "./running-totals.ts";
import { renderTotals, totalsToJson } from "./totals-text.ts";

const OPUS = { "gen_ai.request.model": "claude-opus-5-5" };

test("the newest value of a series counts, series add up", () => {
  const totals = createRunningTotals();
  totals.add([
    point("hookspan.cost", 5, 0.9, { "hookspan.cost.source": "estimated", ...OPUS }),
    point("hookspan.cost", 1, 0, { "hookspan.cost.source": "estimated", ...OPUS }),
    point("hookspan.cost", 5, 0.3, {
      "hookspan.cost.source": "estimated",
      "gen_ai.request.model": "haiku",
    }),
    point("hookspan.run.count", 1, 1, {
      "hookspan.run.outcome": "success",
      "hookspan.run.trigger": "user",
    }),
    point("hookspan.run.count", 1, 2, {
      "hookspan.run.outcome": "success",
      "hookspan.run.trigger": "task",
    }),
  ]);
  expect(totals.totals()).toMatchObject({
    costUsdBySource: { estimated: 1.2 },
    runsByOutcome: { success: 3 },
  });
});

test.for<[string, ReceivedPoint[], boolean]>([
  ["a repeated value", [point("hookspan.session.count", 2, 1, {})], false],
  ["an older value", [point("hookspan.session.count", 0, 7, {})], false],
  ["a metric that is not shown", [point("hookspan.bridge.event.count", 2, 7, {})], false],
  ["a new series of zero", [point("hookspan.session.count", 2, 0, { "gen_ai.agent.name": "codex" })], false],
  ["a greater value", [point("hookspan.session.count", 2, 2, {})], true],
])("%s: changed or not", ([, points, changed]) => {
  const totals = createRunningTotals();
  totals.add([point("hookspan.session.count", 1, 1, {})]);
  expect(totals.add(points)).toBe(changed);
});

test("as a block, at most 100 columns", () => {
  const totals = createRunningTotals();
  totals.add([
    ...Object.entries({ input: 66, cache_read: 103_030, cache_write: 43_205, output: 724 }).map(([kind, tokens]) =>
      point("hookspan.token.usage", 1, tokens, { ...OPUS, "hookspan.token.kind": kind }),
    ),
    point("hookspan.token.usage", 1, 1500, {
      "gen_ai.request.model": "a-model",
      "hookspan.token.kind": "input",
    }),
    point("hookspan.unpriced.token.usage", 1, 1500, { "gen_ai.request.model": "a-model" }),
    point("hookspan.cost", 1, 0.25, { ...OPUS, "hookspan.cost.source": "estimated" }),
    point("hookspan.cost", 1, 0.001375, { "hookspan.cost.source": "reconciled" }),
    point("hookspan.run.count", 1, 2, { "hookspan.run.outcome": "success" }),
    point("hookspan.session.count", 1, 1, {}),
    point("hookspan.subagent.count", 1, 4, {}),
  ]);
  expect(`\n${renderTotals(totals.totals(), createPaint(false)).join("\n")}\n`).toMatchInlineSnapshot(`
      "
      totals, in tokens                  input  cache read cache write      output   reasoning         all
      a-model                            1,500           0           0           0           0       1,500
      claude-opus-5-5                       66     103,030      43,205         724           0     147,025
      cost $0.2514 (estimated $0.2500, reconciled $0.0014) · without a price: 1,500 tokens
      runs 2 (success) · sessions 1 · subagents 4
      "
    `);
  expect(totalsToJson(totals.totals())).toMatchInlineSnapshot(`
    {
      "cost_usd": {
        "estimated": 0.25,
        "reconciled": 0.001375,
      },
      "runs": {
        "success": 2,
      },
      "sessions": 1,
      "subagents": 4,
      "tokens": [
        {
          "input": 1500,
          "model": "a-model",
        },
        {
          "cache_read": 103030,
          "cache_write": 43205,
          "input": 66,
          "model": "claude-opus-5-5",
          "output": 724,
        },
      ],
      "type": "totals",
      "unpriced_tokens": 1500,
    }
  `);
});

function point(metric: string, at: number, value: number, attributes: Attributes): ReceivedPoint {
  return {
    series: `${metric} ${JSON.stringify(attributes)}`,
    metric,
    attributes,
    atNs: BigInt(at),
    value,
  };
}
