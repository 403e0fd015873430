// What the shipped Collector files cost: spans for each second of one core, from the CPU time of the real process while it takes
// spans from HTTP and until all have come out behind it. `node bench/collector.mjs [spans]`, by default 10,000 for each row.
// Linux. CPU time is not wall time, so other work on the machine changes little; still, only the ratios carry over to yours.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { COLLECTOR, stackProgram } from "../test/support/stack-program.ts";
import { figuresOf, program, until } from "./program.mjs";

const SPANS = Number(process.argv[2] ?? 10_000);
const SENDERS = 4;
/** Each program has a loopback address of its own, and so the shipped ports. */
const address = (n) => `127.${(process.pid >> 8) & 255}.${process.pid & 255}.${n}`;
const CERT = program("test/support/tls/cert.pem");
const KEY = program("test/support/tls/key.pem");
/** The password is "correct horse". bcrypt of cost 5, which `htpasswd -nB` writes, of cost 10, and SHA-1, which costs nothing. */
const HASHES = {
  "bcrypt, cost 5": "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
  "bcrypt, cost 10": "$2b$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu",
  "SHA-1": "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=",
};

const command = stackProgram(COLLECTOR);
if (command === undefined) throw new Error("no Collector here; run test/support/build-collector.sh once");
const root = mkdtempSync(join(tmpdir(), "hookspan-bench-"));
try {
  const rows = [];
  for (const size of [10, 100]) {
    rows.push(...(await oneHost(size)));
    for (const hash of Object.keys(HASHES)) rows.push(...(await fleet(size, hash, false)));
    rows.push(...(await fleet(size, "SHA-1", true)));
  }
  print(rows);
} finally {
  rmSync(root, { recursive: true, force: true });
}

async function oneHost(size) {
  const sink = await startSink();
  const env = { TEMPO_OTLP: `${address(4)}:4317`, PROMETHEUS_OTLP: `http://${address(4)}:4318` };
  const collector = await start("collector", 2, ["collector-config/collector.yaml"], env);
  const figures = await measure(`http://${address(2)}:4318/v1/traces`, size, { "collector.yaml": collector });
  await collector.stop();
  await sink.stop();
  return figures;
}

async function fleet(size, hash, sync) {
  const sink = await startSink();
  const htpasswd = join(root, "htpasswd");
  writeFileSync(htpasswd, `ann:${HASHES[hash]}\n`);
  const env = {
    EDGE_HTPASSWD: htpasswd,
    EDGE_CERT: CERT,
    EDGE_KEY: KEY,
    FLEET_CERT: CERT,
    FLEET_KEY: KEY,
    FLEET_CA: CERT,
    GATEWAYS: `[${address(3)}:4317]`,
    TEMPO_OTLP: `${address(4)}:4317`,
    TEMPO_INSECURE: "true",
    METRICS_OTLP: `http://${address(4)}:4318`,
  };
  const gateway = await start("gateway", 3, ["collector-config/fleet/gateway.yaml"], env);
  // The certificate is that of localhost.
  const name = "yaml:exporters::load_balancing::protocol::otlp::tls::server_name_override: localhost";
  const more = sync ? ["yaml:extensions::file_storage::fsync: true"] : [];
  const edge = await start("edge", 2, ["collector-config/fleet/edge.yaml", name, ...more], env);
  const label = `edge.yaml, passwords in ${hash}${sync ? ", fsync" : ""}`;
  const figures = await measure(`https://${address(2)}:4318/v1/traces`, size, {
    [label]: edge,
    "gateway.yaml": gateway,
  });
  await edge.stop();
  await gateway.stop();
  await sink.stop();
  // The gateway's work is the same in all of them.
  return sync || hash !== "SHA-1" ? figures.slice(0, 1) : figures;
}

/** From before the first request until all spans are at the sink. */
async function measure(url, size, programs) {
  const before = Object.values(programs).map(({ pid }) => figuresOf(pid).cpuMs);
  const agent = url.startsWith("https") ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  let left = SPANS / size;
  const arrivedBefore = await arrivedAtSink();
  await Promise.all(
    Array.from({ length: SENDERS }, async () => {
      while (left-- > 0) await post(url, body(size), agent);
    }),
  );
  agent.destroy();
  const deadlineMs = Date.now() + 60_000;
  while ((await arrivedAtSink()) - arrivedBefore < SPANS) {
    if (Date.now() > deadlineMs) throw new Error("not all spans came out");
    await sleep(50);
  }
  return Object.entries(programs).map(([name, { pid }], i) => {
    const { cpuMs, rssMb } = figuresOf(pid);
    return { name, size, perCore: (SPANS / (cpuMs - before[i])) * 1000, rssMb };
  });
}

/** One trace, with the attributes of a model call. */
function body(size) {
  const traceId = randomBytes(16).toString("hex");
  const atNs = `${Date.now()}000000`;
  const spans = Array.from({ length: size }, (_, n) => ({
    traceId,
    spanId: randomBytes(8).toString("hex"),
    parentSpanId: n === 0 ? "" : "1111111111111111",
    name: "chat claude-opus-5-5",
    kind: 3,
    startTimeUnixNano: atNs,
    endTimeUnixNano: atNs,
    attributes: [
      text("gen_ai.operation.name", "chat"),
      text("gen_ai.provider.name", "anthropic"),
      text("gen_ai.request.model", "claude-opus-5-5"),
      text("gen_ai.conversation.id", "7c1d0000-0000-4000-8000-000000000001"),
      text("gen_ai.response.id", `msg_${n}`),
      text("vcs.repository.name", "project"),
      text("hookspan.cost.source", "estimated"),
      count("gen_ai.usage.input_tokens", 12_000 + n),
      count("gen_ai.usage.output_tokens", 400 + n),
      count("gen_ai.usage.cache_read.input_tokens", 11_000 + n),
      { key: "hookspan.cost.usd", value: { doubleValue: 0.0123 } },
    ],
  }));
  const resource = { attributes: [text("service.name", "claude-code"), text("service.namespace", "hookspan")] };
  return JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "hookspan" }, spans }] }] });
}

function text(key, stringValue) {
  return { key, value: { stringValue } };
}

function count(key, n) {
  return { key, value: { intValue: n } };
}

function post(url, json, agent) {
  const request = url.startsWith("https") ? httpsRequest : httpRequest;
  const authorization = `Basic ${Buffer.from("ann:correct horse").toString("base64")}`;
  const headers = { "content-type": "application/json", authorization };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", headers, agent, rejectUnauthorized: false }, (response) => {
      response
        .resume()
        .on("end", () =>
          response.statusCode === 200 ? resolve() : reject(new Error(`${url} answered ${response.statusCode}`)),
        );
    });
    sent.on("error", reject).end(json);
  });
}

async function arrivedAtSink() {
  const page = await (await fetch(`http://${address(4)}:8888/metrics`)).text();
  const found = page.matchAll(/^otelcol_receiver_accepted_spans_total\{[^}]*\} (\S+)/gm);
  return [...found].reduce((sum, [, value]) => sum + Number(value), 0);
}

async function startSink() {
  const file = join(root, "sink.json");
  const pipeline = { receivers: ["otlp"], exporters: ["debug"] };
  const prometheus = { host: address(4), port: 8888, without_type_suffix: false, without_units: false };
  writeFileSync(
    file,
    JSON.stringify({
      receivers: {
        otlp: { protocols: { grpc: { endpoint: `${address(4)}:4317` }, http: { endpoint: `${address(4)}:4318` } } },
      },
      exporters: { debug: { verbosity: "basic", sampling_initial: 1, sampling_thereafter: 100_000 } },
      extensions: { health_check: { endpoint: `${address(4)}:13133` } },
      service: {
        extensions: ["health_check"],
        telemetry: { logs: { level: "error" }, metrics: { readers: [{ pull: { exporter: { prometheus } } }] } },
        pipelines: { traces: pipeline, metrics: pipeline },
      },
    }),
  );
  return start("sink", 4, [file], {});
}

async function start(name, n, configs, env) {
  const queue = join(root, `${name}-queue`);
  rmSync(queue, { recursive: true, force: true });
  mkdirSync(queue);
  const files = configs.map((config) => (config.startsWith("collector-config/") ? program(config) : config));
  const child = spawn(
    command,
    files.flatMap((file) => ["--config", file]),
    {
      env: { COLLECTOR_HOST: address(n), COLLECTOR_QUEUE: queue, ...env },
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  let isReady = false;
  const probe = setInterval(() => {
    void fetch(`http://${address(n)}:13133/`).then(
      ({ ok }) => (isReady ||= ok),
      () => undefined,
    );
  }, 100);
  await until(() => isReady, name);
  clearInterval(probe);
  return {
    pid: child.pid,
    stop: async () => {
      child.kill("SIGTERM");
      await new Promise((resolve) => child.once("close", resolve));
    },
  };
}

function print(rows) {
  console.log(`${SPANS} spans for each row, about 1 KB of JSON each; spans for each second of one core\n`);
  console.log("spans a request  spans/s per core  against collector.yaml  RSS MB  file");
  for (const { name, size, perCore, rssMb } of rows) {
    const base = rows.find((row) => row.size === size).perCore;
    console.log(
      `${String(size).padStart(15)}  ${perCore.toFixed(0).padStart(16)}  ${`${(perCore / base).toFixed(2)} x`.padStart(22)}  ${rssMb.toFixed(0).padStart(6)}  ${name}`,
    );
  }
}
