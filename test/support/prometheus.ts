/** The real Prometheus with the configuration and the flags that are shipped. */

import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import * as z from "zod";

import { readComposeFile } from "./compose-file.ts";
import { freePorts, startProgram, type RunningProgram } from "./start-program.ts";
import { tempDirectory } from "./temp-state.ts";

/** The file that users get. */
export const PROMETHEUS_CONFIG = join(import.meta.dirname, "../../collector-config/prometheus.yaml");

export type RunningPrometheus = {
  /** Where it takes OTLP. */
  otlp: string;
  /** An instant query, now or at `atS`: the labels' values, joined by spaces, to the value, rounded to 9 decimals. */
  query(promql: string, atS?: number): Promise<Record<string, number>>;
  /** A range query: the same for each instant (seconds since the epoch) that has a value. */
  queryRange(promql: string, range: QueryRange): Promise<Map<number, Record<string, number>>>;
  /** The trace ids of a metric's exemplars. */
  exemplarTraces(metric: string): Promise<string[]>;
  stop(): Promise<void>;
  /** Once more, after a stop: on the same port, with the same storage. */
  start(): Promise<void>;
};

/** From, to, and the step, in seconds. */
export type QueryRange = { startS: number; endS: number; stepS: number };

const vector = z.looseObject({
  data: z.looseObject({
    result: z.array(
      z.looseObject({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) }),
    ),
  }),
});
const matrix = z.looseObject({
  data: z.looseObject({
    result: z.array(
      z.looseObject({
        metric: z.record(z.string(), z.string()),
        values: z.array(z.tuple([z.number(), z.string()])),
      }),
    ),
  }),
});
const exemplars = z.looseObject({
  data: z.array(
    z.looseObject({ exemplars: z.array(z.looseObject({ labels: z.looseObject({ trace_id: z.string() }) })) }),
  ),
});

/**
 * Its storage is a temporary directory; the compose file's flags are taken but for the places. It scrapes itself and
 * `targets`, `host:port` by the name of the job, for those of scrape.yaml are of another place. Of the flags,
 * `leftOut` do not come.
 */
export async function startPrometheus(
  command: string,
  targets: Readonly<Record<string, string>> = {},
  leftOut: readonly string[] = [],
): Promise<RunningPrometheus> {
  const directory = tempDirectory();
  const web = (await freePorts("web"))("web");
  const config = configuration(join(directory, "config"), { prometheus: `127.0.0.1:${web}`, ...targets });
  const base = `http://127.0.0.1:${web}`;
  const flags = readComposeFile().services["prometheus"]?.command ?? [];
  const start = (): Promise<RunningProgram> =>
    startProgram({
      command,
      args: [
        ...flags.filter((flag) => !/^--(config\.file|storage\.tsdb\.path)=/.test(flag) && !leftOut.includes(flag)),
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(directory, "data")}`,
        `--web.listen-address=127.0.0.1:${web}`,
      ],
      cwd: directory,
      env: {},
      ready: `${base}/-/ready`,
    });
  let program = await start();
  return {
    otlp: `${base}/api/v1/otlp`,
    async query(promql, atS) {
      const time: Record<string, string> = atS === undefined ? {} : { time: String(atS) };
      const { data } = vector.parse(await get(`${base}/api/v1/query`, { query: promql, ...time }));
      return Object.fromEntries(data.result.map(({ metric, value }) => [nameOf(metric), rounded(value[1])]));
    },
    async queryRange(promql, { startS, endS, stepS }) {
      const range = { start: String(startS), end: String(endS), step: String(stepS) };
      const { data } = matrix.parse(await get(`${base}/api/v1/query_range`, { query: promql, ...range }));
      const instants = new Map<number, Record<string, number>>();
      for (const { metric, values } of data.result)
        for (const [atS, value] of values)
          instants.set(atS, { ...instants.get(atS), [nameOf(metric)]: rounded(value) });
      return instants;
    },
    async exemplarTraces(metric) {
      const now = Date.now() / 1000;
      const range = { start: String(now - 3600), end: String(now + 60) };
      const { data } = exemplars.parse(await get(`${base}/api/v1/query_exemplars`, { query: metric, ...range }));
      return data.flatMap((series) => series.exemplars.map(({ labels }) => labels.trace_id));
    },
    stop: () => program.stop(),
    start: async () => {
      program = await start();
    },
  };
}

/** The shipped file and rules, in a directory where other targets stand beside them. */
function configuration(directory: string, targets: Readonly<Record<string, string>>): string {
  mkdirSync(directory);
  const shipped = dirname(PROMETHEUS_CONFIG);
  copyFileSync(PROMETHEUS_CONFIG, join(directory, "prometheus.yaml"));
  symlinkSync(join(shipped, "rules"), join(directory, "rules"));
  const jobs = Object.entries(targets).map(([name, target]) => ({
    job_name: name,
    static_configs: [{ targets: [target] }],
  }));
  // JSON is YAML.
  writeFileSync(join(directory, "scrape.yaml"), JSON.stringify({ scrape_configs: jobs }));
  return join(directory, "prometheus.yaml");
}

function nameOf(labels: Record<string, string>): string {
  return Object.values(labels).join(" ");
}

function rounded(value: string): number {
  return Number(Number(value).toFixed(9));
}

async function get(url: string, parameters: Record<string, string>): Promise<unknown> {
  const response = await fetch(`${url}?${new URLSearchParams(parameters).toString()}`);
  const text = await response.text();
  if (!response.ok) throw new Error(`Prometheus answered ${response.status} to ${parameters["query"]}: ${text}`);
  return JSON.parse(text);
}
