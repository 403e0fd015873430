// The receiver of a bench: the real Collector (HOOKSPAN_COLLECTOR, or what test/support/build-collector.sh built), or
// a sink that says yes, and then its name says so. Before either, on request, a gate that tells what was accepted.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { program } from "./program.mjs";

/** `root` is a directory for its files. */
export async function startReceiver(root) {
  const manifest = readFileSync(program("collector-config/builder.yaml"));
  const hash = createHash("sha256").update(manifest).digest("hex").slice(0, 16);
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const collector = process.env.HOOKSPAN_COLLECTOR ?? join(cache, "hookspan", "collector", hash, "otelcol-hookspan");
  return existsSync(collector) ? startCollector(root, collector) : startSink();
}

/** Stands before a receiver, and calls `onAccepted` with the body of each request that it has accepted. */
export async function startGate(receiver, onAccepted) {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const headers = { "content-type": "application/json" };
    const answer = await fetch(receiver.url + request.url, { method: "POST", headers, body });
    const text = await answer.text();
    if (answer.ok) onAccepted(body);
    response.writeHead(answer.status, headers).end(text);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    name: receiver.name,
    url: `http://127.0.0.1:${server.address().port}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await receiver.stop();
    },
  };
}

/** The Collector, with a debug exporter that prints next to nothing. */
async function startCollector(root, command) {
  const [http, health] = [await freePort(), await freePort()];
  const config = join(root, "collector.json");
  const pipeline = { receivers: ["otlp"], processors: ["memory_limiter"], exporters: ["debug"] };
  writeFileSync(
    config,
    JSON.stringify({
      receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${http}` } } } },
      processors: { memory_limiter: { check_interval: "1s", limit_mib: 400 } },
      exporters: { debug: { verbosity: "basic", sampling_initial: 1, sampling_thereafter: 100_000 } },
      extensions: { health_check: { endpoint: `127.0.0.1:${health}` } },
      service: {
        extensions: ["health_check"],
        telemetry: { logs: { level: "error" }, metrics: { level: "none" } },
        pipelines: { traces: pipeline, metrics: pipeline },
      },
    }),
  );
  const child = spawn(command, ["--config", config], { stdio: "ignore" });
  for (let tries = 0; tries < 300 && !(await isReady(`http://127.0.0.1:${health}/`)); tries += 1) await sleep(50);
  const version = spawnSync(command, ["--version"], { encoding: "utf8" }).stdout.trim();
  return {
    name: `the real Collector (${version})`,
    url: `http://127.0.0.1:${http}`,
    stop: async () => {
      child.kill("SIGTERM");
      await new Promise((resolve) => child.once("close", resolve));
    },
  };
}

async function startSink() {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.setHeader("content-type", "application/json").end("{}"));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    name: "a sink, for no Collector is built",
    url: `http://127.0.0.1:${server.address().port}`,
    stop: async () => server.close(),
  };
}

async function isReady(url) {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
