// The real Collector as it refuses: a path that it does not have, TLS where none was expected, its sending queue full.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test, vi } from "vitest";

import { realDisk } from "../../src/store/disk.ts";
import { readTroubles } from "../../src/store/trouble-file.ts";
import { install, newestIn, spansIn, WAIT, type Installed } from "../support/installed.ts";
import { RECORDER_CERTIFICATE, RECORDER_KEY, type OtlpRecorder } from "../support/otlp-recorder.ts";
import { runShortSession, SHORT_SESSION } from "../support/short-session.ts";
import { COLLECTOR, stackProgram } from "../support/stack-program.ts";
import { freePorts, startProgram } from "../support/start-program.ts";
import { tempDirectory } from "../support/temp-state.ts";

const SESSION = "7c1d0000-0000-4000-8000-000000000001";
const FROM_FILE = { HOOKSPAN_ENDPOINT: "" };
const LONG = { ...WAIT, timeout: 90_000 };
const FOREIGN = "foreign";

const program = stackProgram(COLLECTOR);

describe.runIf(program !== undefined)("the real Collector", () => {
  test.for<[string, boolean, (url: string) => string, RegExp]>([
    [
      "asked at a path that it does not have",
      false,
      (url) => `${url}/otlp`,
      /HTTP 404 Not Found: .*; check the endpoint/,
    ],
    [
      "asked in plain HTTP where it speaks TLS",
      true,
      (url) => url.replace("https", "http"),
      /HTTP 400 Bad Request: .*; the endpoint needs https:\/\//,
    ],
  ])("%s: kept, said, and sent once the configuration is right", async ([, tls, wrong, said]) => {
    const installed = await install();
    const url = await collectorBefore(installed.recorder, tls);
    configure(installed, { endpoint: wrong(url) });
    await runShortSession(installed, { id: SESSION, env: FROM_FILE });
    await inTrouble(installed, said);
    configure(installed, { endpoint: url, ...(tls ? { tls: { ca: RECORDER_CERTIFICATE } } : {}) });
    expect(await arrived(installed, () => installed.recorder.requests)).toEqual(SHORT_SESSION.spans);
  });

  test("with its sending queue full and what stands behind it stuck: kept, said, and sent when it moves on", async () => {
    const installed = await install();
    const { recorder } = installed;
    recorder.answerWith({ manner: "silence" });
    const url = await collectorBefore(recorder, false);
    for (const path of ["/v1/traces", "/v1/metrics"]) await fillQueue(`${url}${path}`);
    configure(installed, { endpoint: url });
    await runShortSession(installed, { id: SESSION, env: FROM_FILE });
    await inTrouble(installed, /HTTP (503 Service Unavailable|429 Too Many Requests)/);
    const from = recorder.requests.length;
    recorder.answerWith({ headers: { "content-type": "application/json" }, body: "{}" });
    expect(await arrived(installed, () => recorder.requests.slice(from))).toEqual(SHORT_SESSION.spans);
  });
});

/** A Collector with room for one request, which hands on to the recorder, and tries again each second. */
async function collectorBefore(behind: OtlpRecorder, tls: boolean): Promise<string> {
  const directory = tempDirectory();
  const port = await freePorts("http", "health");
  const file = join(directory, "collector.yaml");
  const secure = tls ? { tls: { cert_file: RECORDER_CERTIFICATE, key_file: RECORDER_KEY } } : {};
  const pipeline = { receivers: ["otlp"], exporters: ["otlp_http"] };
  const config = {
    extensions: { health_check: { endpoint: `127.0.0.1:${port("health")}` } },
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port("http")}`, ...secure } } } },
    exporters: {
      otlp_http: {
        endpoint: behind.url,
        encoding: "json",
        compression: "none",
        timeout: "1s",
        sending_queue: { queue_size: 1, num_consumers: 1, block_on_overflow: false },
        retry_on_failure: { initial_interval: "1s", max_interval: "1s", max_elapsed_time: "0s" },
      },
    },
    service: {
      extensions: ["health_check"],
      telemetry: { metrics: { level: "none" } },
      pipelines: { traces: pipeline, metrics: pipeline },
    },
  };
  writeFileSync(file, JSON.stringify(config));
  await startProgram({
    command: program ?? "",
    args: ["--config", file],
    cwd: directory,
    env: {},
    ready: `http://127.0.0.1:${port("health")}/`,
  });
  return `${tls ? "https" : "http"}://127.0.0.1:${port("http")}`;
}

/** Somebody else's telemetry, until the Collector takes no more. */
async function fillQueue(url: string): Promise<void> {
  const atNs = `${Date.now()}000000`;
  const span = { traceId: "1".repeat(32), spanId: "1".repeat(16), name: FOREIGN, kind: 1, startTimeUnixNano: atNs };
  const metric = { name: FOREIGN, gauge: { dataPoints: [{ timeUnixNano: atNs, asInt: "1" }] } };
  const body = {
    resourceSpans: [{ resource: {}, scopeSpans: [{ scope: {}, spans: [{ ...span, endTimeUnixNano: atNs }] }] }],
    resourceMetrics: [{ resource: {}, scopeMetrics: [{ scope: {}, metrics: [metric] }] }],
  };
  const { resourceSpans, resourceMetrics } = body;
  const text = JSON.stringify(url.endsWith("traces") ? { resourceSpans } : { resourceMetrics });
  for (;;) {
    const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: text });
    await answer.body?.cancel();
    if (!answer.ok) return;
  }
}

async function inTrouble(installed: Installed, said: RegExp): Promise<void> {
  await vi.waitFor(() => {
    const troubles = readTroubles(realDisk, join(installed.state, "trouble.json"));
    expect(troubles.map(({ kind }) => kind).sort()).toEqual(["metrics", "spans"]);
    for (const { text } of troubles) expect(text).toMatch(said);
  }, LONG);
  const { stdout } = await installed.run(["status"], FROM_FILE);
  expect(stdout).toMatch(said);
}

/** The names of the spans, once all is there and nothing is left to send. */
async function arrived(installed: Installed, requests: () => OtlpRecorder["requests"]): Promise<string[]> {
  const names = (): string[] =>
    spansIn(requests())
      .map(({ name }) => name)
      .filter((name) => name !== FOREIGN)
      .sort();
  await vi.waitFor(() => expect(names()).toHaveLength(SHORT_SESSION.spans.length), LONG);
  await vi.waitFor(() => {
    const totals = Object.keys(SHORT_SESSION.totals).map((name) => [name, newestIn(requests(), name)]);
    expect(Object.fromEntries(totals)).toEqual(SHORT_SESSION.totals);
  }, LONG);
  expect(await installed.run(["flush", "--close"], FROM_FILE)).toMatchObject({ code: 0 });
  return names();
}

function configure(installed: Installed, config: object): void {
  writeFileSync(String(installed.env["HOOKSPAN_CONFIG"]), JSON.stringify(config));
}
