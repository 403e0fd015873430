import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { createRandom } from "../../test/proof/random.ts";
import { toProtobuf } from "../../test/support/otlp-protobuf.ts";
import { toldInJson } from "./otlp-json-told.ts";
import { toldInProtobuf } from "./otlp-protobuf-told.ts";
import { ProtobufError } from "./protobuf.ts";
import { sightingsOf, type Sighting } from "./sighting.ts";

type Attributes = Record<string, unknown>;

const RECORDED = join(import.meta.dirname, "../../test/recordings/claude-code/12-native-otel/native-otel");
const FIRST = "0a8b34f9-4a9a-40f2-a87e-40159871cb99";
const SECOND = "57e13f14-7cf9-4fa5-89ae-ec961e9e57b3";

const logs = (records: Attributes[], resource: Attributes = {}): unknown => ({
  resourceLogs: [
    {
      resource: { attributes: list(resource) },
      scopeLogs: [{ logRecords: records.map((one) => ({ attributes: list(one), body: { stringValue: "x" } })) }],
    },
  ],
});

const ANNA = { "session.id": "a", "user.email": "anna@example.org", "user.id": "u-a", "organization.id": "o-a" };
const BERT = { "session.id": "b", "user.email": "bert@example.org", "user.id": "u-b", "organization.id": "o-b" };

describe.each<[string, (request: unknown) => Sighting[]]>([
  ["JSON", (request) => sightingsOf(toldInJson(Buffer.from(JSON.stringify(request))))],
  ["protobuf", (request) => sightingsOf(toldInProtobuf("logs", toProtobuf("logs", request)))],
])("in %s", (_, seen) => {
  test("two sessions in one batch are kept apart, however their records lie", () => {
    const alternating = [ANNA, BERT, { "session.id": "a" }, { "session.id": "b" }, ANNA, { "session.id": "c" }, BERT];
    expect(seen(logs(alternating))).toEqual([
      { sessionId: "a", email: "anna@example.org", userId: "u-a", organizationId: "o-a" },
      { sessionId: "b", email: "bert@example.org", userId: "u-b", organizationId: "o-b" },
    ]);
  });

  test("each record may tell a part, and an empty value tells nothing", () => {
    const parts = [
      { "session.id": "a", "user.id": "u" },
      { "session.id": "a", "user.email": "e@x" },
      { "session.id": "a", "user.email": "", "user.id": "  " },
    ];
    expect(seen(logs(parts))).toEqual([{ sessionId: "a", email: "e@x", userId: "u" }]);
  });

  test("what is said of the resource is said of its records, and a record's own word goes first", () => {
    const records = [{ "session.id": "a" }, { "session.id": "b", "user.email": "b@x" }];
    expect(seen(logs(records, { "user.email": "all@x" }))).toEqual([
      { sessionId: "a", email: "all@x" },
      { sessionId: "b", email: "b@x" },
    ]);
    expect(seen(logs([{ "user.id": "u" }], { "session.id": "r" }))).toEqual([{ sessionId: "r", userId: "u" }]);
    expect(seen(logs([{ "conversation.id": "c", "user.id": "u" }], { "session.id": "r" }))).toEqual([
      { sessionId: "c", userId: "u" },
    ]);
  });

  test("other names for the same, and who says nothing of a user", () => {
    const records = [
      { "conversation.id": "c", "user.account_id": "acc", "user.email": "c@x" },
      { "session.id": "d", model: "m" },
      { "user.email": "nobody@x" },
      { "session.id": "e", "user.email": `${"x".repeat(257)}@x` },
      { "session.id": "f", "user.email": "a\nb" },
      { "session.id": "g", "user.email": 7 },
      { "session.id": "__proto__", "user.id": "p" },
    ];
    expect(seen(logs(records))).toEqual([
      { sessionId: "c", email: "c@x", userId: "acc" },
      { sessionId: "__proto__", userId: "p" },
    ]);
  });
});

test.each(["sum", "gauge", "histogram", "exponentialHistogram", "summary"])("the points of a %s", (kind) => {
  const request = {
    resourceMetrics: [
      { scopeMetrics: [{ metrics: [{ name: "m", [kind]: { dataPoints: [{ attributes: list(ANNA) }] } }] }] },
    ],
  };
  const expected = [{ sessionId: "a", email: "anna@example.org", userId: "u-a", organizationId: "o-a" }];
  expect(sightingsOf(toldInJson(Buffer.from(JSON.stringify(request))))).toEqual(expected);
  expect(sightingsOf(toldInProtobuf("metrics", toProtobuf("metrics", request)))).toEqual(expected);
});

test.each(["logs", "metrics", "traces"] as const)("Claude Code's own %s, as recorded", (signal) => {
  const lines = readFileSync(join(RECORDED, `${signal}.jsonl`), "utf8")
    .trim()
    .split("\n");
  const bodies = lines.map((line): unknown => JSON.parse(line).body);
  const inJson = bodies.flatMap((body) => sightingsOf(toldInJson(Buffer.from(JSON.stringify(body)))));
  const inProtobuf = bodies.flatMap((body) => sightingsOf(toldInProtobuf(signal, toProtobuf(signal, body))));
  expect(inProtobuf).toEqual(inJson);
  const userId = "0".repeat(64);
  expect(new Set(inJson.map((one) => JSON.stringify(one)))).toEqual(
    new Set([FIRST, SECOND].map((sessionId) => JSON.stringify({ sessionId, userId }))),
  );
});

test("bytes of any kind are read or refused, and nothing else", () => {
  const random = createRandom(4319);
  const whole = toProtobuf("logs", logs([ANNA, BERT], { "service.name": "x" }));
  let refused = 0;
  for (let n = 0; n < 10_000; n += 1) {
    const bytes = Uint8Array.from(whole.subarray(0, random.int(0, whole.length)));
    for (let k = random.int(0, 8); k > 0 && bytes.length > 0; k -= 1)
      bytes[random.int(0, bytes.length - 1)] = random.int(0, 255);
    for (const signal of ["logs", "metrics", "traces"] as const) {
      try {
        sightingsOf(toldInProtobuf(signal, bytes));
      } catch (error) {
        if (!(error instanceof ProtobufError)) throw error;
        refused += 1;
      }
    }
  }
  expect(refused).toBeGreaterThan(1000);
});

test.each(["null", "7", "[]", '{"resourceLogs":{}}', '{"resourceLogs":[null,7,{"scopeLogs":"x"},{"resource":7}]}'])(
  "JSON of another shape says nothing: %s",
  (text) => expect(sightingsOf(toldInJson(Buffer.from(text)))).toEqual([]),
);

function list(attributes: Attributes): unknown[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === "string" ? { stringValue: value } : { intValue: value },
  }));
}
