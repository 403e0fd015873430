import { once } from "node:events";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { createOtlpRecorder } from "../../test/support/otlp-recorder.ts";
import { createReceiver, type Receiver } from "./receive.ts";

const JSON_TYPE = { "content-type": "application/json" };
const GZIP = { ...JSON_TYPE, "content-encoding": "gzip" };
const MEBIBYTE = 1024 * 1024;

let taken: unknown[] = [];
let url = "";
let receiver: Receiver;

beforeEach(async () => {
  taken = [];
  receiver = createReceiver({
    port: 0,
    onTraces: (body) => {
      taken.push(body);
      return { status: "taken" };
    },
    onMetrics: () => ({ status: "refused", reason: "not metrics" }),
  });
  const listening = await receiver.listen();
  url = listening.status === "listening" ? listening.url : "";
});

afterEach(() => receiver.close());

test.for<[string, string, number, number, number]>([
  ["taken by the next one, it is taken here", "[1]", 200, 200, 1],
  ["refused by the next one, it is refused here, and not shown", "[1]", 400, 400, 0],
  ["the next one has too much to do, and so has this one", "[1]", 429, 429, 0],
  ["not JSON: the next one is not asked", "[1", 200, 400, 0],
])("with another Collector behind it: %s", async ([, body, status, expected, shown]) => {
  const next = await createOtlpRecorder();
  onTestFinished(() => next.close());
  next.answerWith({ status });
  const passing = createReceiver({
    port: 0,
    next: next.url,
    onTraces: (value) => {
      taken.push(value);
      return { status: "taken" };
    },
    onMetrics: () => ({ status: "taken" }),
  });
  onTestFinished(() => passing.close());
  const listening = await passing.listen();
  const response = await fetch(`${listening.status === "listening" ? listening.url : ""}/v1/traces`, post(body));
  expect([response.status, taken.length]).toEqual([expected, shown]);
  expect(next.requests.map(({ path, body: passed }) => [path, passed])).toEqual(
    body === "[1]" ? [["/v1/traces", [1]]] : [],
  );
});

test("with nothing behind it where something should be: to be tried again", async () => {
  const next = await createOtlpRecorder();
  await next.close();
  const passing = createReceiver({
    port: 0,
    next: next.url,
    onTraces: () => ({ status: "taken" }),
    onMetrics: () => ({ status: "taken" }),
  });
  onTestFinished(() => passing.close());
  const listening = await passing.listen();
  const response = await fetch(`${listening.status === "listening" ? listening.url : ""}/v1/traces`, post("[1]"));
  expect(response.status).toBe(503);
  expect(await response.text()).toContain(`nothing answers at ${next.url}/v1/traces`);
});

test.for<[string, string, RequestInit, number, string | undefined]>([
  ["JSON", "/v1/traces", post("[1]"), 200, undefined],
  [
    "JSON with a charset",
    "/v1/traces",
    post("[1]", { "content-type": "application/json; charset=utf-8" }),
    200,
    undefined,
  ],
  ["gzip", "/v1/traces", post(gzipSync("[1]"), GZIP), 200, undefined],
  ["a body that the handler refuses", "/v1/metrics", post("{}"), 400, "not metrics"],
  ["no JSON", "/v1/traces", post("[1"), 400, "not JSON"],
  ["no gzip", "/v1/traces", post("[1]", GZIP), 400, "not gzip"],
  ["protobuf", "/v1/traces", post("x", { "content-type": "application/x-protobuf" }), 415, "http/json"],
  ["another encoding", "/v1/traces", post("x", { ...JSON_TYPE, "content-encoding": "br" }), 415, "gzip"],
  ["another path", "/v1/logs", post("{}"), 404, "/v1/traces"],
  ["another method", "/v1/traces", {}, 405, "POST"],
  ["a web page", "/v1/traces", post("[1]", { ...JSON_TYPE, origin: "http://example.org" }), 403, "web pages"],
  ["a body beyond 20 MiB", "/v1/traces", post(Buffer.alloc(21 * MEBIBYTE, " ")), 413, "larger than"],
  [
    "gzip that grows beyond 20 MiB",
    "/v1/traces",
    post(gzipSync(Buffer.alloc(21 * MEBIBYTE)), GZIP),
    413,
    "larger than",
  ],
])("%s", async ([, path, init, status, message]) => {
  const response = await fetch(url + path, init);
  const body = await response.text();
  expect(response.status).toBe(status);
  expect(body).toContain(message ?? "{}");
  expect(taken).toEqual(status === 200 ? [[1]] : []);
});

test("a sender that leaves in the middle of its body harms nobody", async () => {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  await once(socket, "connect");
  socket.write("POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{");
  socket.destroy();
  await once(socket, "close");
  expect((await fetch(`${url}/v1/traces`, post("[1]"))).status).toBe(200);
});

test("a port that is taken is explained", async () => {
  const port = Number(new URL(url).port);
  const second = createReceiver({
    port,
    onTraces: () => ({ status: "taken" }),
    onMetrics: () => ({ status: "taken" }),
  });
  const reason = `port ${port} is taken, probably by a Collector; use --port to take another one`;
  expect(await second.listen()).toEqual({ status: "failed", reason });
});

function post(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = JSON_TYPE): RequestInit {
  return { method: "POST", headers, body };
}
