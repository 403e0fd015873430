import { expect, test } from "vitest";

import { spanBatch } from "../../test/support/span-batch.ts";
import type { SpanBatch } from "../trace/record.ts";
import { decodeBatch, encodeBatch } from "./span-batch.ts";

const [span] = spanBatch("a", 1).spans;
const FULL: SpanBatch = {
  agent: "codex",
  traceId: "a".repeat(32),
  spans: span
    ? [
        {
          ...span,
          parentSpanId: "b".repeat(16),
          parentIsRemote: true,
          kind: "client",
          error: { message: "tool failed" },
          attributes: { s: "é\n", n: 0.1, yes: true, list: ["x"] },
          links: [{ traceId: "c".repeat(32), spanId: "d".repeat(16), attributes: { n: 1 } }],
        },
      ]
    : [],
};

test.each([
  ["least", spanBatch("a", 1)],
  ["most", FULL],
  ["nothing", spanBatch("a", 0)],
])("a batch that says the %s comes back as it was", (_, batch) => {
  const back = encodeBatch(batch).map(({ text }) => decodeBatch(JSON.parse(text)));
  expect(back).toEqual(batch.spans.length > 0 ? [batch] : []);
});

test.each([
  ["many spans", spanBatch("a", 1025), [512, 512, 1]],
  ["large spans", spanBatch("a", 5, { text: "x".repeat(400_000) }), [2, 2, 1]],
  ["one span beyond the limit, between small ones", mixed(), [1, 1, 1]],
])("%s are spread over files", (_, batch, sizes) => {
  const files = encodeBatch(batch);
  expect(files.map(({ spans }) => spans)).toEqual(sizes);
  expect(files.flatMap(({ text }) => decodeBatch(JSON.parse(text)).spans)).toEqual(batch.spans);
});

function mixed(): SpanBatch {
  const small = spanBatch("a", 2);
  const large = spanBatch("a", 1, { text: "x".repeat(1_200_000) });
  return { ...small, spans: [...small.spans.slice(0, 1), ...large.spans, ...small.spans.slice(1)] };
}
