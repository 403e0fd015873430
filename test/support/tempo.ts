/** The real Tempo with the configuration that is shipped, where TEMPO_BIN names the program: there is no recipe to build it. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import * as z from "zod";

import { freePorts, startProgram } from "./start-program.ts";
import { tempDirectory } from "./temp-state.ts";

const TEMPO_CONFIG = join(import.meta.dirname, "../../collector-config/tempo.yaml");

/** Seconds since the epoch. */
type Window = { startS: number; endS: number };

export type RunningTempo = {
  /** `host:port` for OTLP over gRPC. */
  otlp: string;
  /** How many traces a search finds, or how many series a metrics query gives. */
  rows(traceql: string, window: Window): Promise<number>;
};

const found = z.looseObject({
  traces: z.array(z.unknown()).optional(),
  series: z.array(z.unknown()).optional(),
});

/** The program's path; undefined if there is none, which is no failure. */
export function tempoProgram(): string | undefined {
  return process.env["TEMPO_BIN"] || undefined;
}

/** Its data are in a temporary directory; ports are all that differs from the shipped file. */
export async function startTempo(command: string): Promise<RunningTempo> {
  const directory = tempDirectory();
  const port = await freePorts("http", "grpc", "otlpGrpc", "otlpHttp", "members");
  const ports: [string, number][] = [
    ["3200", port("http")],
    ["9095", port("grpc")],
    ["14317", port("otlpGrpc")],
    ["14318", port("otlpHttp")],
    ["17946", port("members")],
  ];
  const shipped = readFileSync(TEMPO_CONFIG, "utf8").replaceAll(/^\s*#.*\n/gm, "");
  const config = join(directory, "tempo.yaml");
  writeFileSync(
    config,
    ports.reduce((text, [from, to]) => text.replaceAll(new RegExp(`\\b${from}\\b`, "g"), String(to)), shipped),
  );
  const base = `http://127.0.0.1:${port("http")}`;
  await startProgram({
    command,
    args: ["-config.expand-env=true", `-config.file=${config}`],
    cwd: directory,
    env: { TEMPO_HOST: "127.0.0.1", TEMPO_DATA: join(directory, "data") },
    ready: `${base}/ready`,
  });
  return {
    otlp: `127.0.0.1:${port("otlpGrpc")}`,
    async rows(traceql, { startS, endS }) {
      const isMetrics = /\|\s*(rate|\w+_over_time)\(/.test(traceql);
      const path = isMetrics ? "/api/metrics/query_range" : "/api/search";
      const window = { start: String(Math.floor(startS)), end: String(Math.ceil(endS)) };
      const asked = new URLSearchParams({ q: traceql, ...window, ...(isMetrics ? { step: "1m" } : { limit: "100" }) });
      const response = await fetch(`${base}${path}?${asked.toString()}`);
      const text = await response.text();
      if (!response.ok) throw new Error(`Tempo answered ${response.status} to ${traceql}: ${text}`);
      const { traces = [], series = [] } = found.parse(JSON.parse(text));
      return isMetrics ? series.length : traces.length;
    },
  };
}
