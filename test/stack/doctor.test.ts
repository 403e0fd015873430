// The doctor's last hops, at the real Collector and the real Prometheus: what was accepted, and what really arrived.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { startCollector } from "../support/collector.ts";
import { type Installed, installWhole } from "../support/installed.ts";
import { startPrometheus } from "../support/prometheus.ts";
import { COLLECTOR, PROMETHEUS, stackProgram } from "../support/stack-program.ts";
import { freePorts, startProgram } from "../support/start-program.ts";
import { tempDirectory } from "../support/temp-state.ts";

const collectorProgram = stackProgram(COLLECTOR);
const prometheusProgram = stackProgram(PROMETHEUS);

const FAIL = /^fail .*$/m;

describe.runIf(collectorProgram !== undefined && prometheusProgram !== undefined)("doctor", { timeout: 90_000 }, () => {
  test("sees the test span in the Collector and the test metric in Prometheus", async () => {
    const installed = await withClaudeCode();
    const prometheus = await startPrometheus(prometheusProgram ?? "");
    const collector = await startCollector({
      program: collectorProgram ?? "",
      env: { PROMETHEUS_OTLP: prometheus.otlp },
      toFiles: ["traces"],
    });
    const { code, stdout } = await doctor(installed, collector.endpoint, new URL(prometheus.otlp).origin);
    expect(stdout).toMatch(/^ok {6}prometheus +the test metric arrived in \S+ after \d+ ms$/m);
    expect([code, FAIL.exec(stdout)]).toEqual([0, null]);
    await collector.stop();
    expect(collector.spans().map(({ name }) => name)).toEqual(["hookspan doctor"]);
    // As the name is in the documentation.
    expect(await prometheus.query("count(hookspan_doctor_probe_time_seconds)")).toEqual({ "": 1 });
    await prometheus.stop();
  });

  test("a Prometheus without its OTLP receiver, behind a Collector that accepts", async () => {
    const installed = await withClaudeCode();
    const prometheus = await startPrometheus(prometheusProgram ?? "", {}, ["--web.enable-otlp-receiver"]);
    const collector = await startCollector({
      program: collectorProgram ?? "",
      env: { PROMETHEUS_OTLP: prometheus.otlp },
      toFiles: ["traces"],
    });
    const { code, stdout } = await doctor(installed, collector.endpoint, new URL(prometheus.otlp).origin);
    expect(stdout).toMatch(/^ok {6}metrics /m);
    expect(code).toBe(1);
    expect(FAIL.exec(stdout)?.[0]).toMatch(
      /^fail {4}prometheus +\S+ runs without its OTLP receiver.*; fix: start Prometheus with --web\.enable-otlp-receiver$/,
    );
    await prometheus.stop();
  });

  test("a Collector that drops the metrics", async () => {
    const installed = await withClaudeCode();
    const prometheus = await startPrometheus(prometheusProgram ?? "");
    const collector = await startCollector({ program: collectorProgram ?? "", toFiles: ["traces", "metrics"] });
    const { code, stdout } = await doctor(
      installed,
      collector.endpoint,
      new URL(prometheus.otlp).origin,
      "--wait",
      "2",
    );
    expect(code).toBe(1);
    expect(FAIL.exec(stdout)?.[0]).toMatch(
      /^fail {4}prometheus +the test metric was accepted, and is not in \S+ after/,
    );
    await prometheus.stop();
  });

  test("a Collector without a metrics pipeline", async () => {
    const installed = await withClaudeCode();
    const endpoint = await collectorOfTracesOnly();
    const { code, stdout } = await doctor(installed, endpoint, "none");
    expect(stdout).toMatch(/^ok {6}traces /m);
    expect(code).toBe(1);
    expect(FAIL.exec(stdout)?.[0]).toMatch(
      /^fail {4}metrics +the Collector has no metrics pipeline .*; fix: add service\.pipelines\.metrics to the Collector's configuration$/,
    );
  });
});

async function doctor(installed: Installed, endpoint: string, prometheus: string, ...more: string[]) {
  const env = { HOOKSPAN_ENDPOINT: endpoint };
  return installed.run(["doctor", "--tempo", "none", "--prometheus", prometheus, ...more], env);
}

async function withClaudeCode(): Promise<Installed> {
  const installed = await installWhole();
  mkdirSync(join(String(installed.env["HOME"]), ".claude"));
  await installed.run(["install", "--yes"]);
  return installed;
}

async function collectorOfTracesOnly(): Promise<string> {
  const directory = tempDirectory();
  const port = await freePorts("http", "health");
  const config = join(directory, "collector.yaml");
  const exporter = "file/traces";
  // JSON is YAML.
  const configuration = {
    extensions: { health_check: { endpoint: `127.0.0.1:${port("health")}` } },
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port("http")}` } } } },
    exporters: { [exporter]: { path: join(directory, "traces.jsonl") } },
    service: {
      extensions: ["health_check"],
      telemetry: { metrics: { level: "none" } },
      pipelines: { traces: { receivers: ["otlp"], exporters: [exporter] } },
    },
  };
  writeFileSync(config, JSON.stringify(configuration));
  await startProgram({
    command: collectorProgram ?? "",
    args: ["--config", config],
    cwd: directory,
    env: {},
    ready: `http://127.0.0.1:${port("health")}/`,
  });
  return `http://127.0.0.1:${port("http")}`;
}
