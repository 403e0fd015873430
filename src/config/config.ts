import { dirname, join, resolve } from "node:path";

import {
  DEFAULT_ENDPOINT,
  endpointsBelow,
  type Environment,
  hookspanSettings,
  isTrue,
  otelDestination,
  otelSettings,
  variable,
} from "./env.ts";
import { readConfigFile } from "./file.ts";
import { configFile, stateHome, userHome } from "./path.ts";
import type { Settings } from "./schema.ts";
import { type ConfigFlags, flagSettings } from "./flags.ts";

/** The configuration, parsed once and frozen. */
export type Config = {
  /** State directory. */
  home: string;
  /** The file the rest was read from, if there is one. */
  file: string | undefined;
  endpoints: { traces: string; metrics: string; logs?: string };
  headers: Record<string, string>;
  /** Where more headers are, or what prints them; read only where they are needed. */
  headersFile: string | undefined;
  headersCommand: string | undefined;
  timeoutMs: number;
  compression: "none" | "gzip";
  tls: { ca?: string; cert?: string; key?: string };
  /** Attributes the user adds to every resource. */
  resource: Record<string, string>;
  capture: "none" | "preview" | "full";
  /** Globs of working directories of which nothing is recorded. */
  exclude: string[];
  /** Agents of which something is recorded, by the names that are recognised; undefined: all. */
  agents: string[] | undefined;
  /** Path of the user's price table, laid over the shipped ones. */
  prices: string | undefined;
  /** What MCP servers are called in what is sent, by their own names. */
  mcpNames: Record<string, string>;
  /** Names a pool of short-lived containers: becomes service.instance.id. */
  instance: string | undefined;
  /** Who the user is, as far as it is to be told; all of it off by default. */
  identity: {
    /** From agents' own telemetry that passes the intake. */
    learn: boolean;
    user: { id?: string; email?: string; name?: string };
    organization: string | undefined;
    /** From the user's git configuration. */
    git: boolean;
    /** The host's name. */
    host: boolean;
    /** How long finished spans wait for what is to be learned. */
    waitMs: number;
  };
  /** The HTTP intake of the bridge: an IP address, and 0 for whichever port is free. */
  intake: {
    enabled: boolean;
    host: string;
    port: number;
    /** Path of the secret of Hermes' outbound webhooks; without it none are taken. */
    hermesSecretFile?: string;
  };
  bounds: Bounds;
  logLevel: "error" | "warn" | "info" | "debug";
  disabled: boolean;
};

/** Beyond a bound the oldest goes first, counted by reason. */
export type Bounds = {
  spoolBytes: number;
  outboxBytes: number;
  quarantineBytes: number;
  payloadBytes: number;
  ageMs: number;
};

export type ConfigSources = {
  env: Environment;
  flags?: ConfigFlags;
  /** The ambient `OTEL_*` variables count: for commands that a user runs in the foreground. */
  ambientOtel: boolean;
  /** A hook started this bridge: the environment is that of some project, so it decides neither capture nor by `OTEL_*`. */
  hookStarted: boolean;
};

/**
 * Puts the configuration together, key by key: flags, then `HOOKSPAN_*`, then the file, then `OTEL_*`, then the defaults.
 * `resource` is merged attribute by attribute. The `OTEL_EXPORTER_OTLP_*` variables name one destination with its credentials,
 * so they count only where nothing before them names an endpoint: a key for one receiver is never sent to another.
 * @throws ConfigError
 */
export function loadConfig(sources: ConfigSources): Config {
  const { env, flags = {} } = sources;
  const useOtel = sources.ambientOtel && !sources.hookStarted;
  const file = configFile(env, flags);
  const fileSettings = readConfigFile(file);
  const inFile = absolutePaths(fileSettings ?? {}, dirname(file), userHome(env));
  const own = sources.hookStarted
    ? [
        flagSettings({ ...flags, capture: undefined }),
        hookspanSettings({ ...env, HOOKSPAN_CAPTURE: undefined }),
        inFile,
      ]
    : [flagSettings(flags), hookspanSettings(env), inFile];
  const isDestinationKnown = own.some(({ endpoint, endpoints }) => (endpoint ?? endpoints) !== undefined);
  const otel = useOtel ? [otelSettings(env), ...(isDestinationKnown ? [] : [otelDestination(env)])] : [];
  const isOff =
    isSwitchedOn(variable(env, "HOOKSPAN_DISABLED")) || (useOtel && isTrue(variable(env, "OTEL_SDK_DISABLED")));
  return freeze({
    ...merged([...own, ...otel]),
    home: stateHome(env, flags),
    file: fileSettings === undefined ? undefined : file,
    disabled: isOff,
  });
}

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;

/** Paths in the file are as seen from the file; `~` is the user's home. */
function absolutePaths(settings: Settings, directory: string, home: string): Settings {
  const expanded = (path: string) => (/^~(?=\/|$)/.test(path) ? join(home, path.slice(1)) : path);
  const located = (path: string) => resolve(directory, expanded(path));
  const { tls, prices, headersFile, exclude, intake } = settings;
  return {
    ...settings,
    ...(tls && {
      tls: Object.fromEntries(Object.entries(tls).map(([key, path]) => [key, located(path)])),
    }),
    ...(prices !== undefined && { prices: located(prices) }),
    ...(headersFile !== undefined && { headersFile: located(headersFile) }),
    ...(exclude && { exclude: exclude.map(expanded) }),
    ...(intake?.hermesSecretFile !== undefined && {
      intake: { ...intake, hermesSecretFile: located(intake.hermesSecretFile) },
    }),
  };
}

/** The words that `HOOKSPAN_DISABLED` takes for yes. */
function isSwitchedOn(value: string | undefined): boolean {
  return value !== undefined && /^(?:1|true|yes|on)$/i.test(value);
}

/** The first of the layers that sets a key decides it. */
function merged(layers: readonly Settings[]): Omit<Config, "home" | "file" | "disabled"> {
  const first = <Key extends keyof Settings>(key: Key) => layers.find((layer) => layer[key] !== undefined)?.[key];
  const destination = layers.find(({ endpoint, endpoints }) => (endpoint ?? endpoints) !== undefined);
  const bounds = first("bounds") ?? {};
  const intake = first("intake") ?? {};
  const identity = first("identity") ?? {};
  return {
    endpoints: destination?.endpoints ?? endpointsBelow(destination?.endpoint ?? DEFAULT_ENDPOINT),
    headers: first("headers") ?? {},
    headersFile: first("headersFile"),
    headersCommand: first("headersCommand"),
    timeoutMs: first("timeout") ?? 10_000,
    compression: first("compression") ?? "none",
    tls: first("tls") ?? {},
    resource: Object.fromEntries(layers.toReversed().flatMap((layer) => Object.entries(layer.resource ?? {}))),
    capture: first("capture") ?? "none",
    exclude: first("exclude") ?? [],
    agents: first("agents"),
    prices: first("prices"),
    mcpNames: first("mcpNames") ?? {},
    instance: first("instance"),
    identity: {
      learn: identity.learn ?? false,
      user: identity.user ?? {},
      organization: identity.organization,
      git: identity.git ?? false,
      host: identity.host ?? false,
      waitMs: (identity.waitSeconds ?? 0) * 1000,
    },
    intake: { ...intake, enabled: intake.enabled ?? true, host: intake.host ?? "127.0.0.1", port: intake.port ?? 0 },
    bounds: {
      spoolBytes: bounds.spoolBytes ?? 512 * MIB,
      outboxBytes: bounds.outboxBytes ?? 512 * MIB,
      quarantineBytes: bounds.quarantineBytes ?? 64 * MIB,
      payloadBytes: bounds.payloadBytes ?? 32 * MIB,
      ageMs: (bounds.ageDays ?? 14) * DAY_MS,
    },
    logLevel: first("logLevel") ?? "info",
  };
}

function freeze<Value extends object>(value: Value): Value {
  for (const part of Object.values(value)) {
    if (typeof part === "object" && part !== null) freeze(part);
  }
  return Object.freeze(value);
}
