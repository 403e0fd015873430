import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";

import { expect, onTestFinished, test } from "vitest";

import { startIntake, type TestIntake } from "../../test/support/intake.ts";
import { createOtlpRecorder, type OtlpRecorder } from "../../test/support/otlp-recorder.ts";
import { toProtobuf } from "../../test/support/otlp-protobuf.ts";
import { toOutcome } from "../otlp/answer.ts";
import { endpointOf, type Destination } from "./pass-through.ts";
import type { Sighting } from "./sighting.ts";

const BODY = JSON.stringify({
  resourceLogs: [
    {
      scopeLogs: [
        {
          logRecords: [
            {
              attributes: [
                { key: "session.id", value: { stringValue: "s" } },
                { key: "user.email", value: { stringValue: "a@x" } },
              ],
            },
          ],
        },
      ],
    },
  ],
});
const PROTOBUF = toProtobuf("logs", JSON.parse(BODY));
const SEEN = [[{ sessionId: "s", email: "a@x" }]];

test.each<[string, Buffer, Record<string, string>]>([
  ["JSON, with its own spaces", Buffer.from(` ${BODY}\n`), { "content-type": "application/json" }],
  ["JSON with a charset", Buffer.from(BODY), { "content-type": "application/json; charset=utf-8" }],
  ["packed JSON", gzipSync(BODY, { level: 1 }), { "content-type": "application/json", "content-encoding": "gzip" }],
  ["protobuf", PROTOBUF, { "content-type": "application/x-protobuf" }],
  ["packed protobuf", gzipSync(PROTOBUF), { "content-type": "application/x-protobuf", "content-encoding": "gzip" }],
])(
  "%s goes on as it came, with our credentials and not the client's, and is learned from",
  async (_, body, headers) => {
    const seen: Sighting[][] = [];
    const collector = await startEcho();
    const intake = await startIntake({
      read: () => ({ endpoints: collector.endpoints, headers: { "X-Api-Key": "ours" } }),
      learn: (sightings) => seen.push([...sightings]),
    });
    const answer = await intake.ask("/v1/logs", {
      body,
      headers: { ...headers, "user-agent": "OTel-JS/1", cookie: "c" },
    });
    expect([answer.status, answer.headers["content-type"], answer.body]).toEqual([
      200,
      "application/x-collector",
      "taken",
    ]);
    const [request] = collector.requests;
    expect(request?.body.equals(body)).toBe(true);
    expect(request?.path).toBe("/v1/logs");
    expect(request?.headers).toMatchObject({ ...headers, "x-api-key": "ours", "user-agent": "OTel-JS/1" });
    expect(request?.headers["content-encoding"]).toBe(headers["content-encoding"]);
    expect(Object.keys(request?.headers ?? {})).not.toContain("cookie");
    expect(JSON.stringify(request?.headers)).not.toContain(intake.address.token);
    expect(seen).toEqual(SEEN);
  },
);

test.each([
  [200, {}],
  [400, {}],
  [401, {}],
  [404, {}],
  [429, { "retry-after": "7" }],
  [503, { "retry-after": "2" }],
])("the Collector's %s is the answer", async (status, headers) => {
  const { collector, intake } = await stage();
  collector.answerWith({ status, headers, body: "its own words" });
  const answer = await intake.ask("/v1/metrics", { body: "{}" });
  expect(answer).toMatchObject({ status, headers, body: "its own words" });
});

test("no Collector: nothing is said to be taken, and the client may send it again; what it said of users is known", async () => {
  const seen: Sighting[][] = [];
  const collector = await createOtlpRecorder();
  const { url } = collector;
  await collector.close();
  const intake = await startIntake({ read: () => endpoints(url), learn: (sightings) => seen.push([...sightings]) });
  const away = await intake.ask("/v1/logs", { body: BODY });
  expect([away.status, away.headers["retry-after"]]).toEqual([503, "5"]);
  expect(seen).toEqual(SEEN);
  const back = await createOtlpRecorder({ port: Number(new URL(url).port) });
  onTestFinished(() => back.close());
  expect((await intake.ask("/v1/logs", { body: BODY })).status).toBe(200);
  expect(back.requests).toHaveLength(1);
});

test.each([
  ["is silent", { manner: "silence" as const }, 504],
  ["drips", { manner: "drip" as const }, 504],
  ["hangs up", { manner: "reset" as const }, 503],
  ["hangs up in the middle", { manner: "reset" as const, status: 200, body: "x" }, 503],
])("a Collector that %s has taken nothing, as far as anybody knows", async (_, manner, status) => {
  const { collector, intake } = await stage({ timeoutMs: 200 });
  collector.answerWith(manner);
  expect((await intake.ask("/v1/traces", { body: "{}" })).status).toBe(status);
});

test("a kept connection that the Collector closes costs no request", async () => {
  const collector = await startEcho({ hangsUpAfterEach: true });
  const intake = await startIntake({ read: () => ({ endpoints: collector.endpoints }) });
  for (let n = 0; n < 5; n += 1) expect((await intake.ask("/v1/logs", { body: "{}" })).status).toBe(200);
});

test("after a failure the configuration is read anew", async () => {
  const collector = await createOtlpRecorder();
  onTestFinished(() => collector.close());
  let url = "http://127.0.0.1:1";
  const intake = await startIntake({ read: () => endpoints(url) });
  expect((await intake.ask("/v1/traces", { body: "{}" })).status).toBe(503);
  ({ url } = collector);
  await expect.poll(async () => (await intake.ask("/v1/traces", { body: "{}" })).status, { timeout: 20_000 }).toBe(200);
});

test("an endpoint that leads back here is no ring", async () => {
  const own: { url: string; token: string } = { url: "http://127.0.0.1:1", token: "" };
  const intake = await startIntake({
    read: () => ({ ...endpoints(own.url), headers: { authorization: `Bearer ${own.token}` } }),
  });
  Object.assign(own, intake.address);
  const answer = await intake.ask("/v1/traces", { body: "{}" });
  expect(answer.status).toBe(421);
  expect(answer.body).toContain("leads back");
  // A bridge that sends its spans that way keeps them.
  expect(toOutcome({ status: answer.status, text: answer.body }, 0).status).toBe("retry");
});

test("nor are two intakes whose endpoints are each other", async () => {
  const other: { url: string; token: string } = { url: "http://127.0.0.1:1", token: "" };
  const to = (): Partial<Destination> => ({
    ...endpoints(other.url),
    headers: { authorization: `Bearer ${other.token}` },
  });
  const one = await startIntake({ read: to });
  const { url, token } = one.address;
  const two = await startIntake({
    read: () => ({ ...endpoints(url), headers: { authorization: `Bearer ${token}` } }),
  });
  Object.assign(other, two.address);
  const answer = await one.ask("/v1/traces", { body: "{}" });
  expect(answer.status).toBe(421);
  expect(answer.body).toContain("leads back");
});

test.each([
  ["speaks another protocol", "101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x"],
  ["says so and names none", "101 Switching Protocols"],
  ["answers with no status there is", "999 What"],
  ["says no more than go on", "100 Continue"],
])("a server that %s is no Collector: the client is told to send it again, and waits for nothing", async (_, head) => {
  const url = await startRaw(`HTTP/1.1 ${head}\r\n\r\n`);
  const intake = await startIntake({ read: () => ({ ...endpoints(url), timeoutMs: 60_000 }) });
  expect((await intake.ask("/v1/traces", { body: "{}" })).status).toBe(503);
});

test("what cannot be read is the Collector's to judge", async () => {
  const collector = await startEcho();
  const intake = await startIntake({ read: () => ({ endpoints: collector.endpoints }) });
  const headers = { "content-type": "application/x-protobuf" };
  expect((await intake.ask("/v1/logs", { body: Buffer.from([0xff]), headers })).status).toBe(200);
  expect(collector.requests.map(({ body }) => [...body])).toEqual([[0xff]]);
});

test.each([
  ["text", { "content-type": "text/plain" }],
  ["no type", { "content-type": undefined }],
])("%s is refused", async (_, headers) => {
  const { intake } = await stage();
  expect((await intake.ask("/v1/logs", { body: "{}", headers })).status).toBe(415);
});

test.each([
  [{ traces: "http://h:1/x/v1/traces?a=b", metrics: "http://h" }, "http://h:1/x/v1/logs?a=b"],
  [{ traces: "http://h/t", metrics: "http://h/m", logs: "http://h/l" }, "http://h/l"],
  [{ traces: "http://h/t", metrics: "http://h/m" }, undefined],
])("where logs go: %o", (given, expected) => expect(endpointOf({ endpoints: given }, "logs")).toBe(expected));

test("without a place for logs the client is told so", async () => {
  const intake = await startIntake({
    read: () => ({ endpoints: { traces: "http://127.0.0.1:1/t", metrics: "http://127.0.0.1:1/m" } }),
  });
  const answer = await intake.ask("/v1/logs", { body: "{}" });
  expect([answer.status, answer.body.includes("endpoints.logs")]).toEqual([404, true]);
});

type Staged = { collector: OtlpRecorder; intake: TestIntake };

async function stage({ timeoutMs = 10_000 } = {}): Promise<Staged> {
  const collector = await createOtlpRecorder();
  const intake = await startIntake({ read: () => ({ ...endpoints(collector.url), timeoutMs }) });
  onTestFinished(() => collector.close());
  return { collector, intake };
}

function endpoints(url: string): { endpoints: { traces: string; metrics: string } } {
  return { endpoints: { traces: `${url}/v1/traces`, metrics: `${url}/v1/metrics` } };
}

/** Says these bytes to whoever says anything. */
async function startRaw(answer: string): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

type Echoed = { path: string; headers: Record<string, unknown>; body: Buffer };

/** A Collector that keeps the bytes as they came. */
async function startEcho({ hangsUpAfterEach = false } = {}): Promise<
  ReturnType<typeof endpoints> & { requests: Echoed[] }
> {
  const requests: Echoed[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      requests.push({ path: request.url ?? "", headers: request.headers, body });
      response.writeHead(200, { "content-type": "application/x-collector" }).end("taken");
      if (hangsUpAfterEach) response.once("finish", () => request.socket.destroySoon());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  return { ...endpoints(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`), requests };
}
