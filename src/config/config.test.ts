import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { type Config, type ConfigSources, loadConfig } from "./config.ts";
import { ConfigError } from "./error.ts";
import { configFile } from "./path.ts";

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hookspan-config-"));
  file = join(directory, "config.json");
});

afterEach(() => rmSync(directory, { recursive: true }));

const MIB = 1024 * 1024;

test("the defaults", () => {
  expect(loadConfig({ env: { HOME: directory }, ambientOtel: true, hookStarted: false })).toEqual({
    home: join(directory, ".local/state/hookspan"),
    file: undefined,
    endpoints: {
      traces: "http://127.0.0.1:4318/v1/traces",
      metrics: "http://127.0.0.1:4318/v1/metrics",
    },
    headers: {},
    timeoutMs: 10_000,
    compression: "none",
    tls: {},
    resource: {},
    capture: "none",
    exclude: [],
    agents: undefined,
    prices: undefined,
    mcpNames: {},
    instance: undefined,
    identity: { learn: false, user: {}, organization: undefined, git: false, host: false, waitMs: 0 },
    intake: { enabled: true, host: "127.0.0.1", port: 0 },
    bounds: {
      spoolBytes: 512 * MIB,
      outboxBytes: 512 * MIB,
      quarantineBytes: 64 * MIB,
      payloadBytes: 32 * MIB,
      ageMs: 14 * 86_400_000,
    },
    logLevel: "info",
    disabled: false,
  });
});

test("every key of the file", () => {
  const config = load({
    file: {
      endpoints: { traces: "https://h/t?x=1", metrics: "https://h/m/" },
      headers: { authorization: "Bearer abc" },
      timeout: 500,
      compression: "gzip",
      tls: { ca: "ca.pem", cert: "/etc/cert.pem", key: "~/key.pem" },
      resource: { team: "a" },
      capture: "preview",
      exclude: ["~/private", "/srv/*", "**/secret"],
      agents: ["claude-code", "my.tool"],
      prices: "prices.json",
      mcpNames: { plugin_tools_github: "GitHub" },
      instance: "ci-pool",
      identity: { learn: true, user: { email: "me@x" }, organization: "o", git: true, host: true, waitSeconds: 1.5 },
      intake: { enabled: false, host: "::1", port: 4319 },
      bounds: { spoolBytes: 1, outboxBytes: 2, quarantineBytes: 3, payloadBytes: 4, ageDays: 0.5 },
      logLevel: "debug",
    },
    env: { HOME: "/home/me" },
  });
  expect(config).toEqual({
    home: "/home/me/.local/state/hookspan",
    file,
    endpoints: { traces: "https://h/t?x=1", metrics: "https://h/m/" },
    headers: { authorization: "Bearer abc" },
    timeoutMs: 500,
    compression: "gzip",
    tls: { ca: join(directory, "ca.pem"), cert: "/etc/cert.pem", key: "/home/me/key.pem" },
    resource: { team: "a" },
    capture: "preview",
    exclude: ["/home/me/private", "/srv/*", "**/secret"],
    agents: ["claude-code", "my.tool"],
    prices: join(directory, "prices.json"),
    mcpNames: { plugin_tools_github: "GitHub" },
    instance: "ci-pool",
    identity: { learn: true, user: { email: "me@x" }, organization: "o", git: true, host: true, waitMs: 1500 },
    intake: { enabled: false, host: "::1", port: 4319 },
    bounds: {
      spoolBytes: 1,
      outboxBytes: 2,
      quarantineBytes: 3,
      payloadBytes: 4,
      ageMs: 43_200_000,
    },
    logLevel: "debug",
    disabled: false,
  });
});

test("it is frozen, to its last part", () => {
  const { bounds, exclude } = load({ file: { exclude: ["/a"] } });
  expect([bounds, exclude].every((part) => Object.isFrozen(part))).toBe(true);
});

type Row = [situation: string, sources: Sources, expected: Partial<Config>];

const OTHER = { traces: "http://other/v1/traces", metrics: "http://other/v1/metrics" };
const OTEL_CAPTURE = { OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "true" };

const precedence: Row[] = [
  [
    "a flag before the environment",
    { flags: { capture: "full" }, env: { HOOKSPAN_CAPTURE: "preview" } },
    { capture: "full" },
  ],
  [
    "the environment before the file",
    { env: { HOOKSPAN_CAPTURE: "preview" }, file: { capture: "full" } },
    { capture: "preview" },
  ],
  ["the file before OTEL_*", { file: { capture: "preview" }, env: OTEL_CAPTURE }, { capture: "preview" }],
  ["OTEL_* before the default", { env: OTEL_CAPTURE }, { capture: "full" }],
  ["an empty variable is none", { env: { HOOKSPAN_CAPTURE: "" }, file: { capture: "full" } }, { capture: "full" }],
  [
    "endpoint before endpoints",
    {
      env: { HOOKSPAN_ENDPOINT: "http://other" },
      file: { endpoints: { traces: "http://t", metrics: "http://m" } },
    },
    { endpoints: OTHER },
  ],
  ["headers as a whole", { env: { HOOKSPAN_HEADERS: "a=1" }, file: { headers: { b: "2" } } }, { headers: { a: "1" } }],
  [
    "resource attribute by attribute",
    { file: { resource: { a: "1" } }, env: { OTEL_RESOURCE_ATTRIBUTES: "a=2,b=3" } },
    { resource: { a: "1", b: "3" } },
  ],
  [
    "every flag",
    {
      flags: {
        endpoint: "http://other/",
        headers: "a=1",
        instance: "i",
        logLevel: "warn",
        home: "/h",
      },
    },
    { endpoints: OTHER, headers: { a: "1" }, instance: "i", logLevel: "warn", home: "/h" },
  ],
  [
    "every variable",
    {
      env: {
        HOOKSPAN_ENDPOINT: "http://other",
        HOOKSPAN_HEADERS: "a=1",
        HOOKSPAN_INSTANCE: "i",
        HOOKSPAN_LOG_LEVEL: "WARN",
        HOOKSPAN_HOME: "/h/",
      },
    },
    { endpoints: OTHER, headers: { a: "1" }, instance: "i", logLevel: "warn", home: "/h" },
  ],
];

const otel: Row[] = [
  ["a base", { env: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://other/" } }, { endpoints: OTHER }],
  [
    "a base with a path",
    { env: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://h/otlp" } },
    { endpoints: { traces: "http://h/otlp/v1/traces", metrics: "http://h/otlp/v1/metrics" } },
  ],
  [
    "one signal as it stands",
    {
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://other",
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://t/x",
      },
    },
    { endpoints: { ...OTHER, traces: "http://t/x" } },
  ],
  [
    "one signal alone",
    { env: { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://m/x" } },
    { endpoints: { traces: "http://127.0.0.1:4318/v1/traces", metrics: "http://m/x" } },
  ],
  [
    "headers",
    { env: { OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20a%3Db, x=1;meta,y==" } },
    { headers: { authorization: "Bearer a=b", x: "1", y: "=" } },
  ],
  [
    "timeout and compression",
    { env: { OTEL_EXPORTER_OTLP_TIMEOUT: "500", OTEL_EXPORTER_OTLP_COMPRESSION: "gzip" } },
    { timeoutMs: 500, compression: "gzip" },
  ],
  [
    "a timeout and a compression of another SDK",
    { env: { OTEL_EXPORTER_OTLP_TIMEOUT: "5s", OTEL_EXPORTER_OTLP_COMPRESSION: "zstd" } },
    { timeoutMs: 10_000, compression: "none" },
  ],
  [
    "certificates",
    {
      env: {
        OTEL_EXPORTER_OTLP_CERTIFICATE: "/ca",
        OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: "/c",
        OTEL_EXPORTER_OTLP_CLIENT_KEY: "k",
      },
    },
    { tls: { ca: "/ca", cert: "/c", key: resolve("k") } },
  ],
  [
    "a name of the service, which is the agent's here",
    {
      env: {
        OTEL_SERVICE_NAME: "x",
        OTEL_RESOURCE_ATTRIBUTES: "service.name=x,service.instance.id=y,team=a%20b",
      },
    },
    { resource: { team: "a b" } },
  ],
  ["resource attributes of which one is broken", { env: { OTEL_RESOURCE_ATTRIBUTES: "team=a,b" } }, { resource: {} }],
  ["an SDK that is off", { env: { OTEL_SDK_DISABLED: "TRUE" } }, { disabled: true }],
  ["an SDK that is not off", { env: { OTEL_SDK_DISABLED: "1" } }, { disabled: false }],
  [
    "gRPC for others, an endpoint for us",
    {
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://h:4317",
        OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
        HOOKSPAN_ENDPOINT: "http://other",
      },
    },
    { endpoints: OTHER },
  ],
  [
    "HTTP on gRPC's port, if said so",
    {
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://h:4317",
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      },
    },
    { endpoints: { traces: "http://h:4317/v1/traces", metrics: "http://h:4317/v1/metrics" } },
  ],
  [
    "credentials for a destination that is not ours",
    {
      file: { endpoint: "http://other" },
      env: { OTEL_EXPORTER_OTLP_HEADERS: "key=secret", OTEL_EXPORTER_OTLP_ENDPOINT: "http://x" },
    },
    { endpoints: OTHER, headers: {} },
  ],
];

const ambient = {
  ...OTEL_CAPTURE,
  OTEL_SDK_DISABLED: "true",
  OTEL_EXPORTER_OTLP_ENDPOINT: "http://project:4317",
  OTEL_EXPORTER_OTLP_HEADERS: "broken",
  OTEL_RESOURCE_ATTRIBUTES: "a=1",
};
const untouched = { capture: "none", disabled: false, headers: {}, resource: {} } as const;

const startedBy: Row[] = [
  ["a hook: ambient OTEL_* are ignored", { hookStarted: true, env: ambient }, untouched],
  ["a command that does not want OTEL_*", { ambientOtel: false, env: ambient }, untouched],
  [
    "a hook: capture from the file only",
    { hookStarted: true, env: { HOOKSPAN_CAPTURE: "full" }, flags: { capture: "full" } },
    { capture: "none" },
  ],
  [
    "a hook: capture from the file",
    { hookStarted: true, env: { HOOKSPAN_CAPTURE: "bad" }, file: { capture: "preview" } },
    { capture: "preview" },
  ],
  [
    "a hook: the endpoint from the environment",
    { hookStarted: true, env: { HOOKSPAN_ENDPOINT: "http://other" } },
    { endpoints: OTHER },
  ],
];

const disabled: Row[] = [
  ...["1", "true", "Yes", "ON"].map((word): Row => [
    `HOOKSPAN_DISABLED=${word}`,
    { env: { HOOKSPAN_DISABLED: word } },
    { disabled: true },
  ]),
  ...["0", "false", "no", "off", "2", ""].map((word): Row => [
    `HOOKSPAN_DISABLED=${word}`,
    { env: { HOOKSPAN_DISABLED: word } },
    { disabled: false },
  ]),
];

describe.each([
  ["precedence", precedence],
  ["OTEL_*", otel],
  ["started by", startedBy],
  ["switched off", disabled],
])("%s", (_, rows) => {
  test.for(rows)("%s", ([, sources, expected]) => {
    expect(load(sources)).toMatchObject(expected);
    expect(load(sources)).toMatchObject({
      headers: expected.headers ?? {},
      resource: expected.resource ?? {},
    });
  });
});

describe("where files are", () => {
  test.for([
    ["by default", { HOME: "/h" }, "/h/.config/hookspan/config.json", "/h/.local/state/hookspan"],
    ["by XDG", { HOME: "/h", XDG_CONFIG_HOME: "/c", XDG_STATE_HOME: "/s" }, "/c/hookspan/config.json", "/s/hookspan"],
    [
      "by relative XDG paths, which are ignored",
      { HOME: "/h", XDG_CONFIG_HOME: "c", XDG_STATE_HOME: "./s" },
      "/h/.config/hookspan/config.json",
      "/h/.local/state/hookspan",
    ],
    [
      "by our own variables",
      { HOME: "/h", XDG_STATE_HOME: "/s", HOOKSPAN_CONFIG: "/x/y.json", HOOKSPAN_HOME: "/z" },
      "/x/y.json",
      "/z",
    ],
    ["without a home", {}, join(homedir(), ".config/hookspan/config.json"), join(homedir(), ".local/state/hookspan")],
  ] as const)("%s", ([, env, expectedFile, home]) => {
    expect(configFile(env)).toBe(expectedFile);
    expect(loadConfig({ env: { HOOKSPAN_CONFIG: file, ...env }, ambientOtel: false, hookStarted: false }).home).toBe(
      home,
    );
  });

  test("an option may be relative", () => {
    expect([configFile({}, { config: "x.json" }), load({ flags: { home: "h" } }).home]).toEqual([
      resolve("x.json"),
      resolve("h"),
    ]);
  });
});

const SECRET = "hunter2";

const inFile: [situation: string, content: unknown, message: string][] = [
  ["a wrong word", { capture: "all" }, 'capture: "all" stands there; allowed: one of none, preview, full'],
  [
    "a wrong type",
    { timeout: "5s" },
    'timeout: "5s" stands there; allowed: milliseconds as a whole number, 1 to 3600000',
  ],
  ["null", { compression: null }, "compression: null stands there; allowed: one of none, gzip"],
  [
    "a fraction of a byte",
    { bounds: { spoolBytes: 1.5 } },
    "bounds.spoolBytes: 1.5 stands there; allowed: a whole number of bytes, at least 1",
  ],
  [
    "no days",
    { bounds: { ageDays: 0 } },
    "bounds.ageDays: 0 stands there; allowed: a number of days, more than 0, at most 3650",
  ],
  [
    "an unknown key",
    { captur: "full" },
    "captur: unknown key, did you mean capture? (known keys: endpoint, endpoints, headers, headersFile, headersCommand, timeout, ",
  ],
  ["a key in another case", { loglevel: "info" }, "loglevel: unknown key, did you mean logLevel? (known keys: "],
  ["a key that resembles none", { colour: true }, "colour: unknown key (known keys: "],
  [
    "an unknown key inside",
    { bounds: { spool: 1 } },
    "bounds.spool: unknown key (known keys: spoolBytes, outboxBytes, quarantineBytes, payloadBytes, ageDays)",
  ],
  [
    "an unknown key of tls",
    { tls: { certs: "x" } },
    "tls.certs: unknown key, did you mean cert? (known keys: ca, cert, key)",
  ],
  [
    "a wait that is too long",
    { identity: { waitSeconds: 601 } },
    "identity.waitSeconds: 601 stands there; allowed: seconds, 0 to 600",
  ],
  [
    "an empty address",
    { identity: { user: { email: "" } } },
    "identity.user.email: a string stands there; allowed: a string that is not empty",
  ],
  [
    "a host that is a name",
    { intake: { host: "localhost" } },
    'intake.host: "localhost" stands there; allowed: an IP address',
  ],
  [
    "a port that is none",
    { intake: { port: 65_536 } },
    "intake.port: 65536 stands there; allowed: a port, 1 to 65535, or 0 for any that is free",
  ],
  [
    "a missing half",
    { endpoints: { traces: "http://h" } },
    "endpoints.metrics: nothing stands there; allowed: a URL that begins with http:// or https://",
  ],
  [
    "both kinds of endpoint",
    { endpoint: "http://h", endpoints: { traces: "http://h", metrics: "http://h" } },
    "endpoint: stands beside endpoints; allowed: one of the two",
  ],
  [
    "an endpoint without a scheme",
    { endpoint: "localhost:4318" },
    'endpoint: "localhost:4318" stands there; allowed: a URL that begins with http:// or https://',
  ],
  [
    "an endpoint with credentials",
    { endpoint: `http://me:${SECRET}@h` },
    "endpoint: a string stands there; allowed: a URL without user and password, which belong into headers",
  ],
  [
    "headers that are a string",
    { headers: `authorization: ${SECRET}` },
    "headers: a string stands there; allowed: an object of header names and values",
  ],
  [
    "a header of several lines",
    { headers: { authorization: `${SECRET}\nx: y` } },
    "headers.authorization: a string stands there; allowed: one line of Latin-1 characters",
  ],
  [
    "a header's name",
    { headers: { "a b": SECRET } },
    "headers.a b: a name that cannot be used; allowed: a proper name",
  ],
  [
    "an MCP server's name that shows nothing",
    { mcpNames: { github: " " } },
    'mcpNames.github: " " stands there; allowed: a name of at most 128 characters, on one line',
  ],
  [
    "an MCP server's name in another place",
    { mcpNames: { github: { name: "GitHub" } } },
    "mcpNames.github: an object stands there; allowed: a string",
  ],
  [
    "an MCP server without a name of its own",
    { mcpNames: { "": "GitHub" } },
    "mcpNames.: a name that cannot be used; allowed: a proper name",
  ],
  [
    "MCP names that are a list",
    { mcpNames: ["GitHub"] },
    "mcpNames: a list stands there; allowed: an object of the names of MCP servers and those to show for them",
  ],
  ["a key instead of its file", { tls: { key: [SECRET] } }, "tls.key: a list stands there; allowed: a string"],
  [
    "an attribute that is ours",
    { resource: { "service.name": "x" } },
    "resource.service.name: a name that cannot be used; allowed: any other attribute, for hookspan sets this one",
  ],
  ["a number as attribute", { resource: { team: 7 } }, "resource.team: 7 stands there; allowed: a string"],
  [
    "an agent that no hook names so",
    { agents: ["Claude Code"] },
    'agents.0: "Claude Code" stands there; allowed: an agent as its hook names it, like claude-code',
  ],
  ["no agent at all", { agents: [] }, "agents: a list stands there; allowed: at least one agent"],
  [
    "a relative glob",
    { exclude: ["/a", "b/*"] },
    'exclude.1: "b/*" stands there; allowed: a path that begins with /, ~ or **; *, ** and ? are wildcards',
  ],
  ["a list", [], "the whole: a list stands there; allowed: an object"],
  ["two at once", { capture: 1, x: 2 }, "capture: 1 stands there; allowed: one of none, preview, full; x: unknown key"],
];

test.for(inFile)("the file's error for %s", ([, content, message]) => {
  const text = errorOf({ file: content });
  expect(text).toContain(`configuration file ${file}: `);
  expect(text).toContain(message);
  expect(text).not.toContain(SECRET);
});

test.for([
  ["cut off", `{\n "headers": {"a": "${SECRET}"`],
  ["with a comment", `{\n // ${SECRET}\n}`],
  ["empty", ""],
] as const)("a file that is %s is not valid JSON, and not quoted", ([, content]) => {
  writeFileSync(file, content);
  const text = errorOf({});
  expect(text).toMatch(/^configuration file .*config\.json: is not valid JSON/);
  expect(text).not.toContain(SECRET);
});

test("a file with a byte order mark is read", () => {
  writeFileSync(file, '\uFEFF{"capture":"full"}');
  expect(load({}).capture).toBe("full");
});

test("a file that cannot be read is an error", () => {
  mkdirSync(file);
  expect(errorOf({})).toBe(`configuration file ${file}: cannot be read; correct its permissions or name another`);
});

const elsewhere: [situation: string, sources: Sources, message: string][] = [
  [
    "a variable",
    { env: { HOOKSPAN_CAPTURE: "all" } },
    'environment variable HOOKSPAN_CAPTURE: capture: "all" stands there; allowed: one of none, preview, full',
  ],
  [
    "headers",
    { env: { HOOKSPAN_HEADERS: `a=1,${SECRET}` } },
    "environment variable HOOKSPAN_HEADERS: cannot be read; allowed: name=value,name=value with values percent-encoded",
  ],
  [
    "headers badly encoded",
    { env: { OTEL_EXPORTER_OTLP_HEADERS: `a=%zz${SECRET}` } },
    "environment variable OTEL_EXPORTER_OTLP_HEADERS: cannot be read",
  ],
  [
    "an option",
    { flags: { logLevel: "loud" } },
    'option --log-level: logLevel: "loud" stands there; allowed: one of error, warn, info, debug',
  ],
  [
    "a relative home",
    { env: { HOOKSPAN_HOME: "state" } },
    'environment variable HOOKSPAN_HOME: "state" stands there; allowed: an absolute path',
  ],
  [
    "an endpoint of gRPC",
    { env: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://h:4317", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" } },
    "environment variable OTEL_EXPORTER_OTLP_ENDPOINT: port 4317 is for gRPC, and hookspan speaks OTLP over HTTP; use port 4318",
  ],
  [
    "an endpoint of gRPC by its port",
    { env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://h:4317" } },
    "environment variable OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: port 4317 is for gRPC",
  ],
  [
    "an endpoint that is none",
    { env: { OTEL_EXPORTER_OTLP_ENDPOINT: "collector" } },
    "environment variable OTEL_EXPORTER_OTLP_ENDPOINT: endpoint: ",
  ],
];

test.for(elsewhere)("the error for %s", ([, sources, message]) => {
  const text = errorOf(sources);
  expect(text).toContain(message);
  expect(text).not.toContain(SECRET);
});

type Sources = Partial<ConfigSources> & { file?: unknown };

function load({ file: content, env, ...sources }: Sources): Config {
  if (content !== undefined) writeFileSync(file, JSON.stringify(content));
  return loadConfig({
    ambientOtel: true,
    hookStarted: false,
    ...sources,
    env: { HOME: directory, HOOKSPAN_CONFIG: file, ...env },
  });
}

function errorOf(sources: Sources): string {
  try {
    load(sources);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "no error";
}
