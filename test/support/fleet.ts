/** A fleet on loopback, from the shipped files: one edge, two gateways. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { startCollector, type RunningCollector } from "./collector.ts";
import { parseOtlp, type OtlpBody } from "./otlp-json.ts";
import { createOtlpRecorder, RECORDER_CERTIFICATE, RECORDER_KEY, type OtlpRecorder } from "./otlp-recorder.ts";
import { freePorts, startProgram, type RunningProgram } from "./start-program.ts";
import { tempDirectory } from "./temp-state.ts";

const FLEET = join(import.meta.dirname, "../../collector-config/fleet");

export const EDGE_CONFIG = join(FLEET, "edge.yaml");
export const GATEWAY_CONFIG = join(FLEET, "gateway.yaml");

/** The only user that the edge knows. */
export const USER = { name: "ann", password: "correct horse" };

/** One certificate, which is its own authority, for all of the fleet. */
export const FLEET_TLS = {
  EDGE_CERT: RECORDER_CERTIFICATE,
  EDGE_KEY: RECORDER_KEY,
  FLEET_CERT: RECORDER_CERTIFICATE,
  FLEET_KEY: RECORDER_KEY,
  FLEET_CA: RECORDER_CERTIFICATE,
};

type Member = {
  /** Once more, after an end: on the same ports, with what the queue still held. */
  start(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
};

export type Gateway = Member & {
  /** Where it listens for edges. */
  port: number;
  /** What it has got so far, in the order of its coming. */
  traces(): OtlpBody[];
  /** What its span_metrics have said so far. */
  metrics(): OtlpBody[];
};

export type Fleet = {
  edge: Member & { endpoint: string };
  gateways: readonly [Gateway, Gateway];
  /** Stands in for Tempo behind the gateways. */
  tempo: RunningCollector;
  /** Stands in for Mimir behind the edge. */
  mimir: OtlpRecorder;
};

type Name = "edge" | "gateway-0" | "gateway-1";
type Use = "grpc" | "http" | "health" | "metrics";
type Overlay = { connectors?: object; exporters: object; pipelines?: object };

/** All are started. Ports, and what stands behind the fleet, are all that differs from the shipped files. */
export async function startFleet(program: string): Promise<Fleet> {
  const directory = tempDirectory();
  const mimir = await createOtlpRecorder();
  const tempo = await startCollector({ program, toFiles: ["traces", "metrics", "metrics/spans"] });
  const htpasswd = join(directory, "htpasswd");
  writeFileSync(htpasswd, `${USER.name}:${hashOf(USER.password)}\n`);
  const port = await freePorts(...(["edge", "gateway-0", "gateway-1"] as const).flatMap(portNames));
  const env = {
    ...FLEET_TLS,
    EDGE_HTPASSWD: htpasswd,
    GATEWAYS: `[127.0.0.1:${port("gateway-0 grpc")}, 127.0.0.1:${port("gateway-1 grpc")}]`,
    METRICS_OTLP: mimir.url,
    TEMPO_OTLP: tempo.grpc,
    TEMPO_INSECURE: "true",
  };

  const member = async (name: Name, overlay: Overlay): Promise<Member> => {
    const file = join(directory, `${name}.yaml`);
    const portOf = (use: Use): number => port(`${name} ${use}`);
    writeFileSync(file, JSON.stringify(withPorts(overlay, portOf, name === "edge" ? ["grpc", "http"] : ["grpc"])));
    const start = (): Promise<RunningProgram> =>
      startProgram({
        command: program,
        args: ["--config", name === "edge" ? EDGE_CONFIG : GATEWAY_CONFIG, "--config", file],
        cwd: directory,
        env: { ...env, COLLECTOR_QUEUE: join(directory, `${name}-queue`), GATEWAY_NAME: name },
        ready: `http://127.0.0.1:${portOf("health")}/`,
      });
    let running = await start();
    return {
      start: async () => {
        running = await start();
      },
      stop: () => running.stop(),
      kill: () => running.kill(),
    };
  };

  const gateway = async (name: "gateway-0" | "gateway-1"): Promise<Gateway> => {
    const file = (what: string): string => join(directory, `${name}-${what}.jsonl`);
    return {
      ...(await member(name, toFiles(file("traces"), file("metrics")))),
      port: port(`${name} grpc`),
      traces: () => linesOf(file("traces")),
      metrics: () => linesOf(file("metrics")),
    };
  };

  const gateways = [await gateway("gateway-0"), await gateway("gateway-1")] as const;
  const json = { encoding: "json", compression: "none" };
  const edge = await member("edge", { exporters: { "otlp_http/metrics": json } });
  return { edge: { ...edge, endpoint: `https://127.0.0.1:${port("edge http")}` }, gateways, tempo, mimir };
}

function portNames<N extends Name>(name: N): `${N} ${Use}`[] {
  return [`${name} grpc`, `${name} http`, `${name} health`, `${name} metrics`];
}

/** As `htpasswd -s` writes it. */
function hashOf(password: string): string {
  return `{SHA}${createHash("sha1").update(password).digest("base64")}`;
}

/** Lists are replaced as a whole by a later file, maps are merged. JSON is YAML. */
function withPorts(
  { pipelines = {}, ...rest }: Overlay,
  port: (use: Use) => number,
  protocols: ("grpc" | "http")[],
): object {
  const at = (use: Use): { endpoint: string } => ({ endpoint: `127.0.0.1:${port(use)}` });
  const prometheus = { host: "127.0.0.1", port: port("metrics") };
  return {
    ...rest,
    extensions: { health_check: at("health") },
    receivers: { otlp: { protocols: Object.fromEntries(protocols.map((name) => [name, at(name)])) } },
    service: { telemetry: { metrics: { readers: [{ pull: { exporter: { prometheus } } }] } }, pipelines },
  };
}

/** A gateway's metrics go to a file in the place of Mimir, its spans to one besides Tempo. */
function toFiles(traces: string, metrics: string): Overlay {
  const options = { append: true, flush_interval: "50ms" };
  return {
    connectors: { span_metrics: { metrics_flush_interval: "100ms" } },
    exporters: { "file/traces": { path: traces, ...options }, "file/metrics": { path: metrics, ...options } },
    pipelines: {
      traces: { exporters: ["otlp_grpc/tempo", "file/traces", "span_metrics"] },
      "metrics/spans": { exporters: ["file/metrics"] },
    },
  };
}

/** The last line may be half written. */
function linesOf(file: string): OtlpBody[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8").split("\n").slice(0, -1).map(parseOtlp);
}
