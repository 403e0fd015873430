import { expect, test } from "vitest";
import { readSpans, readSums } from "./otlp-json.ts";

test.for<[string, unknown, unknown]>([
  ["a string", { stringValue: "x" }, "x"],
  ["an integer as a string", { intValue: "18211" }, 18_211],
  ["an integer as a number", { intValue: 18_211 }, 18_211],
  ["a double", { doubleValue: 0.5 }, 0.5],
  ["a boolean", { boolValue: true }, true],
  ["a list", { arrayValue: { values: [{ stringValue: "a" }, { stringValue: "b" }] } }, ["a", "b"]],
  ["a kind that is not known", { kvlistValue: {} }, undefined],
])("the value of an attribute: %s", ([, value, read]) => {
  const spans = readSpans(traceRequest({ attributes: [{ key: "k", value }] }));
  expect(spans).toMatchObject({
    status: "read",
    items: [{ attributes: read === undefined ? {} : { k: read } }],
  });
});

test.for<[string, object, object]>([
  ["ids in capitals", { traceId: "AB", spanId: "CD" }, { traceId: "ab", spanId: "cd" }],
  ["an empty parent is none", { parentSpanId: "" }, { parentSpanId: undefined, remoteParent: false }],
  ["a local parent", { parentSpanId: "ab", flags: 0x101 }, { parentSpanId: "ab", remoteParent: false }],
  ["a remote parent", { parentSpanId: "ab", flags: 0x301 }, { parentSpanId: "ab", remoteParent: true }],
  ["a status of error", { status: { code: 2, message: "x" } }, { failed: true }],
  ["a status that is not set", { status: { code: 0 } }, { failed: false }],
  ["nanoseconds beyond 2^53", { startTimeUnixNano: "1795196716821868001" }, { startNs: 1_795_196_716_821_868_001n }],
])("a span: %s", ([, wire, read]) => {
  expect(readSpans(traceRequest(wire))).toMatchObject({ status: "read", items: [read] });
});

test("points of sums, one series for one set of attributes; other kinds are left out", () => {
  const metrics = [
    {
      name: "a",
      sum: { dataPoints: [point({ asInt: "7" }, "x", "y"), point({ asDouble: 1.5 }, "y", "x")] },
    },
    { name: "b", gauge: { dataPoints: [point({ asInt: 1 })] } },
  ];
  const read = readSums({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] });
  const series = '[] a [["x","x"],["y","y"]]';
  expect(read).toMatchObject({
    status: "read",
    items: [
      { series, value: 7 },
      { series, value: 1.5 },
    ],
  });
});

test.for<[string, unknown]>([
  ["a list", []],
  ["another object", { hello: 1 }],
  [
    "a span without times",
    { resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: "a", spanId: "b", name: "n" }] }] }] },
  ],
])("%s is told to be malformed", ([, body]) => {
  expect([readSpans(body).status, readSums(body).status]).toEqual(["malformed", "malformed"]);
});

function traceRequest(span: object): unknown {
  const whole = {
    traceId: "aa",
    spanId: "bb",
    name: "n",
    startTimeUnixNano: "1",
    endTimeUnixNano: 2,
    ...span,
  };
  return { resourceSpans: [{ scopeSpans: [{ spans: [whole] }] }] };
}

function point(value: object, ...keys: string[]): object {
  return {
    attributes: keys.map((key) => ({ key, value: { stringValue: key } })),
    timeUnixNano: "5",
    ...value,
  };
}
