// A receiver that is not there, or will not, or is another than it should be: agents' hooks do not notice, `status` and the
// log say what is wrong, and once it is mended everything arrives once, with its own times. The bridge is never restarted.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, onTestFinished, test, vi } from "vitest";

import { realDisk } from "../../src/store/disk.ts";
import { readTroubles, type Trouble } from "../../src/store/trouble-file.ts";
import { install, kill, newestIn, spansIn, WAIT, type Installed } from "../support/installed.ts";
import { createOtlpRecorder, RECORDER_CERTIFICATE, type OtlpRecorder } from "../support/otlp-recorder.ts";
import { runShortSession, SHORT_SESSION } from "../support/short-session.ts";
import { freePorts } from "../support/start-program.ts";

const SESSION = "7a1d0000-0000-4000-8000-000000000001";
const HEADERS = { authorization: "Bearer a-secret-token" };
/** For the rows in which a request has to run into its deadline. */
const SHORT_MS = 500;

/** A receiver in trouble; what is sent to `mend`'s receiver from then on is what counts. */
type Outage = {
  config: object;
  mend: () => Promise<OtlpRecorder> | OtlpRecorder;
  /** Must not have got anything. */
  untouched?: OtlpRecorder;
};

type Arrange = (installed: Installed) => Promise<Outage> | Outage;

const ROWS: [name: string, arrange: Arrange, said: RegExp, wrong?: Trouble["kind"][]][] = [
  [
    "nobody listens",
    async () => {
      const port = (await freePorts("otlp"))("otlp");
      return { config: { endpoint: `http://127.0.0.1:${port}` }, mend: () => receiver({ port }) };
    },
    /connect ECONNREFUSED 127\.0\.0\.1:\d+/,
  ],
  [
    "a black hole: the socket listens, and nobody ever accepts",
    async (installed) => {
      const hole = await blackHole();
      const config = { endpoint: `http://127.0.0.1:${hole.port}` };
      return {
        config: { ...config, timeout: SHORT_MS },
        mend: async () => {
          configure(installed, config);
          await hole.end();
          return receiver({ port: hole.port });
        },
      };
    },
    /no complete answer within 500 ms/,
  ],
  [
    "an answer that drips",
    (installed) => {
      installed.recorder.answerWith({ manner: "drip" });
      const config = { endpoint: installed.recorder.url };
      return { config: { ...config, timeout: SHORT_MS }, mend: () => mended(installed, config) };
    },
    /no complete answer within 500 ms/,
  ],
  ["a connection that breaks", answering({ manner: "reset" }), /\(no answer came; if this port speaks TLS/],
  ...[301, 302, 307].map((code): (typeof ROWS)[number] => [
    `a redirection, ${code}`,
    async (installed) => {
      const elsewhere = await receiver();
      const location = `${elsewhere.url}/v1/traces`;
      installed.recorder.answerWith({ status: code, headers: { location } });
      return {
        config: { endpoint: installed.recorder.url, headers: HEADERS },
        mend: () => mended(installed),
        untouched: elsewhere,
      };
    },
    new RegExp(`HTTP ${code} .* to http://127\\.0\\.0\\.1:\\d+/v1/traces, which is not followed; check the endpoint`),
  ]),
  [
    "a path that is not there",
    answering({ status: 404, body: "404 page not found" }),
    /HTTP 404 .*; check the endpoint/,
  ],
  [
    "a login page",
    answering({ headers: { "content-type": "text/html" }, body: "<html>" }),
    /web page instead of an OTLP/,
  ],
  ["too busy", answering({ status: 429, headers: { "retry-after": "1" } }), /HTTP 429 Too Many Requests/],
  ["down", answering({ status: 503 }), /HTTP 503 Service Unavailable/],
  [
    "no metrics taken",
    (installed) => {
      installed.recorder.answerWith(({ path }) => (path === "/v1/metrics" ? { status: 404 } : {}));
      return {
        config: { endpoint: installed.recorder.url },
        mend: () => {
          answerAll(installed);
          return installed.recorder;
        },
      };
    },
    /totals are not accepted; they are kept, since .*: HTTP 404/,
    ["metrics"],
  ],
  ["credentials refused, then accepted", answering({ status: 401 }), /HTTP 401 .*; check the headers and certificates/],
  [
    "credentials refused, then put right in the configuration",
    (installed) => {
      installed.recorder.answerWith(({ headers }) => ({
        status: headers.authorization === HEADERS.authorization ? 200 : 401,
        body: "no a-wrong-token here",
      }));
      return {
        config: { endpoint: installed.recorder.url, headers: { authorization: "Bearer a-wrong-token" } },
        mend: () => reconfigured(installed, { endpoint: installed.recorder.url, headers: HEADERS }),
      };
    },
    /HTTP 401 Unauthorized: no \*\*\* here; check the headers and certificates/,
  ],
  [
    "credentials that a command prints: refused, then as they are by then",
    (installed) => {
      installed.recorder.answerWith(({ headers }) => ({
        status: headers.authorization === HEADERS.authorization ? 200 : 401,
      }));
      const file = join(String(installed.env["HOME"]), "token");
      const write = (token: string) => writeFileSync(file, `authorization: ${token}\n`);
      write("Bearer an-expired-token");
      return {
        config: { endpoint: installed.recorder.url, headersCommand: 'cat "$HOME/token"' },
        mend: () => {
          first.set(installed.recorder, installed.recorder.requests.length);
          write(HEADERS.authorization);
          return installed.recorder;
        },
      };
    },
    /HTTP 401 Unauthorized; check the headers and certificates/,
  ],
  [
    "a certificate that nobody vouches for, then its authority in the configuration",
    async (installed) => {
      const secure = await receiver({ tls: "server" });
      return {
        config: { endpoint: secure.url },
        mend: () => reconfigured(installed, { endpoint: secure.url, tls: { ca: RECORDER_CERTIFICATE } }, secure),
      };
    },
    /self-signed certificate \(if this is your own certificate authority, set tls\.ca\)/,
  ],
  [
    "a certificate for another host",
    async (installed) => {
      const other = await receiver({ tls: "server", host: "127.0.0.2" });
      const tls = { ca: RECORDER_CERTIFICATE };
      return {
        config: { endpoint: other.url, tls },
        mend: () => reconfigured(installed, { endpoint: installed.recorder.url }),
        untouched: other,
      };
    },
    /does not match certificate's altnames.* \(the endpoint must name the host as its certificate does\)/,
  ],
  [
    "plain HTTP to a port that speaks TLS",
    async (installed) => {
      const secure = await receiver({ tls: "server" });
      const tls = { ca: RECORDER_CERTIFICATE };
      return {
        config: { endpoint: secure.url.replace("https", "http"), tls },
        mend: () => reconfigured(installed, { endpoint: secure.url, tls }, secure),
      };
    },
    /no answer came; if this port speaks TLS, the endpoint needs https:\/\//,
  ],
  [
    "TLS to a port that speaks plain HTTP",
    (installed) => ({
      config: { endpoint: installed.recorder.url.replace("http", "https") },
      mend: () => reconfigured(installed, { endpoint: installed.recorder.url }),
    }),
    /this port does not speak TLS; the endpoint may need http:\/\//,
  ],
];

test.for(ROWS)("%s", async ([, arrange, said, wrong = ["metrics", "spans"]]) => {
  const installed = await install();
  const { config, mend, untouched } = await arrange(installed);
  configure(installed, config);
  const { fromNs, toNs } = await runShortSession(installed, { id: SESSION, env: FROM_FILE });
  const pid = await installed.bridge();
  const path = join(installed.state, "trouble.json");
  await vi.waitFor(() => expect(kindsOf(readTroubles(realDisk, path))).toEqual(wrong), WAIT);

  const { stdout } = await installed.run(["status"], FROM_FILE);
  expect(stdout.split("\n").filter((line) => line.startsWith("trouble"))).toHaveLength(wrong.length);
  expect(stdout).toMatch(said);
  expect(stdout).not.toContain("secret");
  // Once, however often it was tried, and for both signals if it is the same.
  const told = logged(installed).filter((line) => line.includes("the receiver does not take"));
  expect(told).toEqual([expect.stringContaining("reason=")]);

  const receiving = await mend();
  const requests = (): OtlpRecorder["requests"] => receiving.requests.slice(first.get(receiving) ?? 0);
  await vi.waitFor(() => {
    expect(spansIn(requests())).toHaveLength(SHORT_SESSION.spans.length);
    expect(totalsIn(requests())).toEqual(SHORT_SESSION.totals);
  }, LONG);
  await vi.waitFor(() => expect(readTroubles(realDisk, path)).toEqual([]), LONG);
  expect(logged(installed).filter((line) => line.includes("the receiver accepts again"))).toHaveLength(1);
  expect(await installed.bridge()).toBe(pid);

  // Nothing comes twice, of what went out and of what is still there.
  expect(await installed.run(["flush", "--close"], FROM_FILE)).toEqual({ code: 0, stdout: "", stderr: "" });
  const spans = spansIn(requests());
  expect(spans.map(({ name }) => name).sort()).toEqual(SHORT_SESSION.spans);
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  for (const { startTimeUnixNano, endTimeUnixNano } of spans) {
    expect(BigInt(startTimeUnixNano)).toBeGreaterThanOrEqual(fromNs);
    expect(BigInt(endTimeUnixNano)).toBeLessThanOrEqual(toNs);
  }
  expect(totalsIn(requests())).toEqual(SHORT_SESSION.totals);
  expect(untouched?.requests ?? []).toEqual([]);
});

test("away for the whole session, and the bridge gone too: the next session's hooks bring it all", async () => {
  const installed = await install();
  const port = (await freePorts("otlp"))("otlp");
  configure(installed, { endpoint: `http://127.0.0.1:${port}` });
  await runShortSession(installed, { id: SESSION, env: FROM_FILE });
  const path = join(installed.state, "trouble.json");
  await vi.waitFor(() => expect(kindsOf(readTroubles(realDisk, path))).toEqual(["metrics", "spans"]), WAIT);
  kill(await installed.bridge(), "SIGTERM");
  await vi.waitFor(async () => expect(await installed.bridges()).toEqual([]), WAIT);
  const { stdout } = await installed.run(["status"], FROM_FILE);
  expect(stdout).toMatch(/not running \(the next hook starts it\)/);
  expect(stdout).toMatch(/trouble .*spans are not accepted; they are kept, since .*ECONNREFUSED/);

  const back = await receiver({ port });
  await runShortSession(installed, { id: SESSION.replace(/1$/, "2"), env: FROM_FILE });
  await vi.waitFor(() => expect(spansIn(back.requests)).toHaveLength(2 * SHORT_SESSION.spans.length), LONG);
  expect(await installed.run(["flush", "--close"], FROM_FILE)).toMatchObject({ code: 0 });
  const ids = spansIn(back.requests).map(({ spanId }) => spanId);
  expect([ids.length, new Set(ids).size]).toEqual([10, 10]);
  expect(totalsIn(back.requests)).toEqual({
    "hookspan.session.count": 2,
    "hookspan.run.count": 2,
    "hookspan.token.usage": 36,
  });
});

test("a configuration that becomes unusable: what was is kept, and said; put right, it counts", async () => {
  const installed = await install();
  installed.recorder.answerWith({ status: 401 });
  configure(installed, { endpoint: installed.recorder.url });
  await runShortSession(installed, { id: SESSION, env: FROM_FILE });
  const pid = await installed.bridge();
  const path = join(installed.state, "trouble.json");
  await vi.waitFor(() => expect(kindsOf(readTroubles(realDisk, path))).toEqual(["metrics", "spans"]), WAIT);
  writeFileSync(String(installed.env["HOOKSPAN_CONFIG"]), '{"endpont": 1}');
  await vi.waitFor(() => expect(kindsOf(readTroubles(realDisk, path))).toContain("configuration"), LONG);
  const complaints = (): string[] => logged(installed).filter((line) => line.includes("endpont: unknown key"));
  await vi.waitFor(() => expect(complaints()).toHaveLength(1), WAIT);
  configure(installed, { endpoint: installed.recorder.url });
  mended(installed);
  await vi.waitFor(() => expect(readTroubles(realDisk, path)).toEqual([]), LONG);
  expect(await installed.bridge()).toBe(pid);
});

test.for<[string, (installed: Installed) => void, RegExp]>([
  [
    "a configuration that is none",
    (installed) => writeFileSync(String(installed.env["HOOKSPAN_CONFIG"]), '{"timeout": 0}'),
    /configuration file .*: timeout: 0 stands there; allowed/,
  ],
  [
    "a certificate that is missing",
    (installed) => configure(installed, { tls: { ca: "/no/such.pem" } }),
    /cannot read tls\.ca from \/no\/such\.pem/,
  ],
  [
    "a price file that is missing",
    (installed) => configure(installed, { prices: "/no/such.json" }),
    /prices: .*ENOENT/,
  ],
])("a bridge that cannot start for %s says so in its log, once, and in status", async ([, arrange, said]) => {
  const installed = await install();
  arrange(installed);
  const path = join(installed.state, "trouble.json");
  await runShortSession(installed, { id: SESSION, env: FROM_FILE });
  await vi.waitFor(
    () => expect(readTroubles(realDisk, path)).toMatchObject([{ kind: "bridge", text: expect.stringMatching(said) }]),
    WAIT,
  );
  await vi.waitFor(async () => expect(await installed.bridges()).toEqual([]), WAIT);
  expect(logged(installed).filter((line) => line.includes("the bridge ended with an error"))).toHaveLength(1);
  // What is wrong with the configuration itself, status says as any command does.
  const status = await installed.run(["status"], FROM_FILE);
  expect(status.stdout + status.stderr).toMatch(said);

  configure(installed, { endpoint: installed.recorder.url });
  expect(await installed.run(["flush", "--close"], FROM_FILE)).toMatchObject({ code: 0 });
  expect(readTroubles(realDisk, path)).toEqual([]);
  expect(
    installed
      .spans()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(SHORT_SESSION.spans);
  expect(totalsIn(installed.recorder.requests)).toEqual(SHORT_SESSION.totals);
});

test("flush against a black hole ends with its time and says where it stood", async () => {
  const installed = await install();
  const hole = await blackHole();
  await runShortSession(installed, { id: SESSION, env: { HOOKSPAN_AUTOSTART: "0" } });
  const endpoint = { HOOKSPAN_ENDPOINT: `http://127.0.0.1:${hole.port}` };
  const { code, stderr } = await installed.run(["flush", "--close", "--timeout", "1"], endpoint);
  expect(code).toBe(1);
  // The default deadline of a request is 10 s: it does not outlast the command's own.
  expect(stderr).toMatch(/not flushed within 1 s: spans are left in the outbox: no complete answer within 1000 ms\n$/);
  expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0 });
  expect(totalsIn(installed.recorder.requests)).toEqual(SHORT_SESSION.totals);
});

/** Only the file says where to send, so that a change of it counts. */
const FROM_FILE = { HOOKSPAN_ENDPOINT: "" };
/** The pauses between tries grow while a machine is busy, to a minute. */
const LONG = { ...WAIT, timeout: 100_000 };

/** From which request on a recorder was mended. */
const first = new WeakMap<OtlpRecorder, number>();

function answering(answer: Parameters<OtlpRecorder["answerWith"]>[0]): Arrange {
  return (installed) => {
    installed.recorder.answerWith(answer);
    return { config: { endpoint: installed.recorder.url, headers: HEADERS }, mend: () => mended(installed) };
  };
}

/** With `config`, the configuration too is another before the first request that counts. */
function mended(installed: Installed, config?: object): OtlpRecorder {
  if (config !== undefined) configure(installed, config);
  answerAll(installed);
  first.set(installed.recorder, installed.recorder.requests.length);
  return installed.recorder;
}

function answerAll({ recorder }: Installed): void {
  recorder.answerWith({ headers: { "content-type": "application/json" }, body: "{}" });
}

function reconfigured(installed: Installed, config: object, recorder = installed.recorder): OtlpRecorder {
  first.set(recorder, recorder.requests.length);
  configure(installed, config);
  return recorder;
}

function configure(installed: Installed, config: object): void {
  writeFileSync(String(installed.env["HOOKSPAN_CONFIG"]), JSON.stringify(config));
}

async function receiver(options?: Parameters<typeof createOtlpRecorder>[0]): Promise<OtlpRecorder> {
  const recorder = await createOtlpRecorder(options);
  onTestFinished(() => recorder.close());
  return recorder;
}

/** A process that listens and was stopped: the kernel takes connections, and nothing is ever read from them. */
async function blackHole(): Promise<{ port: number; end: () => Promise<void> }> {
  const script = `const s = require("net").createServer().listen(0, "127.0.0.1", () => console.log(s.address().port));`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  onTestFinished(end);
  const port = await new Promise<number>((resolve) => child.stdout.once("data", (text) => resolve(Number(text))));
  child.kill("SIGSTOP");
  return { port, end };
}

function kindsOf(troubles: Trouble[]): Trouble["kind"][] {
  return troubles.map(({ kind }) => kind).sort();
}

function logged({ state }: Installed): string[] {
  try {
    return readFileSync(join(state, "log"), "utf8").split("\n");
  } catch {
    return [];
  }
}

function totalsIn(requests: OtlpRecorder["requests"]): Record<string, number> {
  return Object.fromEntries(Object.keys(SHORT_SESSION.totals).map((name) => [name, newestIn(requests, name)]));
}
