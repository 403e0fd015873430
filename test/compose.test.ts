// docker-compose.yml, read as data: what it publishes, what it pins, and that its parts fit together.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";

import { FULL_CHARACTERS } from "../src/trace/content.ts";
import { readComposeFile, type ComposeService } from "./support/compose-file.ts";

const ROOT = join(import.meta.dirname, "..");
const { services, volumes } = readComposeFile();
const each = Object.entries(services);

test("the services are those of the stack, and one that runs once", () => {
  expect(Object.keys(services).sort()).toEqual(["collector", "grafana", "prometheus", "tempo", "volumes"]);
  expect(each.filter(([, { restart }]) => restart !== "unless-stopped").map(([name]) => name)).toEqual(["volumes"]);
});

describe.each(each)("%s", (name, service) => {
  test("publishes on 127.0.0.1 only", () => {
    for (const port of service.ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  test("has a pinned image", () => {
    expect(service.image).toMatch(/^[a-z./-]+:v?\d+\.\d+\.\d+$/);
  });

  test("has no more rights than it needs, and is root only where it hands volumes over", () => {
    expect(service).toMatchObject({ read_only: true, cap_drop: ["ALL"], security_opt: ["no-new-privileges:true"] });
    expect(service.cap_add ?? []).toEqual(name === "volumes" ? ["CHOWN"] : []);
    expect([service.mem_limit, service.pids_limit]).not.toContain(undefined);
    const isRoot = !/^[1-9]\d*:\d+$/.test(service.user ?? "");
    expect([isRoot, service.network_mode]).toEqual(name === "volumes" ? [true, "none"] : [false, undefined]);
  });

  test("is asked whether it is well, where its image has something that can ask", () => {
    // The Collector's image holds the Collector and nothing else.
    const cannot = ["collector", "volumes"];
    expect(service.healthcheck === undefined).toBe(cannot.includes(name));
  });

  test("keeps its log small", () => {
    expect(service.logging?.options?.["max-size"]).toBe(name === "volumes" ? undefined : "10m");
  });

  test("mounts files that exist and are in the package, read-only, and volumes that are declared", () => {
    const mounts = service.volumes.map((volume) => volume.split(":"));
    const [files, named] = [mounts.filter(isFile), mounts.filter((mount) => !isFile(mount))];
    for (const [source = "", , mode] of files)
      expect({ source, exists: existsSync(join(ROOT, source)), packed: isPacked(source.slice(2)), mode }).toEqual({
        source,
        exists: true,
        packed: true,
        mode: "ro",
      });
    expect(Object.keys(volumes)).toEqual(expect.arrayContaining(named.map(([source]) => source)));
  });

  test("sets every variable that its configuration reads", () => {
    const wanted = configFiles(service).flatMap((file) => variablesIn(readFileSync(join(ROOT, file), "utf8")));
    expect(Object.keys(service.environment)).toEqual(expect.arrayContaining(wanted));
  });
});

test("the Collector, Tempo, Prometheus and Grafana find each other", () => {
  const tempo = z
    .looseObject({
      server: z.looseObject({ http_listen_port: z.number() }),
      distributor: z.looseObject({
        receivers: z.looseObject({
          otlp: z.looseObject({ protocols: z.looseObject({ grpc: z.looseObject({ endpoint: z.string() }) }) }),
        }),
      }),
    })
    .parse(yaml("collector-config/tempo.yaml"));
  const otlpPort = tempo.distributor.receivers.otlp.protocols.grpc.endpoint.split(":").at(-1);
  expect(services["collector"]?.environment["TEMPO_OTLP"]).toBe(`tempo:${otlpPort}`);
  expect(services["collector"]?.environment["PROMETHEUS_OTLP"]).toBe("http://prometheus:9090/api/v1/otlp");
  expect(services["prometheus"]?.command).toContain("--web.enable-otlp-receiver");

  const { datasources } = z
    .looseObject({ datasources: z.array(z.looseObject({ uid: z.string(), url: z.string() })) })
    .parse(yaml("grafana/provisioning/datasources/hookspan.yaml"));
  expect(datasources.map(({ uid, url }) => [uid, url])).toEqual([
    ["hookspan-prometheus", "$PROMETHEUS_URL"],
    ["hookspan-tempo", "$TEMPO_URL"],
  ]);
  expect(services["grafana"]?.environment).toMatchObject({
    PROMETHEUS_URL: "http://prometheus:9090",
    TEMPO_URL: `http://tempo:${tempo.server.http_listen_port}`,
  });
});

test("what Prometheus reads beside its configuration is mounted beside it, and it scrapes the services by their names", () => {
  const prometheus = z
    .looseObject({ rule_files: z.array(z.string()), scrape_config_files: z.array(z.string()) })
    .parse(yaml("collector-config/prometheus.yaml"));
  expect(prometheus).toMatchObject({ rule_files: ["rules/*.yaml"], scrape_config_files: ["scrape.yaml"] });
  expect(services["prometheus"]?.volumes).toEqual(
    expect.arrayContaining([
      "./collector-config/prometheus.yaml:/etc/prometheus/prometheus.yml:ro",
      "./collector-config/scrape-compose.yaml:/etc/prometheus/scrape.yaml:ro",
      "./collector-config/rules:/etc/prometheus/rules:ro",
    ]),
  );
  const [compose, loopback] = ["scrape-compose", "scrape"].map((name) => targets(`collector-config/${name}.yaml`));
  expect(compose).toEqual({ collector: ["collector:8888"], prometheus: ["127.0.0.1:9090"], tempo: ["tempo:3200"] });
  expect(loopback).toEqual({
    collector: ["127.0.0.1:8888"],
    prometheus: ["127.0.0.1:9090"],
    tempo: ["127.0.0.1:3200"],
  });
});

test("Grafana asks nothing of the network outside", () => {
  expect(services["grafana"]?.environment).toMatchObject({
    GF_PLUGINS_PREINSTALL_DISABLED: "true",
    GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED: "true",
    GF_ANALYTICS_REPORTING_ENABLED: "false",
    GF_ANALYTICS_CHECK_FOR_UPDATES: "false",
    GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: "false",
    GF_NEWS_NEWS_FEED_ENABLED: "false",
    GF_SECURITY_DISABLE_GRAVATAR: "true",
  });
  expect(yaml("collector-config/tempo.yaml")).toMatchObject({ usage_report: { reporting_enabled: false } });
});

test("Tempo takes whole what hookspan may send as one attribute", () => {
  const { distributor } = z
    .looseObject({ distributor: z.looseObject({ max_attribute_bytes: z.number() }) })
    .parse(yaml("collector-config/tempo.yaml"));
  expect(distributor.max_attribute_bytes).toBeGreaterThanOrEqual(FULL_CHARACTERS * Buffer.byteLength("😀"));
});

test("an exemplar leads to Tempo", () => {
  expect(yaml("grafana/provisioning/datasources/hookspan.yaml")).toMatchObject({
    datasources: [
      { jsonData: { exemplarTraceIdDestinations: [{ name: "trace_id", datasourceUid: "hookspan-tempo" }] } },
      { uid: "hookspan-tempo" },
    ],
  });
});

test("Grafana lets nobody in without a password, and has none that is known", () => {
  const { environment = {} } = services["grafana"] ?? {};
  expect(environment["GF_AUTH_ANONYMOUS_ENABLED"]).toBe("false");
  expect(environment).not.toHaveProperty("GF_SECURITY_ADMIN_PASSWORD");
  expect(environment["GF_SECURITY_ADMIN_PASSWORD__FILE"]).toBe("/run/hookspan/admin-password");
});

/** The targets of each job of a file of scrape configurations. */
function targets(file: string): Record<string, string[]> {
  const job = z.looseObject({
    job_name: z.string(),
    static_configs: z.array(z.looseObject({ targets: z.array(z.string()) })),
  });
  const { scrape_configs: jobs } = z.looseObject({ scrape_configs: z.array(job) }).parse(yaml(file));
  return Object.fromEntries(jobs.map((one) => [one.job_name, one.static_configs.flatMap((config) => config.targets)]));
}

function yaml(file: string): unknown {
  return parse(readFileSync(join(ROOT, file), "utf8"));
}

function configFiles(service: ComposeService): string[] {
  return service.volumes.flatMap((volume) => /^\.\/(collector-config\/[^:]+\.yaml):/.exec(volume)?.[1] ?? []);
}

/** `${env:NAME:-default}` in the Collector's file, `${NAME}` in Tempo's. Not in comments. */
function variablesIn(text: string): string[] {
  const used = text.replaceAll(/#.*/g, "").matchAll(/\$\{(?:env:)?([A-Z_]+)(?::-[^}]*)?\}/g);
  return [...new Set([...used].flatMap(([, name]) => name ?? []))];
}

function isFile([source]: string[]): boolean {
  return source?.startsWith("./") === true;
}

function isPacked(path: string): boolean {
  const { files } = z
    .looseObject({ files: z.array(z.string()) })
    .parse(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")));
  const isListed = (entry: string): boolean => path === entry || path.startsWith(`${entry}/`);
  return files.some(isListed) && !files.some((entry) => entry.startsWith("!") && isListed(entry.slice(1)));
}
