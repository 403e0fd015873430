// Numbers as a user reads them: hook, bridge, the shipped Collector configuration, the shipped Prometheus configuration, and
// the query of docs/metrics.md for an exact total.

import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { describe, expect, test } from "vitest";

import { loadRecording } from "../../src/view/load-recording.ts";
import { startCollector } from "../support/collector.ts";
import { flushTo, replayThroughHook } from "../support/hook-replay.ts";
import { PROMETHEUS_CONFIG, startPrometheus } from "../support/prometheus.ts";
import { bookedTokens, RECORDINGS, type Tokens } from "../support/recording-facts.ts";
import { COLLECTOR, PROMETHEUS, stackProgram } from "../support/stack-program.ts";
import { tempDirectory } from "../support/temp-state.ts";
import { transcriptTokens } from "../support/transcript-tokens.ts";

const FOLDERS = ["02-subagents", "13-interactive"];

const collectorProgram = stackProgram(COLLECTOR);
const program = stackProgram(PROMETHEUS);

describe.runIf(collectorProgram !== undefined && program !== undefined)("in the real Prometheus", () => {
  test("promtool finds nothing wrong with the shipped configuration", async () => {
    const promtool = join(dirname(program ?? ""), "promtool");
    const { stdout } = await promisify(execFile)(promtool, ["check", "config", PROMETHEUS_CONFIG]);
    expect(stdout).toContain("SUCCESS");
  });

  test("tokens and cost are exact, and exemplars lead to traces", async () => {
    const prometheus = await startPrometheus(program ?? "");
    const collector = await startCollector({
      program: collectorProgram ?? "",
      env: { PROMETHEUS_OTLP: prometheus.otlp },
      // Tempo is not there.
      toFiles: ["traces"],
      spanMetricsEvery: "200ms",
    });
    const root = tempDirectory();
    const tokens: Tokens = {};
    let usd = 0;
    for (const folder of FOLDERS) {
      await replayThroughHook(loadRecording(join(RECORDINGS, folder)), root);
      await flushTo(collector.endpoint, root);
      for (const [key, count] of Object.entries(transcriptTokens(folder))) tokens[key] = (tokens[key] ?? 0) + count;
      usd += bookedTokens(folder).usd;
      // Between the two, so that a series that goes on is looked at as well. The Collector's queue has a pace of its own.
      const total = increase("hookspan_token_usage_total", "gen_ai_request_model, hookspan_token_kind");
      await expect.poll(() => prometheus.query(total), { timeout: 30_000 }).toEqual(tokens);
      const cost = increase("hookspan_cost_USD_total", "job");
      const expected = { "hookspan/claude-code": Number(usd.toFixed(9)) };
      await expect.poll(() => prometheus.query(cost), { timeout: 30_000 }).toEqual(expected);
    }

    const exemplars = (): Promise<string[]> => prometheus.exemplarTraces("traces_span_metrics_duration_seconds_bucket");
    await expect.poll(exemplars, { timeout: 30_000 }).not.toEqual([]);
    const traces = await exemplars();
    await collector.stop();
    await prometheus.stop();
    expect(collector.spans().map(({ traceId }) => traceId)).toEqual(expect.arrayContaining(traces));
  });
});

/** Over the last hour; exact, where `increase()` extrapolates. */
function increase(metric: string, by: string): string {
  const inRange = `last_over_time(${metric}[1h])`;
  return `sum by (${by}) (${inRange} - (last_over_time(${metric}[30d] offset 1h) or ${inRange} * 0))`;
}
