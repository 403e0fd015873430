// The stack without Docker: the Collector and Prometheus, and Tempo where TEMPO_BIN names one, on loopback, from the files
// that are shipped. Says where to look, and ends them on Ctrl-C. `npm run stack -- [--data DIR] [--host 127.0.0.1]`
//   --data   where queue, series and traces are kept, over restarts (by default ~/.local/state/hookspan-stack)
//   --host   another loopback address (127.0.0.2), where the ports of 127.0.0.1 are taken
import { spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { parse, stringify } from "yaml";

import { COLLECTOR, findStackProgram, PROMETHEUS } from "../test/support/stack-program.ts";
import { readComposeFile } from "../test/support/compose-file.ts";

const CONFIG = fileURLToPath(new URL("../collector-config/", import.meta.url));
const READY_WITHIN_MS = 60_000;

const { values } = parseArgs({ options: { data: { type: "string" }, host: { type: "string" } } });
const host = values.host ?? "127.0.0.1";
if (!isIPv4(host) || !host.startsWith("127.")) fail(`--host takes an address that begins with 127., not "${host}"`);
const state = process.env.XDG_STATE_HOME || join(homedir(), ".local", "state");
const data = resolve(values.data ?? join(state, "hookspan-stack"));
const tempo = process.env.TEMPO_BIN;
if (tempo !== undefined && !existsSync(tempo)) fail(`TEMPO_BIN names ${tempo}, which is not there`);

const running = [];
let isEnding = false;
let failure;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => end());

for (const program of programs()) start(program);
await Promise.all(running.map(ready));
if (!isEnding) console.log(whereToLook());
await Promise.all(running.map(({ ended }) => ended));
if (failure !== undefined) fail(failure);

function programs() {
  return [
    {
      name: "Collector",
      command: found(COLLECTOR),
      args: ["--config", join(CONFIG, "collector.yaml")],
      env: {
        COLLECTOR_HOST: host,
        COLLECTOR_QUEUE: join(data, "collector-queue"),
        PROMETHEUS_OTLP: `http://${host}:9090/api/v1/otlp`,
        TEMPO_OTLP: `${host}:14317`,
      },
      ready: `http://${host}:13133/`,
    },
    {
      name: "Prometheus",
      command: found(PROMETHEUS),
      args: prometheusArgs(),
      env: {},
      ready: `http://${host}:9090/-/ready`,
    },
    ...(tempo === undefined
      ? []
      : [
          {
            name: "Tempo",
            command: tempo,
            args: ["-config.expand-env=true", `-config.file=${join(CONFIG, "tempo.yaml")}`],
            env: { TEMPO_HOST: host, TEMPO_DATA: join(data, "tempo") },
            ready: `http://${host}:3200/ready`,
          },
        ]),
  ];
}

function found(program) {
  const it = findStackProgram(program);
  if (it.status === "missing") fail(it.reason);
  return it.path;
}

/** Those of the compose file, but for the places. */
function prometheusArgs() {
  const flags = readComposeFile().services.prometheus.command;
  return [
    ...flags.filter((flag) => !/^--(config\.file|storage\.tsdb\.path)=/.test(flag)),
    `--config.file=${prometheusConfig()}`,
    `--storage.tsdb.path=${join(data, "prometheus")}`,
    `--web.listen-address=${host}:9090`,
  ];
}

/**
 * The shipped file names 127.0.0.1, and a Tempo, in a file beside it; for another address, or without a Tempo, whose absence
 * would be an alert, there has to be another directory.
 */
function prometheusConfig() {
  const file = join(CONFIG, "prometheus.yaml");
  if (host === "127.0.0.1" && tempo !== undefined) return file;
  const directory = join(data, "prometheus-config");
  mkdirSync(directory, { recursive: true });
  const text = readFileSync(file, "utf8").replace("rules/*.yaml", join(CONFIG, "rules/*.yaml"));
  writeFileSync(join(directory, "prometheus.yaml"), text);
  const shipped = parse(readFileSync(join(CONFIG, "scrape.yaml"), "utf8").replaceAll("127.0.0.1", host));
  const asked = shipped.scrape_configs.filter(({ job_name: name }) => name !== "tempo" || tempo !== undefined);
  writeFileSync(join(directory, "scrape.yaml"), stringify({ scrape_configs: asked }));
  return join(directory, "prometheus.yaml");
}

function start({ name, command, args, env, ready: url }) {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const log = join(data, `${name.toLowerCase()}.log`);
  const child = spawn(command, args, { cwd: data, env: { PATH: process.env.PATH, ...env }, stdio: "pipe" });
  const out = createWriteStream(log);
  child.stdout.pipe(out, { end: false });
  child.stderr.pipe(out, { end: false });
  const ended = new Promise((settle) => {
    child.once("error", (error) => leave(`cannot start ${command}: ${error.message}`));
    child.once("close", (code) => leave(`${name} ended by itself (${code}); its log is ${log}`));
    function leave(reason) {
      out.end();
      settle();
      // One less is no stack: the others end as well.
      if (!isEnding) failure = reason;
      if (!isEnding) end();
    }
  });
  running.push({ name, child, url, ended });
}

async function ready({ name, url, child }) {
  const deadlineMs = Date.now() + READY_WITHIN_MS;
  while (!isEnding && child.exitCode === null && !(await answers(url))) {
    if (Date.now() > deadlineMs) {
      failure = `${name} does not get ready; its log is in ${data}`;
      end();
    }
    await sleep(100);
  }
}

async function answers(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** Asked once, all leave in good order (Tempo takes half a minute); asked twice, at once. */
function end() {
  for (const { child } of running) if (child.exitCode === null) child.kill(isEnding ? "SIGKILL" : "SIGTERM");
  isEnding = true;
}

function whereToLook() {
  const query = encodeURIComponent("sum by (gen_ai_request_model) (hookspan_cost_USD_total)");
  const traces =
    tempo !== undefined
      ? `Tempo       http://${host}:3200/api/search?q=${encodeURIComponent("{}")}`
      : `Tempo       not started, for TEMPO_BIN does not name one: spans wait in the Collector's queue`;
  return `Ready. Data and logs are kept in ${data}.

OTLP        http://${host}:4318 (HTTP${host === "127.0.0.1" ? ", where hookspan sends by default" : ""}), ${host}:4317 (gRPC)
Prometheus  http://${host}:9090; what was spent so far, by model:
            http://${host}:9090/api/v1/query?query=${query}
            alerts: http://${host}:9090/api/v1/alerts
${traces}
Health      http://${host}:13133 (Collector), http://${host}:8888/metrics (its own metrics)

A recorded session for it, from another terminal: ${host === "127.0.0.1" ? "" : `HOOKSPAN_ENDPOINT=http://${host}:4318 `}npm run demo -- --stack
Ctrl-C ends it.`;
}

function fail(reason) {
  process.stderr.write(`stack: ${reason}\n`);
  process.exit(1);
}
