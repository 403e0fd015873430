import { expect, test } from "vitest";
import { connect, spanBatch, spanRecord } from "../../test/support/otlp-exporter.ts";
import { plain, type OtlpSpan } from "../../test/support/otlp-json.ts";
import type { SpanRecord } from "../trace/record.ts";

/** A span as the receiver sees it, after the real exporter and a real socket. */
async function arrive(fields: Partial<SpanRecord>): Promise<OtlpSpan | undefined> {
  await using pair = await connect();
  await pair.exporter.sendSpans([spanBatch(spanRecord(fields))]);
  return pair.recorder.requests[0]?.body.resourceSpans?.[0]?.scopeSpans[0]?.spans[0];
}

test("ids, name and times arrive to the nanosecond", async () => {
  expect(await arrive({ startNs: 1_795_196_713_872_299_001n, endNs: 1_795_196_713_872_299_002n })).toMatchObject({
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    name: "execute_tool Bash",
    startTimeUnixNano: "1795196713872299001",
    endTimeUnixNano: "1795196713872299002",
    events: [],
    droppedAttributesCount: 0,
  });
});

test.for<[string, Partial<SpanRecord>, Partial<OtlpSpan>]>([
  ["an inner span", { kind: "internal" }, { kind: 1 }],
  ["a client span", { kind: "client" }, { kind: 3 }],
  ["no error is UNSET", {}, { status: { code: 0 } }],
  ["an error", { error: { message: "tool_error" } }, { status: { code: 2, message: "tool_error" } }],
  ["a local parent", { parentSpanId: "00f067aa0ba902b7" }, { parentSpanId: "00f067aa0ba902b7", flags: 0x101 }],
  [
    "a remote parent",
    { parentSpanId: "00f067aa0ba902b7", parentIsRemote: true },
    { parentSpanId: "00f067aa0ba902b7", flags: 0x301 },
  ],
  ["a root is sampled", {}, { flags: 0x101 }],
])("%s", async ([, fields, expected]) => {
  expect(await arrive(fields)).toMatchObject(expected);
});

test("a root has no parent", async () => {
  expect(await arrive({})).not.toHaveProperty("parentSpanId");
});

test("attributes keep their types, and no limit cuts or drops them", async () => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`hookspan.n${i}`, i]));
  const attributes = {
    text: "é".repeat(30_000),
    flag: true,
    whole: 3,
    part: 0.25,
    list: ["a", "b"],
    ...many,
  };
  const span = await arrive({ attributes });
  expect(plain(span?.attributes)).toEqual(attributes);
  expect(span?.attributes?.slice(2, 4)).toEqual([
    { key: "whole", value: { intValue: 3 } },
    { key: "part", value: { doubleValue: 0.25 } },
  ]);
});

test("links arrive, all 200 of them, sampled and with attributes", async () => {
  const links = Array.from({ length: 200 }, (_, i) => ({
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    spanId: (i + 1).toString(16).padStart(16, "0"),
    attributes: { "hookspan.link.type": "run" },
  }));
  const span = await arrive({ links });
  expect(span?.links?.length).toBe(200);
  expect(span?.links?.at(-1)).toEqual({
    ...links.at(-1),
    attributes: [{ key: "hookspan.link.type", value: { stringValue: "run" } }],
    flags: 0x101,
    droppedAttributesCount: 0,
  });
  expect(span?.links?.map(({ spanId }) => spanId)).toEqual(links.map(({ spanId }) => spanId));
});
