import { expect, test } from "vitest";
import { connect, exporterOptions, runCount, spanBatch } from "../../test/support/otlp-exporter.ts";
import { createOtlpRecorder, RECORDER_CERTIFICATE, type Answer } from "../../test/support/otlp-recorder.ts";
import { createExporter } from "./exporter.ts";
import type { Outcome } from "./outcome.ts";

const answers: [string, Answer, Outcome][] = [
  ["taken", { body: '{"partialSuccess":{}}' }, { status: "accepted" }],
  ["taken with an empty body", {}, { status: "accepted" }],
  ["taken with a body that is no JSON", { body: "thanks" }, { status: "accepted" }],
  [
    "partly taken",
    { body: '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}' },
    { status: "partly_rejected", rejected: 2, reason: "too old" },
  ],
  [
    "partly taken, told in numbers and without words",
    { body: '{"partialSuccess":{"rejectedSpans":2}}' },
    { status: "partly_rejected", rejected: 2, reason: "" },
  ],
  ["taken with a warning", { body: '{"partialSuccess":{"errorMessage":"use gzip"}}' }, { status: "accepted" }],
  [
    "refused",
    { status: 400, body: '{"code":3,"message":"no trace id"}' },
    { status: "refused", reason: "HTTP 400 Bad Request: no trace id" },
  ],
  [
    "refused without a message",
    { status: 400, body: '{"code":3}' },
    { status: "refused", reason: 'HTTP 400 Bad Request: {"code":3}' },
  ],
  [
    "no credentials",
    { status: 401 },
    { status: "unauthorized", reason: "HTTP 401 Unauthorized; check the headers and certificates" },
  ],
  ["too large", { status: 413 }, { status: "too_large", reason: "HTTP 413 Payload Too Large" }],
  [
    "wrong path",
    { status: 404, body: "404 page not found" },
    { status: "retry", reason: "HTTP 404 Not Found: 404 page not found; check the endpoint" },
  ],
  [
    "redirected",
    { status: 308, headers: { location: "https://me:pw@login.example/v1/traces?state=secret" } },
    {
      status: "retry",
      reason:
        "HTTP 308 Permanent Redirect to https://login.example/v1/traces, which is not followed; check the endpoint",
    },
  ],
  [
    "throttled",
    { status: 429, headers: { "retry-after": "30" } },
    { status: "retry", reason: "HTTP 429 Too Many Requests", afterMs: 30_000 },
  ],
  [
    "throttled for a moment",
    { status: 429, headers: { "retry-after": "1" } },
    { status: "retry", reason: "HTTP 429 Too Many Requests", afterMs: 1000 },
  ],
  [
    "throttled for no time",
    { status: 429, headers: { "retry-after": "0" } },
    { status: "retry", reason: "HTTP 429 Too Many Requests", afterMs: 0 },
  ],
  ["broken", { status: 500, body: "oops" }, { status: "retry", reason: "HTTP 500 Internal Server Error: oops" }],
  ["down", { status: 503 }, { status: "retry", reason: "HTTP 503 Service Unavailable" }],
  [
    "cut off at once",
    { manner: "reset" },
    {
      status: "retry",
      reason:
        "the export failed: socket hang up (no answer came; if this port speaks TLS, the endpoint needs https://)",
    },
  ],
  [
    "down and cut off",
    { status: 503, body: "a", manner: "reset" },
    { status: "retry", reason: "HTTP 503 Service Unavailable" },
  ],
  [
    "taken and cut off",
    { status: 200, headers: { "content-length": 9 }, body: "{", manner: "reset" },
    { status: "accepted" },
  ],
  [
    "an endless answer",
    { body: "x".repeat(4_194_305) },
    {
      status: "retry",
      reason: "the export failed: OTLP export response body exceeded size limit of 4194304 bytes",
    },
  ],
];

test.for(answers)("%s: one request, one outcome", async ([, answer, outcome]) => {
  await using pair = await connect();
  pair.recorder.answerWith(answer);
  expect(await pair.exporter.sendSpans([spanBatch()])).toEqual(outcome);
  // The exporter is done with what it may still have had in mind.
  await pair.exporter.close();
  expect(pair.recorder.requests.length).toBe(1);
});

test.for<[string, Answer]>([
  ["never answers", { manner: "silence" }],
  ["drips for ever", { status: 200, manner: "drip" }],
  ["drips a failure for ever", { status: 400, manner: "drip" }],
])("a receiver that %s ends in retry at the deadline, and the next export is another", async ([, answer]) => {
  await using pair = await connect({ timeoutMs: 150 });
  pair.recorder.answerWith(answer);
  expect(await pair.exporter.sendSpans([spanBatch()])).toEqual({
    status: "retry",
    reason: "no complete answer within 150 ms",
  });
  pair.recorder.answerWith({});
  expect(await pair.exporter.sendSpans([spanBatch()])).toEqual({ status: "accepted" });
  expect(pair.recorder.requests.map(({ connection }) => connection)).toEqual([1, 2]);
});

test("an answer that comes late, but within the timeout, counts", async () => {
  await using pair = await connect();
  // Longer than the exporter's own timeout, by any clock.
  pair.recorder.answerWith(async () => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    return { status: 503, headers: { "retry-after": "2" } };
  });
  expect(await pair.exporter.sendSpans([spanBatch()])).toEqual({
    status: "retry",
    reason: "HTTP 503 Service Unavailable",
    afterMs: 2000,
  });
});

test("a receiver that wants every export again at once gets each of them once", async () => {
  await using pair = await connect();
  pair.recorder.answerWith({ status: 429, headers: { "retry-after": "0" } });
  for (let exports = 1; exports <= 200; exports += 1) {
    const outcome = await pair.exporter.sendSpans([spanBatch()]);
    expect([outcome.status, pair.recorder.requests.length]).toEqual(["retry", exports]);
  }
});

test.for<[string, number]>([
  ["a new connection", 0],
  ["a connection that was used before", 1],
])("who had TLS's ear and did not answer may have taken it: %s", async ([, before]) => {
  await using pair = await connect({ timeoutMs: 1000, tls: { ca: RECORDER_CERTIFICATE } }, "server");
  for (let i = 0; i < before; i += 1)
    expect(await pair.exporter.sendSpans([spanBatch()])).toEqual({ status: "accepted" });
  pair.recorder.answerWith({ manner: "silence" });
  expect(await pair.exporter.sendSpans([spanBatch()])).toEqual({
    status: "retry",
    reason: "no complete answer within 1000 ms",
  });
  expect(pair.recorder.requests).toHaveLength(before + 1);
});

test("nobody listens", async () => {
  const recorder = await createOtlpRecorder();
  await recorder.close();
  const exporter = createExporter(exporterOptions(recorder.endpoints));
  expect(await exporter.sendSpans([spanBatch()])).toEqual({
    status: "retry",
    reason: expect.stringMatching(/^the export failed: connect ECONNREFUSED 127\.0\.0\.1:\d+$/),
    unseen: true,
  });
  await exporter.close();
});

test("concurrent exports of both signals do not take each other's answers", async () => {
  await using pair = await connect();
  const bodies: Record<string, string> = {
    "/v1/traces": '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"span"}}',
    "/v1/metrics": '{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"point"}}',
  };
  pair.recorder.answerWith(async ({ path }) => {
    await pair.recorder.arrived(3);
    return { body: pair.recorder.requests.length > 3 ? "" : (bodies[path] ?? "") };
  });
  const outcomes = Promise.all([
    pair.exporter.sendSpans([spanBatch()]),
    pair.exporter.sendMetrics([runCount("codex")]),
    pair.exporter.sendSpans([spanBatch()]),
  ]);
  expect(await outcomes).toEqual([
    { status: "partly_rejected", rejected: 1, reason: "span" },
    { status: "partly_rejected", rejected: 2, reason: "point" },
    { status: "partly_rejected", rejected: 1, reason: "span" },
  ]);
  expect(await pair.exporter.sendSpans([spanBatch()])).toEqual({ status: "accepted" });
});
