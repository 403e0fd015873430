import { afterEach, expect, test, vi } from "vitest";
import { connect, runCount, spanBatch, spanRecord } from "../../test/support/otlp-exporter.ts";
import { plain } from "../../test/support/otlp-json.ts";
import type { MetricPoints } from "../metric/point.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

test("512 spans of two agents are one request with one group for each resource", async () => {
  await using pair = await connect();
  const ofClaude = Array.from({ length: 300 }, (_, i) => spanRecord({ spanId: id(i + 1) }));
  const ofCodex = Array.from({ length: 212 }, (_, i) => spanRecord({ spanId: id(i + 1), traceId: "1".repeat(32) }));
  const codex = { ...spanBatch(...ofCodex), agent: "codex" };
  await pair.exporter.sendSpans([spanBatch(...ofClaude.slice(0, 200)), codex, spanBatch(...ofClaude.slice(200))]);
  const [request, ...others] = pair.recorder.requests;
  expect(others).toEqual([]);
  expect(request).toMatchObject({
    method: "POST",
    path: "/v1/traces",
    headers: { "content-type": "application/json" },
  });
  const groups = request?.body.resourceSpans ?? [];
  expect(groups.map(({ resource }) => plain(resource.attributes)["service.name"])).toEqual(["claude-code", "codex"]);
  expect(groups.flatMap(({ scopeSpans }) => scopeSpans.map(({ scope, spans }) => [scope, spans.length]))).toEqual([
    [{ name: "hookspan", version: "9.8.7" }, 300],
    [{ name: "hookspan", version: "9.8.7" }, 212],
  ]);
});

test("nothing to send is no request", async () => {
  await using pair = await connect();
  expect(await pair.exporter.sendSpans([])).toEqual({ status: "accepted" });
  expect(await pair.exporter.sendMetrics([])).toEqual({ status: "accepted" });
  expect(pair.recorder.requests).toEqual([]);
});

test("a kept connection bears any number of requests, and no listener stays with it", async () => {
  await using pair = await connect();
  const warned: Error[] = [];
  const warn = (warning: Error): void => void warned.push(warning);
  process.on("warning", warn);
  try {
    for (let i = 0; i < 15; i += 1) await pair.exporter.sendSpans([spanBatch()]);
    // Warnings are told a tick later.
    await new Promise(setImmediate);
  } finally {
    process.off("warning", warn);
  }
  expect(pair.recorder.requests.at(-1)?.connection).toBe(1);
  expect(warned).toEqual([]);
});

test("metrics: one request for each agent, all over one connection", async () => {
  await using pair = await connect();
  const points = [runCount("codex"), runCount("claude-code"), runCount("codex"), heartbeat()];
  expect(await pair.exporter.sendMetrics(points)).toEqual({ status: "accepted" });
  const arrived = pair.recorder.requests.map(({ path, connection, body }) => {
    const { resource, scopeMetrics } = body.resourceMetrics?.[0] ?? {
      resource: { attributes: [] },
      scopeMetrics: [],
    };
    const names = scopeMetrics.flatMap(({ metrics }) => metrics.map(({ name }) => name));
    return [path, connection, plain(resource.attributes)["service.name"], scopeMetrics[0]?.scope.name, names];
  });
  expect(arrived).toEqual([
    ["/v1/metrics", 1, "codex", "hookspan", ["hookspan.run.count", "hookspan.run.count"]],
    ["/v1/metrics", 1, "claude-code", "hookspan", ["hookspan.run.count"]],
    ["/v1/metrics", 1, "hookspan", "hookspan", ["hookspan.bridge.heartbeat"]],
  ]);
});

test.for<[string, number[], string, number]>([
  ["all taken", [200, 200, 200], "accepted", 3],
  ["one refused: the others are sent", [200, 400, 200], "refused", 3],
  ["the receiver is down: the rest is left", [400, 503, 200], "retry", 2],
  ["no credentials: the rest is left", [401, 200, 200], "unauthorized", 1],
  ["no credentials any more: the first was seen", [200, 401, 200], "unauthorized", 2],
])("metrics of three agents, %s", async ([, statuses, expected, requests]) => {
  await using pair = await connect();
  pair.recorder.answerWith(() => ({ status: statuses[pair.recorder.requests.length - 1] ?? 500 }));
  const outcome = await pair.exporter.sendMetrics([runCount("a"), runCount("b"), runCount("c")]);
  const unseen = "unseen" in outcome ? " unseen" : "";
  expect([`${outcome.status}${unseen}`, pair.recorder.requests.length]).toEqual([expected, requests]);
});

test("gzip", async () => {
  await using pair = await connect({ compression: "gzip" });
  const attributes = { text: "a".repeat(60_000) };
  expect(await pair.exporter.sendSpans([spanBatch(spanRecord({ attributes }))])).toEqual({
    status: "accepted",
  });
  const [request] = pair.recorder.requests;
  expect(request?.headers["content-encoding"]).toBe("gzip");
  expect(request?.bytes).toBeLessThan(2000);
  expect(plain(request?.body.resourceSpans?.[0]?.scopeSpans[0]?.spans[0]?.attributes)).toEqual(attributes);
});

test("the user's headers go along, and a receiver that quotes them does not bring them into a reason", async () => {
  await using pair = await connect({
    headers: { authorization: "Bearer s3cr3t-token", "x-tenant": "blue-team" },
  });
  pair.recorder.answerWith({ status: 401, body: "token s3cr3t-token of blue-team is unknown" });
  expect(await pair.exporter.sendSpans([spanBatch()])).toEqual({
    status: "unauthorized",
    reason: "HTTP 401 Unauthorized: token *** of *** is unknown; check the headers and certificates",
  });
  expect(pair.recorder.requests[0]?.headers).toMatchObject({
    authorization: "Bearer s3cr3t-token",
    "x-tenant": "blue-team",
    "user-agent": expect.stringMatching(/^hookspan\/9\.8\.7 /),
  });
});

test("OTEL_* of the environment changes nothing, and is still there afterwards", async () => {
  const hostile = {
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1:1/elsewhere",
    OTEL_EXPORTER_OTLP_HEADERS: "x-project=theirs,authorization=theirs",
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x-signal=theirs",
    OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
    OTEL_EXPORTER_OTLP_TIMEOUT: "1",
    OTEL_EXPORTER_OTLP_CERTIFICATE: "/no/such.pem",
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "delta",
    OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: "1",
    OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: "1",
    OTEL_SERVICE_NAME: "theirs",
    OTEL_RESOURCE_ATTRIBUTES: "team=theirs",
    OTEL_SDK_DISABLED: "true",
  };
  for (const [name, value] of Object.entries(hostile)) vi.stubEnv(name, value);
  await using pair = await connect();
  const attributes = { a: "first", b: "second" };
  await pair.exporter.sendSpans([spanBatch(spanRecord({ attributes }))]);
  await pair.exporter.sendMetrics([runCount("codex")]);
  expect(pair.recorder.requests.map(({ path }) => path)).toEqual(["/v1/traces", "/v1/metrics"]);
  expect(JSON.stringify(pair.recorder.requests)).not.toContain("theirs");
  const [traces, metrics] = pair.recorder.requests;
  expect(traces?.headers).not.toHaveProperty("content-encoding");
  expect(plain(traces?.body.resourceSpans?.[0]?.scopeSpans[0]?.spans[0]?.attributes)).toEqual(attributes);
  const sum = metrics?.body.resourceMetrics?.[0]?.scopeMetrics[0]?.metrics[0]?.sum;
  expect(sum?.aggregationTemporality).toBe(2);
  expect(process.env).toMatchObject(hostile);
});

function id(n: number): string {
  return n.toString(16).padStart(16, "0");
}

function heartbeat(): MetricPoints {
  return { ...runCount("hookspan"), metric: "hookspan.bridge.heartbeat" };
}
