/** A bridge on a simulated clock, the real Collector, the real Prometheus, and a ledger of what must come out of them. */

import { randomUUID } from "node:crypto";

import { expect } from "vitest";

import { parsePriceFile } from "../../src/metric/price-file.ts";
import { createExporter, type Exporter } from "../../src/otlp/exporter.ts";
import { startCollector, type RunningCollector } from "./collector.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { exporterOptions } from "./otlp-exporter.ts";
import { startPrometheus, type RunningPrometheus } from "./prometheus.ts";
import { createLife, type Life, type TokenCounts } from "./simulated-life.ts";
import { tempDirectory } from "./temp-state.ts";

const PRICES = {
  "claude-opus-5-5": { input: 5, cacheRead: 0.5, output: 25 },
  "claude-haiku-5": { input: 1, cacheRead: 0.1, output: 5 },
  "claude-sonnet-5": { input: 3, cacheRead: 0.3, output: 15 },
};

/** The two counters that the ledger knows, as they are called in Prometheus. */
export const COST = "hookspan_cost_USD_total";
export const TOKENS = "hookspan_token_usage_total";

const MINUTE_MS = 60_000;

/** Paths of the real programs. */
type Programs = { collector: string | undefined; prometheus: string | undefined };

export type Stage = {
  life: Life;
  ledger: Ledger;
  collector: RunningCollector;
  prometheus: RunningPrometheus;
  /** Time passes until this minute of the story. */
  minute: (minute: number) => Promise<void>;
  /** That minute in milliseconds since the epoch. */
  ms: (minute: number) => number;
  call: (session: string, model: keyof typeof PRICES, tokens: TokenCounts) => void;
  begin: (session: string, repository: string) => void;
  /** From now on the machine is that user's. */
  own: (user: string) => void;
  /** Resolves once Prometheus has every sample that was accepted. */
  arrived: () => Promise<void>;
};

/** A bridge, a Collector and a Prometheus, `minutes` before now. */
export async function setStage(programs: Programs, minutes: number): Promise<Stage> {
  const startMs = Math.floor(Date.now() / 1000) * 1000 - minutes * MINUTE_MS;
  const prometheus = await startPrometheus(programs.prometheus ?? "");
  const collector = await startCollector({
    program: programs.collector ?? "",
    env: { PROMETHEUS_OTLP: prometheus.otlp },
    // Tempo is not there.
    toFiles: ["traces"],
  });
  const endpoints = { traces: `${collector.endpoint}/v1/traces`, metrics: `${collector.endpoint}/v1/metrics` };
  let exporter = createExporter(exporterOptions(endpoints));
  const current: Exporter = {
    sendSpans: (batches) => exporter.sendSpans(batches),
    sendMetrics: (points) => exporter.sendMetrics(points),
    close: () => exporter.close(),
  };
  const ledger = createLedger(current, PRICES);
  const life = createLife({
    root: tempDirectory(),
    startNs: BigInt(startMs) * 1_000_000n,
    exporter: ledger.exporter,
    prices: parsePriceFile({ models: PRICES }),
  });
  const sessions = new Map<string, { id: string; repository: string }>();
  const ms = (minute: number): number => startMs + minute * MINUTE_MS;
  return {
    life: { ...life, end: (session) => life.end(idOf(session)), fail: (session) => life.fail(idOf(session)) },
    ledger,
    collector,
    prometheus,
    minute: (minute) => life.until(BigInt(ms(minute)) * 1_000_000n),
    ms,
    begin(session, repository) {
      sessions.set(session, { id: randomUUID(), repository });
      life.begin(idOf(session), repository);
    },
    call(session, model, tokens) {
      const repository = sessions.get(session)?.repository ?? "";
      ledger.spend(Number(life.nowNs() / 1_000_000n), { model, repository, tokens });
      life.call(idOf(session), model, tokens);
    },
    own(user) {
      exporter = createExporter(exporterOptions(endpoints, { userResource: { "user.id": user } }));
    },
    async arrived() {
      for (const [name, metric] of [
        [COST, "hookspan.cost"],
        [TOKENS, "hookspan.token.usage"],
      ] as const)
        await expect
          .poll(() => prometheus.query(`sum(count_over_time(${name}[30d]))`), { timeout: 60_000 })
          .toEqual({ "": ledger.samples(metric) });
    },
  };

  function idOf(session: string): string {
    return sessions.get(session)?.id ?? session;
  }
}
