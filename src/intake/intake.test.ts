import { readdirSync, readFileSync, statSync } from "node:fs";
import { gzipSync } from "node:zlib";

import { describe, expect, test } from "vitest";

import { failingDisk } from "../../test/support/faulty-disk.ts";
import { startIntake, type Asked } from "../../test/support/intake.ts";
import { createOtlpRecorder } from "../../test/support/otlp-recorder.ts";
import { tempState } from "../../test/support/temp-state.ts";
import { realDisk } from "../store/disk.ts";
import { readTroubles } from "../store/trouble-file.ts";

const HOOK = "/v1/hooks/claude-code";
const FRAME = "/api/hooks/ingest";
const PAYLOAD = '{"session_id":"s1", "hook_event_name":"Stop"}';
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("what is taken", () => {
  test("a payload: 202 without a body, and the envelope of a hook with the bytes as they came", async () => {
    const intake = await startIntake();
    const beforeNs = BigInt(Date.now()) * 1_000_000n;
    const answer = await intake.ask(HOOK, { body: PAYLOAD, headers: { traceparent: TRACEPARENT, tracestate: "a=b" } });
    expect([answer.status, answer.body, answer.headers["content-length"]]).toEqual([202, "", "0"]);
    const [envelope, ...others] = intake.taken();
    expect(others).toEqual([]);
    expect(envelope).toMatchObject({ agent: "claude-code", traceparent: TRACEPARENT, tracestate: "a=b", env: {} });
    expect(Buffer.from(envelope?.payload ?? []).toString()).toBe(PAYLOAD);
    expect(envelope?.timeNs).toBeGreaterThanOrEqual(beforeNs);
    const modes = readdirSync(intake.directory.spool).map(
      (name) => statSync(`${intake.directory.spool}/${name}`).mode & 0o777,
    );
    expect(modes).toEqual([0o600]);
  });

  test("the event's name, where the payload does not hold it", async () => {
    const intake = await startIntake();
    expect((await intake.ask("/v1/hooks/opencode?event=session.idle", { body: "{}" })).status).toBe(202);
    expect(intake.taken()).toMatchObject([{ agent: "opencode", event: "session.idle" }]);
  });

  test("gzip, whose content is what the agent wrote", async () => {
    const intake = await startIntake();
    const headers = { "content-encoding": "gzip" };
    expect((await intake.ask(HOOK, { body: gzipSync(PAYLOAD), headers })).status).toBe(202);
    expect(Buffer.from(intake.taken()[0]?.payload ?? []).toString()).toBe(PAYLOAD);
  });

  test("a body in chunks, after the server said go on", async () => {
    const intake = await startIntake();
    const headers = { expect: "100-continue", "transfer-encoding": "chunked" };
    expect((await intake.ask(HOOK, { body: PAYLOAD, headers })).status).toBe(202);
    expect(intake.taken()).toHaveLength(1);
  });

  test.each([
    ["all of it", { event_type: "agent:start", context: { session_id: "s" }, src: "gateway" }],
    ["no context, no source", { event_type: "gateway:startup" }],
    ["a context that says nothing", { event_type: "x", context: null, src: 7 }],
    ["an event that nobody knows", { event_type: "no:such", context: {} }],
    [
      "a frame that was forwarded before, which the adapter leaves out",
      { event_type: "x", context: { _forwarded: true } },
    ],
  ])("a frame of Hermes: %s", async (_, frame) => {
    const intake = await startIntake();
    expect((await intake.ask(FRAME, { body: JSON.stringify(frame) })).status).toBe(202);
    const [envelope] = intake.taken();
    expect(envelope?.agent).toBe("hermes");
    expect(JSON.parse(Buffer.from(envelope?.payload ?? []).toString())).toEqual(frame);
  });

  test("many at once over few connections: each once, with a name of its own, in the order they were taken", async () => {
    const intake = await startIntake();
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, n) => intake.ask(HOOK, { body: JSON.stringify({ session_id: "s", n }) })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const numbers = intake.taken().map(({ payload }): unknown => JSON.parse(Buffer.from(payload).toString()).n);
    expect(new Set(numbers).size).toBe(300);
    const times = intake.taken().map(({ timeNs }) => timeNs);
    expect(times).toEqual(times.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
  });
});

describe("what is refused", () => {
  test.each<[string, string, Asked, number, string]>([
    ["no token", HOOK, post(PAYLOAD, { authorization: undefined }), 401, "Authorization"],
    ["another token", HOOK, post(PAYLOAD, { authorization: "Bearer x" }), 401, "Authorization"],
    ["an empty token", HOOK, post(PAYLOAD, { authorization: "Bearer " }), 401, "Authorization"],
    ["another scheme", HOOK, post(PAYLOAD, { authorization: "Basic eDp5" }), 401, "Authorization"],
    ["no token, before the body is looked at", HOOK, post("{", { authorization: undefined }), 401, "Authorization"],
    ["no token for telemetry", "/v1/logs", post("{}", { authorization: undefined }), 401, "Authorization"],
    ["a web page", HOOK, post(PAYLOAD, { origin: "http://127.0.0.1" }), 403, "Origin"],
    ["a page without a name", HOOK, post(PAYLOAD, { origin: "null" }), 403, "Origin"],
    ["a page that asks how we are", "/health", { headers: { origin: "https://x" } }, 403, "Origin"],
    ["a foreign Host", HOOK, post(PAYLOAD, { host: "evil.example" }), 403, "Host"],
    ["a Host that begins like ours", HOOK, post(PAYLOAD, { host: "127.0.0.1.evil.example" }), 403, "Host"],
    ["a Host in disguise", HOOK, post(PAYLOAD, { host: "localhost:1@evil.example" }), 403, "Host"],
    ["no such path", "/", {}, 404, "POST /v1/hooks/{agent}"],
    ["a path beside ours", "/v1/hooks/claude-code/x", post("{}"), 404, "no such path"],
    ["a path upwards", "/v1/hooks/..%2f..%2fx", post("{}"), 404, "no agent"],
    ["no agent", "/v1/hooks/", post("{}"), 404, "no agent"],
    ["an agent that nobody knows", "/v1/hooks/nobody", post("{}"), 404, "no agent of this name"],
    ["another method", HOOK, {}, 405, "POST"],
    ["a post to health", "/health", post("{}"), 405, "GET"],
    ["a nonce of nothing", "/health?nonce=a", {}, 400, "nonce"],
    ["an event with a newline", `${HOOK}?event=a%0ab`, post("{}"), 400, "event"],
    ["a form", HOOK, post(PAYLOAD, { "content-type": "application/x-www-form-urlencoded" }), 415, "application/json"],
    ["text", FRAME, post("{}", { "content-type": "text/plain" }), 415, "application/json"],
    ["an encoding", HOOK, post(PAYLOAD, { "content-encoding": "zstd" }), 415, "gzip"],
    ["two encodings", HOOK, post(PAYLOAD, { "content-encoding": "gzip, gzip" }), 415, "gzip"],
    ["no gzip", HOOK, post(PAYLOAD, { "content-encoding": "gzip" }), 400, "not gzip"],
    ["half a gzip", HOOK, post(gzipSync(PAYLOAD).subarray(0, 30), { "content-encoding": "gzip" }), 400, "not gzip"],
    ["a bomb", HOOK, post(gzipSync(Buffer.alloc(2 ** 22)), { "content-encoding": "gzip" }), 413, "unpacked"],
    ["too large", HOOK, post(Buffer.alloc(2 ** 20 + 1, 32)), 413, "1048576"],
    [
      "too large, in chunks",
      HOOK,
      post(Buffer.alloc(2 ** 20 + 1, 32), { "transfer-encoding": "chunked" }),
      413,
      "1048576",
    ],
    ["nothing", HOOK, post(""), 400, "not JSON"],
    ["no JSON", HOOK, post("{"), 400, "not JSON"],
    ["no UTF-8", HOOK, post(Buffer.from('{"a":"\xff"}', "latin1")), 400, "UTF-8"],
    ["a list", HOOK, post("[{}]"), 400, "one JSON object"],
    ["null", FRAME, post("null"), 400, "one JSON object"],
    ["a frame of nothing", FRAME, post("{}"), 400, "event_type"],
    ["a frame with an empty name", FRAME, post('{"event_type":""}'), 400, "event_type"],
    ["a frame with a number for a name", FRAME, post('{"event_type":7}'), 400, "event_type"],
    ["a frame with a list for a context", FRAME, post('{"event_type":"x","context":[]}'), 400, "context"],
    ["a frame with a word for a context", FRAME, post('{"event_type":"x","context":"s"}'), 400, "context"],
  ])("%s", async (_, path, asked, status, text) => {
    const intake = await startIntake();
    const answer = await intake.ask(path, asked);
    expect(answer.status).toBe(status);
    expect(answer.headers["content-type"]).toBe("application/json");
    const { error }: { error: string } = JSON.parse(answer.body);
    expect(error).toContain(text);
    expect(intake.taken()).toEqual([]);
  });

  test.each([
    ["a header that never ends", `POST ${HOOK} HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}`, "431"],
    ["another protocol", "\x16\x03\x01\x02\x00\x01", "400"],
    ["no Host", `GET /health HTTP/1.1\r\n\r\n`, "400"],
    ["HTTP/1.0 without a Host", `GET /health HTTP/1.0\r\n\r\n`, "403"],
    [
      "two lengths",
      `POST ${HOOK} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`,
      "400",
    ],
    [
      "a length and chunks, as smugglers do",
      `POST ${HOOK} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      "400",
    ],
  ])("on the wire: %s", async (_, bytes, status) => {
    const intake = await startIntake();
    expect(await intake.raw(bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  test("a full disk: 503, nothing is left, and the client may try again", async () => {
    const intake = await startIntake({ disk: failingDisk(realDisk, ["write"], "ENOSPC", 0, 1) });
    const answer = await intake.ask(HOOK, { body: PAYLOAD });
    expect([answer.status, answer.headers["retry-after"]]).toEqual([503, "5"]);
    expect(intake.taken()).toEqual([]);
    expect((await intake.ask(HOOK, { body: PAYLOAD })).status).toBe(202);
  });
});

describe("health and token", () => {
  test("health is open, and says who answers", async () => {
    const intake = await startIntake();
    for (const path of ["/health", "/api/hooks/health"]) {
      const answer = await intake.ask(path, { headers: { authorization: undefined } });
      expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { ok: true, instance: intake.address.instance }]);
    }
  });

  test("at a free port the token is new each time; at a fixed one it stays, in a file of the user's own", async () => {
    const directory = tempState();
    const tokens: string[] = [];
    for (const port of [0, 0]) {
      const intake = await startIntake({ directory, port });
      tokens.push(intake.address.token);
      await intake.close();
    }
    const port = await freePort();
    for (const _ of [1, 2]) {
      const intake = await startIntake({ directory, port });
      tokens.push(intake.address.token);
      expect(intake.address.url).toBe(`http://127.0.0.1:${port}`);
      await intake.close();
    }
    expect(new Set(tokens).size).toBe(3);
    expect(tokens[2]).toBe(tokens[3]);
    expect(tokens.every((token) => /^[A-Za-z0-9_-]{43}$/.test(token))).toBe(true);
    expect(readFileSync(directory.intakeToken, "utf8")).toBe(`${tokens[3]}\n`);
    expect(statSync(directory.intakeToken).mode & 0o777).toBe(0o600);
  });

  test("a port that is taken is waited for, and status says so meanwhile", async () => {
    const other = await createOtlpRecorder();
    const directory = tempState();
    const starting = startIntake({ directory, port: Number(new URL(other.url).port) });
    await expect.poll(() => readTroubles(realDisk, directory.trouble)).toMatchObject([{ kind: "intake" }]);
    await other.close();
    const intake = await starting;
    expect((await intake.ask(HOOK, { body: PAYLOAD })).status).toBe(202);
    expect(readTroubles(realDisk, directory.trouble)).toEqual([]);
  }, 20_000);

  test("closed, it answers what is under way and nobody after that", async () => {
    const intake = await startIntake();
    const answers = Array.from({ length: 20 }, () => intake.ask(HOOK, { body: PAYLOAD }));
    const first = await Promise.any(answers);
    await intake.close();
    const taken = (await Promise.allSettled(answers)).filter((end) => end.status === "fulfilled");
    expect(first.status).toBe(202);
    expect(intake.taken().length).toBeGreaterThanOrEqual(taken.length);
    await expect(intake.ask("/health")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});

function post(body: string | Uint8Array, headers: Asked["headers"] = {}): Asked {
  return { body, headers };
}

async function freePort(): Promise<number> {
  const recorder = await createOtlpRecorder();
  await recorder.close();
  return Number(new URL(recorder.url).port);
}
