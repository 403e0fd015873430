import { createHmac } from "node:crypto";
import { chmodSync, existsSync, readFileSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";

import { describe, expect, test } from "vitest";

import { failingDisk } from "../../test/support/faulty-disk.ts";
import { startIntake, type Answered, type Asked, type TestIntake } from "../../test/support/intake.ts";
import { tempState } from "../../test/support/temp-state.ts";
import { realDisk } from "../store/disk.ts";

const PATH = "/hermes/webhook";
const SECRET = "a secret of both sides";

describe("what is taken", () => {
  test("a signed event: 202, and the envelope of a hook with the bytes as they came, of the time that it says", async () => {
    const intake = await started();
    const { text, asked } = signed({});
    expect(await intake.ask(PATH, asked)).toMatchObject({ status: 202, body: "" });
    const [envelope, ...others] = intake.taken();
    expect([envelope?.agent, Buffer.from(envelope?.payload ?? []).toString(), others]).toEqual(["hermes", text, []]);
    expect(envelope?.timeNs).toBe(nanosecondsIn(JSON.parse(text).timestamp));
  });

  test("the same delivery twice, one after the other and at once: 202 each time, and one envelope", async () => {
    const intake = await started();
    const { asked } = signed({ delivery_id: "same" });
    const answers = await Promise.all(Array.from({ length: 5 }, () => intake.ask(PATH, asked)));
    answers.push(await intake.ask(PATH, asked), await intake.ask(PATH, signed({ delivery_id: "same", more: 1 }).asked));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    expect(intake.taken()).toHaveLength(1);
  });

  test("the same delivery after a restart, though the bridge has taken its envelope in", async () => {
    const directory = tempState();
    const { asked } = signed({});
    for (const _ of [1, 2]) {
      const intake = await started({ directory });
      expect((await intake.ask(PATH, asked)).status).toBe(202);
      for (const { id } of intake.taken()) unlinkSync(join(directory.spool, `${id}.evt`));
      expect(statSync(directory.deliveries).mode & 0o777).toBe(0o600);
      await intake.close();
    }
    const intake = await started({ directory });
    await intake.ask(PATH, asked);
    expect(intake.taken()).toEqual([]);
  });

  test("the same delivery after a crash between envelope and memory", async () => {
    const directory = tempState();
    const { asked } = signed({});
    const first = await started({ directory });
    await first.ask(PATH, asked);
    await first.close();
    unlinkSync(directory.deliveries);
    const second = await started({ directory });
    expect((await second.ask(PATH, asked)).status).toBe(202);
    expect(second.taken()).toHaveLength(1);
  });

  test("a memory that makes no sense holds nobody up", async () => {
    const directory = tempState();
    for (const content of ["{", '{"v":2}', '{"v":1,"deliveries":[["a"]]}']) {
      writeFileSync(directory.deliveries, content);
      const intake = await started({ directory });
      expect((await intake.ask(PATH, signed({}).asked)).status).toBe(202);
      await intake.close();
    }
  });

  test("many at once: each once, and the memory is bounded", async () => {
    const directory = tempState();
    const past = Array.from({ length: 5000 }, (_, n) => [`k${n}`, Date.now() + 60_000 + n]);
    writeFileSync(directory.deliveries, JSON.stringify({ v: 1, deliveries: past }));
    const intake = await started({ directory });
    const answers = await Promise.all(Array.from({ length: 100 }, () => intake.ask(PATH, signed({}).asked)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(intake.taken()).toHaveLength(100);
    const { deliveries }: { deliveries: unknown[] } = JSON.parse(readFileSync(directory.deliveries, "utf8"));
    expect(deliveries).toHaveLength(4096);
  });

  test("a full disk: 503, which Hermes sends again, and then it is taken", async () => {
    const intake = await started({ disk: failingDisk(realDisk, ["write"], "ENOSPC", 0, 1) });
    const { asked } = signed({});
    expect((await intake.ask(PATH, asked)).status).toBe(503);
    expect(intake.taken()).toEqual([]);
    expect((await intake.ask(PATH, asked)).status).toBe(202);
    expect(intake.taken()).toHaveLength(1);
  });

  test("a new secret counts at once", async () => {
    const intake = await started();
    writeSecret(intake.directory.home, "another");
    expect((await intake.ask(PATH, signed({}).asked)).status).toBe(401);
    expect((await intake.ask(PATH, signed({}, { secret: "another" }).asked)).status).toBe(202);
  });
});

describe("what is refused says why, and leaves nothing behind", () => {
  const other = signed({ session_id: "other" });
  test.each<[string, Asked, number, string]>([
    ["no signature", signed({}, { headers: { "x-hermes-signature-256": undefined } }).asked, 401, "Signature"],
    [
      "a signature of another kind",
      signed({}, { headers: { "x-hermes-signature-256": "sha1=ab" } }).asked,
      401,
      "HMAC",
    ],
    ["the token in its place", { body: "{}", headers: { "x-hermes-signature-256": "x" } }, 401, "HMAC"],
    ["another secret", signed({}, { secret: "x" }).asked, 401, "HMAC"],
    ["the signature of another body", { ...signed({}).asked, headers: other.asked.headers ?? {} }, 401, "HMAC"],
    ["another event in the header", signed({}, { headers: { "x-hermes-event": "on_x" } }).asked, 400, "X-Hermes-Event"],
    ["another delivery in the header", signed({}, { headers: { "x-hermes-delivery": "x" } }).asked, 400, "Delivery"],
    ["no event", signed({ hook_event_name: undefined }).asked, 400, "hook_event_name"],
    ["no delivery", signed({ delivery_id: "" }).asked, 400, "delivery_id"],
    ["no time", signed({ timestamp: undefined }, { isFresh: false }).asked, 400, "timestamp"],
    ["a number for a time", signed({ timestamp: 1 }, { isFresh: false }).asked, 400, "timestamp"],
    ["a day that is none", signed({ timestamp: "2026-13-41T00:00:00Z" }, { isFresh: false }).asked, 400, "timestamp"],
    ["an event of long ago", signed({ timestamp: at(-301) }, { isFresh: false }).asked, 400, "five minutes"],
    ["an event to come", signed({ timestamp: at(310) }, { isFresh: false }).asked, 400, "five minutes"],
    ["no JSON", signedText("{").asked, 400, "JSON"],
    ["a list", signedText("[]").asked, 400, "object"],
    ["a form", signed({}, { headers: { "content-type": "text/plain" } }).asked, 415, "application/json"],
    ["too large", signedText(" ".repeat(2 ** 20 + 1)).asked, 413, "1048576"],
    ["another method", { method: "PUT" }, 405, "POST"],
    ["a web page", signed({}, { headers: { origin: "http://127.0.0.1" } }).asked, 403, "Origin"],
  ])("%s", async (_, asked, status, text) => {
    const intake = await started();
    const answer = await intake.ask(PATH, asked);
    expect([answer.status, errorOf(answer)]).toEqual([status, expect.stringContaining(text)]);
    expect(answer.body).not.toContain(SECRET);
    expect([intake.taken(), existsSync(intake.directory.deliveries)]).toEqual([[], false]);
  });

  test("an event of almost five minutes ago is fresh enough, and one whose clock is ahead is of now", async () => {
    const intake = await started();
    for (const seconds of [-280, 280])
      expect((await intake.ask(PATH, signed({ timestamp: at(seconds) }, { isFresh: false }).asked)).status).toBe(202);
    const nowNs = BigInt(Date.now()) * 1_000_000n;
    expect(intake.taken().every(({ timeNs }) => timeNs <= nowNs)).toBe(true);
  });

  test("the signature is of the bytes as they were sent", async () => {
    const intake = await started();
    const { text, asked } = signed({});
    const gzip = { "content-encoding": "gzip" };
    const wrong = { body: gzipSync(text), headers: { ...asked.headers, ...gzip } };
    expect((await intake.ask(PATH, wrong)).status).toBe(401);
    const right = { ...gzip, "x-hermes-signature-256": signatureOf(gzipSync(text), SECRET) };
    expect((await intake.ask(PATH, { body: gzipSync(text), headers: { ...asked.headers, ...right } })).status).toBe(
      202,
    );
    expect(Buffer.from(intake.taken()[0]?.payload ?? []).toString()).toBe(text);
  });

  test.each<[string, (path: string) => void]>([
    ["missing", unlinkSync],
    ["empty", (path) => writeFileSync(path, "\n")],
    ["open to others", (path) => chmodSync(path, 0o644)],
  ])("a secret file that is %s lets nobody in", async (_, change) => {
    const intake = await started();
    change(join(dirname(intake.directory.home), "secret"));
    const answer = await intake.ask(PATH, signed({}, { secret: "" }).asked);
    expect([answer.status, errorOf(answer)]).toEqual([401, expect.stringContaining("intake.hermesSecretFile")]);
  });

  test("without a secret none are taken, whatever the token", async () => {
    const intake = await startIntake();
    expect((await intake.ask(PATH, signed({}).asked)).status).toBe(401);
    expect(intake.taken()).toEqual([]);
  });
});

type Options = Parameters<typeof startIntake>[0];

async function started(options: Options = {}): Promise<TestIntake> {
  const directory = options.directory ?? tempState();
  return startIntake({ ...options, directory, hermesSecretFile: writeSecret(directory.home, SECRET) });
}

/** Beside the state directory, as a user would have it, with the newline of an editor. */
function writeSecret(home: string, secret: string): string {
  const path = join(dirname(home), "secret");
  writeFileSync(path, `${secret}\n`, { mode: 0o600 });
  return path;
}

let deliveries = 0;

/** What Hermes posts for an event; `isFresh`: of now, whatever `timestamp` is given. */
function signed(
  fields: Record<string, unknown>,
  {
    secret = SECRET,
    headers = {},
    isFresh = true,
  }: { secret?: string; headers?: Asked["headers"]; isFresh?: boolean } = {},
): { text: string; asked: Asked } {
  deliveries += 1;
  const body: Record<string, unknown> = {
    hook_event_name: "on_session_start",
    tool_name: null,
    tool_input: null,
    session_id: "s",
    cwd: "/home/user/project",
    extra: { telemetry_schema_version: "hermes.observer.v1" },
    delivery_id: `d${deliveries}`,
    ...fields,
  };
  if (isFresh) body["timestamp"] = at(-1).replace("Z", "456Z");
  const text = JSON.stringify(body);
  const named = { "x-hermes-event": String(body["hook_event_name"]), "x-hermes-delivery": String(body["delivery_id"]) };
  return signedText(text, secret, { ...named, ...headers });
}

function signedText(text: string, secret = SECRET, headers: Asked["headers"] = {}): { text: string; asked: Asked } {
  const own = { authorization: undefined, "x-hermes-signature-256": signatureOf(Buffer.from(text), secret) };
  return { text, asked: { method: "POST", body: text, headers: { ...own, ...headers } } };
}

function signatureOf(bytes: Uint8Array, secret: string): string {
  return `sha256=${createHmac("sha256", secret).update(bytes).digest("hex")}`;
}

function at(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toISOString();
}

function nanosecondsIn(timestamp: string): bigint {
  return BigInt(Date.parse(timestamp)) * 1_000_000n + 456_000n;
}

function errorOf({ body }: Answered): string {
  const { error }: { error: string } = JSON.parse(body);
  return error;
}
