import { resolve } from "node:path";

import { ConfigError } from "./error.ts";
import { checkSettings } from "./file.ts";
import { isOwnKey, type Settings } from "./schema.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a Collector on this host listens for OTLP over HTTP. */
export const DEFAULT_ENDPOINT = "http://127.0.0.1:4318";

/** The value of a variable; an empty one counts as unset, as OpenTelemetry has it. */
export function variable(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === "" ? undefined : value;
}

/** What the `HOOKSPAN_*` variables set. @throws ConfigError that names the variable. */
export function hookspanSettings(env: Environment): Settings {
  return {
    ...setting(env, "HOOKSPAN_ENDPOINT", (endpoint) => ({ endpoint })),
    ...setting(env, "HOOKSPAN_HEADERS", (text, where) => ({ headers: headersIn(text, where) })),
    ...setting(env, "HOOKSPAN_CAPTURE", (capture) => ({ capture: capture.toLowerCase() })),
    ...setting(env, "HOOKSPAN_INSTANCE", (instance) => ({ instance })),
    ...setting(env, "HOOKSPAN_LOG_LEVEL", (level) => ({ logLevel: level.toLowerCase() })),
  };
}

/**
 * What the `OTEL_*` variables say about the content that may be captured and about the resource.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function otelSettings(env: Environment): Settings {
  const capturesContent = isTrue(variable(env, "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"));
  // As specified, one pair that cannot be read discards them all. What hookspan says of itself is not theirs to set.
  const resource = pairsIn(variable(env, "OTEL_RESOURCE_ATTRIBUTES") ?? "") ?? {};
  return {
    ...(capturesContent && { capture: "full" }),
    resource: Object.fromEntries(Object.entries(resource).filter(([key]) => !isOwnKey(key))),
  };
}

/**
 * The destination that the `OTEL_EXPORTER_OTLP_*` variables name, all of it together: where to, with which credentials and
 * how. Of the variables of a single signal only the endpoints count. Timeouts and compressions that cannot be used are passed
 * over, as other SDKs do. @throws ConfigError for an endpoint or headers that cannot be used, for then nothing would arrive.
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export function otelDestination(env: Environment): Settings {
  const endpoints = otelEndpoints(env);
  const timeout = Number(variable(env, "OTEL_EXPORTER_OTLP_TIMEOUT"));
  const ca = variable(env, "OTEL_EXPORTER_OTLP_CERTIFICATE");
  const cert = variable(env, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE");
  const key = variable(env, "OTEL_EXPORTER_OTLP_CLIENT_KEY");
  return {
    ...(endpoints && { endpoints }),
    ...setting(env, "OTEL_EXPORTER_OTLP_HEADERS", (text, where) => ({
      headers: headersIn(text, where),
    })),
    ...(Number.isInteger(timeout) && timeout > 0 && { timeout }),
    ...(variable(env, "OTEL_EXPORTER_OTLP_COMPRESSION") === "gzip" && { compression: "gzip" }),
    ...((ca ?? cert ?? key) !== undefined && {
      tls: {
        ...(ca && { ca: resolve(ca) }),
        ...(cert && { cert: resolve(cert) }),
        ...(key && { key: resolve(key) }),
      },
    }),
  };
}

/** `/v1/traces` and `/v1/metrics` below a base URL. */
export function endpointsBelow(base: string): { traces: string; metrics: string } {
  const below = (path: string) => {
    const url = new URL(base);
    url.pathname = `${url.pathname.replace(/\/$/, "")}${path}`;
    return url.href;
  };
  return { traces: below("/v1/traces"), metrics: below("/v1/metrics") };
}

/** `OTEL_*` knows one word for yes, in any case. */
export function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === "true";
}

/** The settings that one text of the command line or the environment makes, checked by themselves. */
export function settingFrom(text: string, where: string, settings: (text: string, where: string) => unknown): Settings {
  return checkSettings(settings(text, where), where);
}

/** `name=value,name=value`, both percent-encoded. */
export function headersIn(text: string, where: string): Record<string, string> {
  const headers = pairsIn(text);
  if (headers !== undefined) return headers;
  throw new ConfigError(`${where}: cannot be read; allowed: name=value,name=value with values percent-encoded`);
}

function setting(env: Environment, name: string, settings: (text: string, where: string) => unknown): Settings {
  const value = variable(env, name);
  return value === undefined ? {} : settingFrom(value, `environment variable ${name}`, settings);
}

function otelEndpoints(env: Environment): { traces: string; metrics: string } | undefined {
  const base = otelEndpoint(env, "");
  const traces = otelEndpoint(env, "TRACES_");
  const metrics = otelEndpoint(env, "METRICS_");
  if ((base ?? traces ?? metrics) === undefined) return undefined;
  const below = endpointsBelow(base ?? DEFAULT_ENDPOINT);
  return { traces: traces ?? below.traces, metrics: metrics ?? below.metrics };
}

function otelEndpoint(env: Environment, signal: "" | "TRACES_" | "METRICS_"): string | undefined {
  const name = `OTEL_EXPORTER_OTLP_${signal}ENDPOINT`;
  const { endpoint } = setting(env, name, (url) => ({ endpoint: url }));
  const protocol =
    variable(env, `OTEL_EXPORTER_OTLP_${signal}PROTOCOL`) ?? variable(env, "OTEL_EXPORTER_OTLP_PROTOCOL");
  if (endpoint !== undefined && new URL(endpoint).port === "4317" && (protocol ?? "grpc") === "grpc") {
    throw new ConfigError(
      `environment variable ${name}: port 4317 is for gRPC, and hookspan speaks OTLP over HTTP; use port 4318, or set HOOKSPAN_ENDPOINT`,
    );
  }
  return endpoint;
}

/** A list as of W3C Baggage: what follows a `;` in an entry is no part of its value. Undefined if any entry is malformed. */
function pairsIn(text: string): Record<string, string> | undefined {
  const entries = text.split(",").filter((entry) => entry.trim() !== "");
  const pairs = entries.map((entry) => /^\s*([^=;]*[^=;\s])\s*=\s*([^;]*)/.exec(entry)?.slice(1, 3).map(decoded));
  if (!pairs.every((pair) => pair?.every((part) => part !== undefined))) return undefined;
  return Object.fromEntries(pairs.map((pair) => [pair?.[0], pair?.[1]]));
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return undefined;
  }
}
