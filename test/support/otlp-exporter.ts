import type { MetricPoints } from "../../src/metric/point.ts";
import { createExporter, type Exporter, type ExporterOptions } from "../../src/otlp/exporter.ts";
import type { SpanBatch, SpanRecord } from "../../src/trace/record.ts";
import { createOtlpRecorder, type OtlpRecorder } from "./otlp-recorder.ts";

/** A real exporter and the recorder that it sends to; both closed with `await using`. */
export type Pair = {
  recorder: OtlpRecorder;
  exporter: Exporter;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function connect(options: Partial<ExporterOptions> = {}, tls?: "server" | "mutual"): Promise<Pair> {
  const recorder = await createOtlpRecorder(tls === undefined ? {} : { tls });
  const exporter = createExporter(exporterOptions(recorder.endpoints, options));
  return {
    recorder,
    exporter,
    [Symbol.asyncDispose]: async () => {
      await recorder.close();
      await exporter.close();
    },
  };
}

export function exporterOptions(
  endpoints: ExporterOptions["endpoints"],
  options: Partial<ExporterOptions> = {},
): ExporterOptions {
  return {
    endpoints,
    headers: {},
    timeoutMs: 10_000,
    compression: "none",
    tls: {},
    instanceId: "11111111-2222-4333-8444-555555555555",
    osType: "linux",
    userResource: {},
    version: "9.8.7",
    ...options,
  };
}

export function spanRecord(fields: Partial<SpanRecord> = {}): SpanRecord {
  return {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    name: "execute_tool Bash",
    kind: "internal",
    startNs: 1_795_196_713_872_299_001n,
    endNs: 1_795_196_714_000_000_000n,
    attributes: {},
    links: [],
    ...fields,
  };
}

export function spanBatch(...spans: SpanRecord[]): SpanBatch {
  const [first = spanRecord()] = spans;
  return {
    agent: "claude-code",
    agentVersion: "2.1.329",
    traceId: first.traceId,
    spans: spans.length > 0 ? spans : [first],
  };
}

/** One run of an agent, as the points of a counter. */
export function runCount(agent: string): MetricPoints {
  const point = {
    attributes: { "gen_ai.agent.name": agent },
    startNs: 1_795_196_713_000_000_000n,
    value: 1,
  };
  return {
    agent,
    metric: "hookspan.run.count",
    points: [{ ...point, atNs: 1_795_196_714_000_000_000n }],
  };
}
