// 10,000 requests that no good client sends, at a real bridge: it answers or hangs up, never with a fault of its own, keeps its
// memory, writes nowhere else, and what it has said 202 to is counted afterwards.
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { expect, onTestFinished, test, vi } from "vitest";

import { verified, type IntakeAddress } from "../../src/intake/discovery.ts";
import { realDisk } from "../../src/store/disk.ts";
import { createRandom, type Random } from "../proof/random.ts";
import { install, WAIT } from "../support/installed.ts";

const REQUESTS = 10_000;
const AT_ONCE = 24;
/** A bridge at work takes about 120 MB; what a flood of such requests may add is bounded by what is in memory at once. */
const MEMORY_MB = 450;

const STATE =
  /^(?:spool|quarantine|sessions|held|outbox|log|log\.1|lease|lock\.\d+|[a-z]+\.json|instance-id|intake-token)$/;

test("10,000 malformed requests do no harm", { timeout: 600_000 }, async () => {
  const installed = await install();
  const sink = await startSink();
  const { child, ended } = installed.start(["bridge"], { HOOKSPAN_ENDPOINT: sink });
  const address = await vi.waitFor(async () => {
    const found = await verified(realDisk, installed.state);
    if (found.status !== "verified") throw new Error("no intake yet");
    return found;
  }, WAIT);
  const before = filesBelow(installed.tree.root, installed.state);

  const random = createRandom(20_261_121);
  const statuses = new Map<number, number>();
  let sent = 0;
  const client = async (): Promise<void> => {
    while (sent < REQUESTS) {
      sent += 1;
      for (const status of await statusesOf(address, malformed(random, address)))
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));

  expect([...statuses.keys()].filter((status) => status >= 500)).toEqual([]);
  // All kinds of answers were met, so the requests were not all thrown away by the parser.
  for (const status of [202, 400, 401, 403, 404, 405, 413, 415, 431]) expect([...statuses.keys()]).toContain(status);
  expect(peakMemoryMb(child.pid ?? 0)).toBeLessThan(MEMORY_MB);
  expect(filesBelow(installed.tree.root, installed.state)).toEqual(before);
  expect(readdirSync(installed.state).filter((name) => !STATE.test(name))).toEqual([]);
  expect(await verified(realDisk, installed.state)).toMatchObject({ status: "verified", instance: address.instance });

  child.kill("SIGTERM");
  expect((await ended).code).toBe(0);
  expect(await installed.run(["flush", "--close"], { HOOKSPAN_ENDPOINT: sink })).toMatchObject({ code: 0 });
  const { events }: { events: Record<string, number> } = JSON.parse((await installed.run(["status", "--json"])).stdout);
  // By what became of envelopes, which is said once for each; the rest tells of events within them.
  const counted = ["folded", "unknown", "quarantined", "ignored", "no_session", "synthetic", "excluded", "dropped"];
  const envelopes = counted.reduce((sum, outcome) => sum + (events[outcome] ?? 0), 0);
  expect({ envelopes, events }).toEqual({ envelopes: statuses.get(202), events });
});

/** `isCut`: what is announced is more than what comes. */
type Wire = { bytes: Buffer; isCut: boolean };

/** A request that is wrong in one place, or in all. */
function malformed(random: Random, { token, url }: IntakeAddress): Wire {
  const method = random.chance(0.8)
    ? "POST"
    : random.pick(["GET", "PUT", "HEAD", "OPTIONS", "TRACE", "CONNECT", "post", "", "P OST", "\0", random.word(30)]);
  const path = random.chance(0.75) ? random.pick(PATHS) : random.pick(ODD_PATHS);
  const body = bodyOf(random);
  const isPacked = random.chance(0.15);
  const packed = isPacked && random.chance(0.8) ? gzipSync(body) : body;
  const bytes = random.chance(0.05) ? packed.subarray(0, random.int(0, packed.length)) : packed;
  const headers = [
    `Host: ${random.chance(0.9) ? new URL(url).host : random.pick(ODD_VALUES)}`,
    ...(random.chance(0.9) ? [`Authorization: Bearer ${random.chance(0.95) ? token : random.pick(ODD_VALUES)}`] : []),
    ...(random.chance(0.9)
      ? [`Content-Type: ${random.chance(0.85) ? random.pick(TYPES) : random.pick(ODD_VALUES)}`]
      : []),
    ...(isPacked
      ? ["Content-Encoding: gzip"]
      : random.chance(0.05)
        ? [`Content-Encoding: ${random.pick(ODD_VALUES)}`]
        : []),
    ...(random.chance(0.05) ? [`Origin: ${random.pick(ODD_VALUES)}`] : []),
    ...(random.chance(0.05) ? [`Expect: ${random.pick(["100-continue", "the worst"])}`] : []),
    ...(random.chance(0.1)
      ? [`Traceparent: ${random.pick(ODD_VALUES)}`, `Tracestate: ${random.pick(ODD_VALUES)}`]
      : []),
    ...(random.chance(0.05) ? [random.pick(ODD_HEADERS)] : []),
    "Connection: close",
    ...framing(random, bytes.length),
  ];
  const head = `${method} ${path} HTTP/${random.chance(0.97) ? "1.1" : random.pick(["1.0", "2.0", "0.9", "x"])}\r\n${headers.join("\r\n")}\r\n\r\n`;
  const isWhole = random.chance(0.9);
  const size = isWhole ? bytes.length.toString(16) : random.pick(["-1", "zz", "ffffffffffffffff", ""]);
  const isChunked = headers.includes("Transfer-Encoding: chunked");
  const announced = headers.flatMap((header) => /^Content-Length: (\d+)$/.exec(header)?.[1] ?? []).map(Number);
  return {
    bytes: Buffer.concat([Buffer.from(head, "latin1"), isChunked ? chunked(bytes, size) : bytes]),
    isCut: announced.some((length) => length > bytes.length) || (isChunked && !isWhole),
  };
}

const PATHS = [
  "/v1/hooks/claude-code",
  "/v1/hooks/codex",
  "/v1/hooks/hermes?event=stop",
  "/v1/hooks/opencode?event=session.idle",
  "/v1/hooks/generic",
  "/api/hooks/ingest",
  "/v1/logs",
  "/v1/metrics",
  "/v1/traces",
] as const;

const ODD_PATHS = [
  "/",
  "",
  "*",
  "//",
  "/health?nonce=%00",
  "/health",
  "/v1/hooks/",
  "/v1/hooks/../../../etc/passwd",
  "/v1/hooks/..%2f..%2fx",
  "/v1/hooks/%00",
  "/v1/hooks/__proto__",
  "/v1/hooks/constructor",
  "/v1/hooks/CLAUDE-CODE",
  "/v1/hooks/claude-code?event=%0aagent=x",
  "/v1/hooks/claude-code?event=../x&event=y",
  "/v1/hooks/claude-code?%",
  "http://evil.example/v1/hooks/claude-code",
  `/v1/hooks/${"a".repeat(5000)}`,
  "/v1/hooks/claude-code#fragment",
  "/v1/hooks/\xff\xfe",
] as const;

const TYPES = ["application/json", "application/json; charset=utf-8", "application/x-protobuf"] as const;

const ODD_VALUES = [
  "",
  "x",
  "null",
  "127.0.0.1.evil.example",
  "gzip, gzip",
  "text/html",
  "a\tb",
  "\xff",
  "\x01",
  "x".repeat(20_000),
  "%0d%0aX: y",
  "{}",
  "00-00000000000000000000000000000000-0000000000000000-01",
  "Bearer Bearer",
] as const;

const ODD_HEADERS = [
  "no colon",
  ": no name",
  "Content-Length: -1",
  "Content-Length: 99999999999999999999",
  "Content-Length: 0x10",
  "Content-Length: 99999999",
  "Transfer-Encoding: gzip",
  "Transfer-Encoding: chunked, identity",
  "Connection: upgrade\r\nUpgrade: websocket",
  "X: y\r\n z",
  "__proto__: x",
  Array.from({ length: 3000 }, (_, n) => `X-${n}: y`).join("\r\n"),
] as const;

function framing(random: Random, length: number): string[] {
  if (random.chance(0.75)) return [`Content-Length: ${length}`];
  return random.pick([
    ["Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", `Content-Length: ${length}`],
    [`Content-Length: ${Math.max(0, length - random.int(0, 9))}`],
    [`Content-Length: ${length + random.int(1, 9)}`],
    [],
  ]);
}

function chunked(bytes: Buffer, size: string): Buffer {
  return Buffer.concat([Buffer.from(`${size}\r\n`), bytes, Buffer.from("\r\n0\r\n\r\n")]);
}

function bodyOf(random: Random): Buffer {
  const depth = random.int(1, 100_000);
  const value = random.pick([
    '""',
    "null",
    "0",
    "[]",
    "{}",
    '"s"',
    '"\\ud800"',
    "1e999",
    '"../../x"',
    `"${"x".repeat(2000)}"`,
  ]);
  const name = random.pick(["Stop", "PreToolUse", "UserPromptSubmit", "SessionStart", "no-such", "__proto__", ""]);
  // The large ones seldom: each costs as much as a hundred of the others.
  if (random.chance(0.01))
    return Buffer.alloc(random.pick([2 ** 20, 2 ** 22, 33 * 2 ** 20]), random.pick([" ", "[", "0"]));
  return Buffer.from(
    random.pick([
      `{"session_id":${value},"hook_event_name":"${name}","tool_use_id":${value},"tool_input":${value},"prompt_id":${value}}`,
      `{"session_id":"s","hook_event_name":"${name}","transcript_path":"/etc/passwd","cwd":${value}}`,
      `{"event_type":${value},"context":${value},"src":${value}}`,
      `{"event_type":"session:start","context":{"session_id":${value},"_forwarded":${value}}}`,
      `{"resourceLogs":[{"resource":${value},"scopeLogs":[{"logRecords":[{"attributes":[{"key":"session.id","value":${value}}]}]}]}]}`,
      `{"resourceLogs":${value},"resourceMetrics":${value},"resourceSpans":${value}}`,
      `${"[".repeat(depth)}${"]".repeat(depth)}`,
      `{"session_id":"s","hook_event_name":"PreToolUse","tool_input":${'{"a":'.repeat(depth)}1${"}".repeat(depth)}}`,
      `{"__proto__":{"session_id":"s"},"constructor":${value}}`,
      value,
      "",
      "{",
      "\0",
      `{"session_id":"s\nend=x\n"}`,
      `{"session_id":"${random.word(40)}","hook_event_name":"Stop"}\nend=${random.word(8)}\n`,
    ]),
    random.chance(0.9) ? "utf8" : "utf16le",
  );
}

/**
 * The statuses of all answers that come back on one connection. A client that will never come to the end of its request hangs
 * up; one that has is heard to the end.
 */
function statusesOf({ url }: IntakeAddress, { bytes, isCut }: Wire): Promise<number[]> {
  return new Promise((resolve) => {
    let said = "";
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => {
      socket.write(bytes);
      if (isCut) socket.end();
    });
    socket.setEncoding("latin1").on("data", (part: string) => (said += part));
    socket.on("error", () => {});
    socket.on("close", () => {
      const all = [...said.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
      resolve(all.filter((status) => status >= 200));
    });
  });
}

/** A receiver that says yes to anything. */
async function startSink(): Promise<string> {
  const server = createServer((request, response) => {
    request.on("error", () => {});
    request.resume().on("end", () => response.setHeader("content-type", "application/json").end("{}"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

function filesBelow(root: string, except: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
    (name) => !join(root, name).startsWith(except),
  );
}

function peakMemoryMb(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}
