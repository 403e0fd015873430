// Helm values of the fleet: written by the script, and what the chart would hand to the Collector is valid.

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";

import { FLEET_TLS } from "../support/fleet.ts";
import { COLLECTOR, stackProgram } from "../support/stack-program.ts";
import { tempDirectory } from "../support/temp-state.ts";

const FLEET = join(import.meta.dirname, "../../collector-config/fleet");
const TIERS = ["edge", "gateway"] as const;

const values = z.looseObject({
  replicaCount: z.number(),
  image: z.object({ repository: z.string(), tag: z.string() }),
  extraEnvs: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })),
  extraVolumeMounts: z.array(z.looseObject({ mountPath: z.string() })),
  alternateConfig: z.looseObject({}),
});

const program = stackProgram(COLLECTOR);

test("are those that `npm run helm-values` writes", async () => {
  const script: { helmValues: () => Map<string, string> } = await import(
    new URL("../../scripts/helm-values.mjs", import.meta.url).href
  );
  const written = [...script.helmValues()];
  expect(written.map(([name]) => name)).toEqual(TIERS.map((tier) => `${tier}.values.yaml`));
  for (const [name, text] of written) {
    const shipped = readFileSync(join(FLEET, "helm", name), "utf8");
    expect([name, parse(shipped)]).toEqual([name, parse(text)]);
    expect(shipped.slice(0, shipped.indexOf("mode:"))).toBe(text.slice(0, text.indexOf("mode:")));
  }
});

test.each(TIERS)(
  "%s: is the shipped file, with all that it reads mounted, and the image of the compose file",
  (tier) => {
    const { alternateConfig, extraVolumeMounts, extraEnvs, image } = read(tier);
    const shipped = readFileSync(join(FLEET, `${tier}.yaml`), "utf8");
    expect(alternateConfig).toEqual(parse(shipped));
    const files = shipped.match(/\/etc\/hookspan\/[a-z]+/g) ?? [];
    const mounts = extraVolumeMounts.map(({ mountPath }) => mountPath);
    expect(mounts).toEqual(expect.arrayContaining([...new Set(files), "/var/lib/otelcol"]));
    expect(extraEnvs).toContainEqual({ name: "COLLECTOR_QUEUE", value: "/var/lib/otelcol/queue" });
    const compose = readFileSync(join(FLEET, "../../docker-compose.yml"), "utf8");
    expect(compose).toContain(`image: ${image.repository}:${image.tag}\n`);
  },
);

test("each edge knows each gateway", () => {
  const gateways = read("edge").extraEnvs.find(({ name }) => name === "GATEWAYS")?.value;
  const names = Array.from(
    { length: read("gateway").replicaCount },
    (_, n) => `hookspan-gateway-${n}.hookspan-gateway:4317`,
  );
  expect(parse(gateways ?? "")).toEqual(names);
});

test.runIf(program !== undefined).each(TIERS)("%s: otelcol validate has nothing to say", async (tier) => {
  const directory = tempDirectory();
  const file = join(directory, "relay.yaml");
  const { alternateConfig, extraEnvs } = read(tier);
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(alternateConfig));
  writeFileSync(join(directory, "htpasswd"), "");
  const env = {
    ...Object.fromEntries(extraEnvs.map(({ name, value = "pod-0" }) => [name, value])),
    ...FLEET_TLS,
    EDGE_HTPASSWD: join(directory, "htpasswd"),
    COLLECTOR_QUEUE: join(directory, "queue"),
  };
  const said = await promisify(execFile)(program ?? "", ["validate", "--config", file], { cwd: directory, env });
  expect(said).toEqual({ stdout: "", stderr: "" });
});

function read(tier: (typeof TIERS)[number]): z.infer<typeof values> {
  return values.parse(parse(readFileSync(join(FLEET, "helm", `${tier}.values.yaml`), "utf8")));
}
