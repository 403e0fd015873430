// The shipped Collector configurations by themselves: they are valid as they are and as the compose file sets them up, and
// their own parts do what they are there for.

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { describe, expect, test } from "vitest";

import { loadRecording } from "../../src/view/load-recording.ts";
import { COLLECTOR_CONFIG, startCollector } from "../support/collector.ts";
import { collectorEnvironment } from "../support/compose-file.ts";
import { EDGE_CONFIG, FLEET_TLS, GATEWAY_CONFIG } from "../support/fleet.ts";
import { flushTo, replayThroughHook } from "../support/hook-replay.ts";
import { replayRecording } from "../support/recorded-session.ts";
import { RECORDINGS } from "../support/recording-facts.ts";
import { COLLECTOR, stackProgram } from "../support/stack-program.ts";
import { tempDirectory } from "../support/temp-state.ts";

const program = stackProgram(COLLECTOR);

describe.runIf(program !== undefined)("the shipped Collector configurations", () => {
  test.each([
    ["as it is", {}],
    ["with what docker-compose.yml sets", collectorEnvironment()],
  ])("%s: otelcol validate has nothing to say", async (_, env) => {
    const args = ["validate", "--config", COLLECTOR_CONFIG];
    const said = await promisify(execFile)(program ?? "", args, { cwd: tempDirectory(), env });
    expect(said).toEqual({ stdout: "", stderr: "" });
  });

  test.each([
    ["edge.yaml", EDGE_CONFIG],
    ["gateway.yaml", GATEWAY_CONFIG],
  ])("fleet/%s, with its certificates: otelcol validate has nothing to say", async (_, file) => {
    const htpasswd = join(tempDirectory(), "htpasswd");
    writeFileSync(htpasswd, "");
    const env = { ...FLEET_TLS, EDGE_HTPASSWD: htpasswd };
    const said = await promisify(execFile)(program ?? "", ["validate", "--config", file], {
      cwd: tempDirectory(),
      env,
    });
    expect(said).toEqual({ stdout: "", stderr: "" });
  });

  test.each([
    ["collector.yaml", COLLECTOR_CONFIG, 4],
    ["fleet/edge.yaml", EDGE_CONFIG, 4],
    ["fleet/gateway.yaml", GATEWAY_CONFIG, 3],
  ])("%s listens on loopback unless told otherwise", (_, file, places) => {
    const text = readFileSync(file, "utf8");
    expect(text.match(/\$\{env:COLLECTOR_HOST[^}]*\}/g)).toEqual(
      Array.from({ length: places }, () => "${env:COLLECTOR_HOST:-127.0.0.1}"),
    );
    expect(
      text.match(
        /^ +(?:host|endpoint): (?!http|\$\{env:(?:COLLECTOR_HOST|PROMETHEUS_OTLP|TEMPO_OTLP|METRICS_OTLP)).*$/gm,
      ),
    ).toBeNull();
  });

  test("span_metrics counts every span once, over two versions of an agent in one state directory", async () => {
    const root = tempDirectory();
    const collector = await startCollector({
      program: program ?? "",
      toFiles: ["traces", "metrics", "metrics/spans"],
      spanMetricsEvery: "100ms",
    });
    writeFileSync(join(root, "config.json"), JSON.stringify({ resource: { "user.id": "ada" } }));
    let spans = 0;
    for (const folder of ["01-text-and-tools", "older-2.1.100-32-older-versions"]) {
      await replayThroughHook(loadRecording(join(RECORDINGS, folder)), root);
      await flushTo(collector.endpoint, root);
      spans += (await replayRecording(join(RECORDINGS, folder), "backlog")).spans.length;
    }
    // Its clock ticks by itself.
    await expect.poll(calls, { timeout: 20_000 }).toBe(spans);
    await collector.stop();
    expect([calls(), collector.spans().length]).toEqual([spans, spans]);
    // Whose machine it is may change while the Collector counts on.
    expect(collector.sums("metrics/spans").filter(({ series }) => series.includes("user.id"))).toEqual([]);
    expect(collector.sums("metrics").filter(({ series }) => series.includes("user.id"))).not.toEqual([]);

    /** As Prometheus would see it: a series is its metric, its labels, and job and instance. */
    function calls(): number {
      const last = new Map<string, number>();
      for (const { metric, attributes, value } of collector.sums("metrics/spans")) {
        if (metric === "traces.span.metrics.calls") last.set(JSON.stringify(attributes), value);
      }
      return [...last.values()].reduce((sum, value) => sum + value, 0);
    }
  });
});
