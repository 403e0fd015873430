/** The real Collector with the configuration that is shipped. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { readSpans, readSums, type ReceivedPoint, type ReceivedSpan } from "../../src/view/otlp-json.ts";
import { freePorts, startProgram, type AtEnd, type RunningProgram } from "./start-program.ts";
import { tempDirectory } from "./temp-state.ts";

/** The file that users get. */
export const COLLECTOR_CONFIG = join(import.meta.dirname, "../../collector-config/collector.yaml");

/** The pipelines of the shipped file, and one for logs, which has none there. */
const PIPELINES = {
  logs: [],
  traces: ["span_metrics"],
  metrics: [],
  "metrics/spans": [],
} as const satisfies Record<string, string[]>;

type Pipeline = keyof typeof PIPELINES;

export type CollectorOptions = {
  program: string;
  /** What the shipped file takes from the environment, besides its queue. */
  env?: Record<string, string>;
  /** Pipelines that write to files instead of Tempo or Prometheus. */
  toFiles: readonly Pipeline[];
  spanMetricsEvery?: string;
  /** Where it tells of itself, if somebody must know that before. */
  metricsPort?: number;
};

export type RunningCollector = {
  /** For OTLP over HTTP. */
  endpoint: string;
  /** `host:port`, for OTLP over gRPC. */
  grpc: string;
  stop(): Promise<void>;
  /** Once more, after a stop: on the same ports, with what the queue still held. */
  start(): Promise<void>;
  /** What has gone through the pipelines so far; all of it, once the Collector was stopped. */
  spans(): ReceivedSpan[];
  /** What the file of a pipeline holds, request by request, as JSON. */
  requests(pipeline: Pipeline): unknown[];
  sums(pipeline: "metrics" | "metrics/spans"): ReceivedPoint[];
};

/** Ports and exporters are all that differs from what users run: receivers, processors and connectors are the shipped ones. */
export async function startCollector(options: CollectorOptions, atEnd?: AtEnd): Promise<RunningCollector> {
  const directory = tempDirectory(atEnd);
  const port = await freePorts("grpc", "http", "health", "metrics");
  const overlay = join(directory, "overlay.yaml");
  writeFileSync(overlay, JSON.stringify(overlayFor(options, port, directory)));
  const start = (): Promise<RunningProgram> =>
    startProgram(
      {
        command: options.program,
        args: ["--config", COLLECTOR_CONFIG, "--config", overlay],
        cwd: directory,
        env: { COLLECTOR_QUEUE: join(directory, "queue"), ...options.env },
        ready: `http://127.0.0.1:${port("health")}/`,
      },
      atEnd,
    );
  let program = await start();
  return {
    endpoint: `http://127.0.0.1:${port("http")}`,
    grpc: `127.0.0.1:${port("grpc")}`,
    stop: () => program.stop(),
    start: async () => {
      program = await start();
    },
    spans: () => linesOf(fileOf(directory, "traces")).flatMap((line) => items(readSpans(line))),
    requests: (pipeline) => linesOf(fileOf(directory, pipeline)),
    sums: (pipeline) => linesOf(fileOf(directory, pipeline)).flatMap((line) => items(readSums(line))),
  };
}

/** Lists are replaced as a whole by a later file, maps are merged. JSON is YAML. */
function overlayFor(
  { toFiles, spanMetricsEvery, metricsPort }: CollectorOptions,
  port: (name: "grpc" | "http" | "health" | "metrics") => number,
  directory: string,
): unknown {
  const telling = { host: "127.0.0.1", port: metricsPort ?? port("metrics") };
  const prometheus = { ...telling, without_type_suffix: false, without_units: false };
  return {
    receivers: { otlp: { protocols: { grpc: at(port("grpc")), http: at(port("http")) } } },
    extensions: { health_check: at(port("health")) },
    ...(spanMetricsEvery && { connectors: { span_metrics: { metrics_flush_interval: spanMetricsEvery } } }),
    exporters: Object.fromEntries(toFiles.map((name) => [exporterOf(name), { path: fileOf(directory, name) }])),
    service: {
      telemetry: { metrics: { readers: [{ pull: { exporter: { prometheus } } }] } },
      pipelines: Object.fromEntries(
        toFiles.map((name) => [
          name,
          {
            ...(name === "logs" ? { receivers: ["otlp"], processors: ["memory_limiter"] } : {}),
            exporters: [exporterOf(name), ...PIPELINES[name]],
          },
        ]),
      ),
    },
  };
}

function at(port: number): { endpoint: string } {
  return { endpoint: `127.0.0.1:${port}` };
}

function exporterOf(pipeline: Pipeline): string {
  return `file/${pipeline.replace("/", "_")}`;
}

function fileOf(directory: string, pipeline: Pipeline): string {
  return join(directory, `${pipeline.replace("/", "_")}.jsonl`);
}

/** The last line may be half written while the Collector runs. span_metrics writes `{}` as long as it has seen nothing. */
function linesOf(file: string): unknown[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.filter((line) => line !== "{}").map((line): unknown => JSON.parse(line));
}

function items<T>(read: { status: "read"; items: T[] } | { status: "malformed"; reason: string }): T[] {
  if (read.status === "malformed") throw new Error(`the Collector wrote what is ${read.reason}`);
  return read.items;
}
