// What really leaves, of every recorded session, held against a pinned copy of OpenTelemetry's semantic conventions.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";

import { gaugePoints } from "../src/bridge/health.ts";
import { INSTRUMENTS } from "../src/metric/instruments.ts";
import { ATTRIBUTES, IDENTITY_ATTRIBUTES, RESOURCE_ATTRIBUTES, type Carrier } from "../src/registry/attributes.ts";
import { METRIC_ATTRIBUTES } from "../src/registry/metrics.ts";
import { createProbe } from "../src/setup/doctor/probe.ts";
import { ATTR, OPERATION } from "../src/trace/semconv.ts";
import { connect } from "./support/otlp-exporter.ts";
import { plain, type OtlpAttribute, type OtlpBody, type OtlpMetric, type OtlpSpan } from "./support/otlp-json.ts";
import { replayRecording } from "./support/recorded-session.ts";
import { recordedSessions } from "./support/recordings.ts";

const convention = z
  .strictObject({
    attributes: z.record(
      z.string(),
      z.strictObject({
        type: z.string(),
        values: z.array(z.string()).optional(),
        deprecated: z.literal(true).optional(),
      }),
    ),
    spans: z.record(z.string(), z.strictObject({ kind: z.string(), name: z.string(), required: z.array(z.string()) })),
    metrics: z.record(
      z.string(),
      z.strictObject({
        instrument: z.string(),
        unit: z.string(),
        boundaries: z.array(z.number()).optional(),
        required: z.array(z.string()),
        attributes: z.array(z.string()),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, "semconv", "index.json"), "utf8")));

/** Operations that the conventions do not have; they allow custom ones. */
const OWN_SPANS: (typeof convention)["spans"] = {
  execute_hook: { kind: "INTERNAL", name: "execute_hook {hookspan.hook.event}", required: ["hookspan.hook.name"] },
  session: { kind: "INTERNAL", name: "session {gen_ai.agent.name}", required: ["gen_ai.agent.name"] },
  compact: { kind: "INTERNAL", name: "compact {gen_ai.agent.name}", required: ["gen_ai.agent.name"] },
};

/** Enum values that are ours. `http_<status>` and our words for tools are what error.type asks for: few and documented. */
const OWN_VALUES: Record<string, readonly string[]> = {
  "gen_ai.operation.name": Object.keys(OWN_SPANS),
  // Cursor serves models itself. Hermes' own name for a server of the user's; OpenCode's is the name in its configuration, here of the
  // scripted model.
  "gen_ai.provider.name": ["cursor", "custom", "mock"],
};

/** On metrics of the conventions too: which repository the work was in, and the mark of a series that had no room. */
const ON_ANY_METRIC = [ATTR.repository, ATTR.overflow];

/** The conventions' buckets end at 7 minutes; a run may take hours. */
const EXTENDED = new Set(["gen_ai.invoke_agent.duration"]);

const KINDS = new Map([
  [1, "INTERNAL"],
  [3, "CLIENT"],
]);

/** True, and not in these recordings: bounds, clocks set back, starts and ends that got lost, a repository, a bridge's life. */
const UNSEEN = new Set<string>([
  // Hermes 0.19.0 has no hook for its own calls, and in no recording a subagent of it failed.
  "hookspan.llm.auxiliary",
  "error.type on subagent",

  ATTR.overflow,
  ATTR.clockSkewed,
  ATTR.startMissing,
  ATTR.orphaned,
  ATTR.runSynthetic,
  ATTR.sessionSynthetic,
  ATTR.toolBackground,
  ATTR.repository,
  ATTR.eventOutcome,
  ATTR.exportSignal,
  ATTR.exportOutcome,
  ATTR.dropReason,
]);

const SRC = join(import.meta.dirname, "..", "src");

const names = new Set<string>(Object.values(ATTR));
let bodies: OtlpBody[] = [];

beforeAll(async () => {
  await using pair = await connect();
  const { exporter } = pair;
  for (const { path } of recordedSessions()) {
    await replayRecording(path, "as in life", { capture: "full", through: exporter });
  }
  const stocks = {
    spool: { items: 1, sizeBytes: 1, oldestNs: 1n },
    outbox: { items: 0, sizeBytes: 0, oldestNs: undefined },
  };
  await exporter.sendMetrics(
    gaugePoints(
      stocks,
      { version: "0.0.0", osType: "linux" },
      [{ agent: "claude-code", agentVersion: "2.1.329" }],
      2_000_000_000n,
    ),
  );
  await exporter.sendMetrics([createProbe(2_000).metric]);
  bodies = pair.recorder.requests.map(({ body }) => body);
}, 120_000);

test("all three operations of the conventions, and ours, were sent", () => {
  const operations = new Set(spansSent().map((span) => plain(span.attributes)[ATTR.operation]));
  expect(operations).toEqual(new Set([...Object.keys(convention.spans), ...Object.keys(OWN_SPANS)]));
  expect(operations).toEqual(new Set(Object.values(OPERATION)));
});

test("each attribute has a name of the conventions or of our own, not a deprecated one, and is in our one list", () => {
  for (const key of new Set(attributesSent().map((one) => one.key))) {
    const known = convention.attributes[key];
    expect.soft(known !== undefined || key.startsWith("hookspan."), `${key} is nobody's`).toBe(true);
    expect.soft(known?.deprecated, `${key} is deprecated`).toBeUndefined();
    expect.soft(names.has(key), `${key} is not in ATTR`).toBe(true);
  }
  for (const { key } of bodies.flatMap(resourcesOf)) {
    expect.soft(convention.attributes[key]?.deprecated ?? convention.attributes[key], key).toBeDefined();
  }
});

test("each value has the type and, of an enum, a value of the conventions", () => {
  const misfits = [...attributesSent(), ...bodies.flatMap(resourcesOf)].filter((one) => !fits(one));
  expect(misfits).toEqual([]);
});

describe("spans", () => {
  test("have the name, the kind and the attributes that their operation asks for", () => {
    for (const span of spansSent()) {
      const attributes = plain(span.attributes);
      const operation = String(attributes[ATTR.operation]);
      const asked = convention.spans[operation] ?? OWN_SPANS[operation];
      expect([span.name, KINDS.get(span.kind)]).toEqual([span.name, asked?.kind]);
      expect(span.name).toBe(asked?.name.replaceAll(/\{(.+?)\}/g, (_, name: string) => String(attributes[name])));
      expect(attributes).toMatchObject({
        [ATTR.sessionId]: expect.any(String),
        [ATTR.conversationId]: expect.any(String),
      });
      expect(asked?.required.filter((name) => attributes[name] === undefined)).toEqual([]);
    }
  });

  test("that failed say why, in one word, and no others do", () => {
    const facts = spansSent().map(({ status, attributes }) => ({
      code: status?.code ?? 0,
      type: plain(attributes)[ATTR.errorType],
    }));
    expect(facts.filter(({ code, type }) => code !== (type === undefined ? 0 : 2))).toEqual([]);
    const words = new Set(facts.flatMap(({ type }) => (typeof type === "string" ? [type] : [])));
    expect([...words].filter((word) => !/^([a-z0-9_]{1,40}|_OTHER)$/.test(word))).toEqual([]);
    expect(words.size).toBeGreaterThan(3);
  });

  test("carry messages in the shape of the conventions", () => {
    const part = z.strictObject({ type: z.literal("text"), content: z.string() });
    const input = z.tuple([z.strictObject({ role: z.literal("user"), parts: z.tuple([part]) })]);
    const output = z.tuple([
      z.strictObject({ role: z.literal("assistant"), parts: z.tuple([part]), finish_reason: z.literal("stop") }),
    ]);
    const shapes = new Map<string, z.ZodType>([
      [ATTR.inputMessages, input],
      [ATTR.outputMessages, output],
    ]);
    const messages = attributesSent().filter(({ key }) => shapes.has(key));
    expect(new Set(messages.map(({ key }) => key)).size).toBe(2);
    for (const { key, value } of messages) shapes.get(key)?.parse(JSON.parse(value.stringValue ?? ""));
  });
});

describe("metrics", () => {
  test("have the instrument, the unit, the boundaries and the attributes of the conventions", () => {
    const sent = metricsSent().filter(({ name }) => !name.startsWith("hookspan."));
    expect(new Set(sent.map(({ name }) => name)).size).toBe(6);
    for (const metric of sent) {
      const asked = convention.metrics[metric.name];
      const points = pointsOf(metric);
      expect([metric.name, instrumentOf(metric), metric.unit]).toEqual([metric.name, asked?.instrument, asked?.unit]);
      for (const point of points) {
        const given = Object.keys(plain(point.attributes));
        expect(asked?.required.filter((name) => !given.includes(name))).toEqual([]);
        expect(given.filter((name) => ![...(asked?.attributes ?? []), ...ON_ANY_METRIC].includes(name))).toEqual([]);
        const bounds = EXTENDED.has(metric.name)
          ? point.explicitBounds?.slice(0, asked?.boundaries?.length)
          : point.explicitBounds;
        expect(bounds).toEqual(asked?.boundaries ?? point.explicitBounds);
      }
    }
  });

  test("of our own have our prefix and the instrument that we say", () => {
    for (const metric of metricsSent()) {
      const ours = Object.entries(INSTRUMENTS).find(([name]) => name === metric.name)?.[1];
      const kind = { sum: "counter", gauge: "gauge", histogram: "histogram" }[instrumentOf(metric)];
      expect([metric.name, kind, metric.unit ?? ""]).toEqual([metric.name, ours?.kind, ours?.unit]);
      const { aggregationTemporality = 2 } = metric.sum ?? metric.histogram ?? {};
      expect([aggregationTemporality, metric.sum?.isMonotonic ?? true]).toEqual([2, true]);
    }
  });
});

describe("the registry that users read", () => {
  test("names every attribute where it stands, and its type", () => {
    const misplaced = carried().filter(
      ({ attribute, carrier }) => !ATTRIBUTES.get(attribute.key)?.on.includes(carrier),
    );
    expect(misplaced).toEqual([]);
    expect(carried().filter(({ attribute }) => !hasType(attribute, ATTRIBUTES.get(attribute.key)?.type))).toEqual([]);
  });

  test("says of no place what is never there", () => {
    const seen = new Set(carried().map(({ attribute, carrier }) => `${attribute.key} on ${carrier}`));
    const said = [...ATTRIBUTES].flatMap(([key, { on }]) => on.map((carrier) => `${key} on ${carrier}`));
    expect(said.filter((one) => !seen.has(one) && !UNSEEN.has(one) && !UNSEEN.has(one.split(" ")[0] ?? ""))).toEqual(
      [],
    );
  });

  test("names every attribute of every metric and of the resource", () => {
    for (const metric of metricsSent()) {
      const allowed = METRIC_ATTRIBUTES.get(metric.name) ?? [];
      const given = pointsOf(metric).flatMap(({ attributes }) => (attributes ?? []).map(({ key }) => key));
      expect([metric.name, given.filter((key) => !allowed.includes(key))]).toEqual([metric.name, []]);
    }
    const ofResources = new Set(bodies.flatMap(resourcesOf).map(({ key }) => key));
    expect([...ofResources].sort()).toEqual(Object.keys(RESOURCE_ATTRIBUTES).sort());
  });

  test("names, beside those, what identity puts on the resource", () => {
    for (const key of Object.keys(IDENTITY_ATTRIBUTES)) {
      const known = convention.attributes[key];
      expect([key, known !== undefined || key.startsWith("hookspan."), known?.deprecated]).toEqual([
        key,
        true,
        undefined,
      ]);
    }
  });

  test("is what docs/telemetry.md says", async () => {
    const script: { telemetryPage: () => Promise<string> } = await import(
      new URL("../scripts/telemetry-doc.mjs", import.meta.url).href
    );
    const page = readFileSync(join(SRC, "..", "docs", "telemetry.md"), "utf8");
    expect(cells(page)).toBe(cells(await script.telemetryPage()));
  });

  test("is what docs/privacy.md says", async () => {
    const script: { privacyPage: () => Promise<string> } = await import(
      new URL("../scripts/privacy-doc.mjs", import.meta.url).href
    );
    const page = readFileSync(join(SRC, "..", "docs", "privacy.md"), "utf8");
    expect(cells(page)).toBe(cells(await script.privacyPage()));
  });
});

test("every name of our list is used", () => {
  const source = readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && !name.endsWith("semconv.ts"))
    .map((name) => readFileSync(join(SRC, name), "utf8"))
    .join("\n");
  expect(Object.keys(ATTR).filter((key) => !new RegExp(`\\bATTR\\.${key}\\b`).test(source))).toEqual([]);
});

function spansSent(): OtlpSpan[] {
  return bodies.flatMap((body) =>
    (body.resourceSpans ?? []).flatMap((one) => one.scopeSpans.flatMap(({ spans }) => spans)),
  );
}

function metricsSent(): OtlpMetric[] {
  return bodies.flatMap((body) =>
    (body.resourceMetrics ?? []).flatMap((one) => one.scopeMetrics.flatMap(({ metrics }) => metrics)),
  );
}

/** Every attribute of spans, links and points, with what carries it. */
function carried(): { attribute: OtlpAttribute; carrier: Carrier }[] {
  const ofSpans = spansSent().flatMap((span) => [
    ...(span.attributes ?? []).map((attribute) => ({ attribute, carrier: carrierOf(span) })),
    ...(span.links ?? []).flatMap(({ attributes }) =>
      (attributes ?? []).map((attribute) => ({ attribute, carrier: "link" as const })),
    ),
  ]);
  const ofMetrics = metricsSent().flatMap((metric) => {
    const carrier: Carrier = metric.name.startsWith("hookspan.bridge.") ? "bridge metric" : "metric";
    return pointsOf(metric).flatMap(({ attributes }) =>
      (attributes ?? []).map((attribute) => ({ attribute, carrier })),
    );
  });
  return [...ofSpans, ...ofMetrics];
}

function carrierOf({ attributes }: OtlpSpan): Carrier {
  const facts = plain(attributes);
  const byOperation: Record<string, Carrier> = {
    session: "session",
    chat: "call",
    execute_tool: "tool",
    execute_hook: "hook",
    compact: "compaction",
  };
  return byOperation[String(facts[ATTR.operation])] ?? (facts[ATTR.subagentId] === undefined ? "run" : "subagent");
}

function hasType({ value }: OtlpAttribute, type: string | undefined): boolean {
  switch (type) {
    case "string[]":
      return value.arrayValue !== undefined;
    case "int":
      return value.intValue !== undefined;
    case "double":
      return value.doubleValue !== undefined || value.intValue !== undefined;
    case "boolean":
      return value.boolValue !== undefined;
    default:
      return value.stringValue !== undefined;
  }
}

/** The formatter pads the cells of tables and their rules. */
function cells(page: string): string {
  return page.replaceAll(/-{3,}/g, "---").replaceAll(/ +/g, " ");
}

function attributesSent(): OtlpAttribute[] {
  const ofSpans = spansSent().flatMap((span) => [
    ...(span.attributes ?? []),
    ...(span.links ?? []).flatMap(({ attributes }) => attributes ?? []),
  ]);
  return [
    ...ofSpans,
    ...metricsSent()
      .flatMap(pointsOf)
      .flatMap(({ attributes }) => attributes ?? []),
  ];
}

function resourcesOf(body: OtlpBody): OtlpAttribute[] {
  return [...(body.resourceSpans ?? []), ...(body.resourceMetrics ?? [])].flatMap(
    ({ resource }) => resource.attributes,
  );
}

function pointsOf(metric: OtlpMetric) {
  return (metric.sum ?? metric.gauge ?? metric.histogram)?.dataPoints ?? [];
}

function instrumentOf(metric: OtlpMetric): "sum" | "gauge" | "histogram" {
  return metric.sum ? "sum" : metric.gauge ? "gauge" : "histogram";
}

/** Whole doubles travel as integers, and what may be anything travels as JSON in a string. */
function fits({ key, value }: OtlpAttribute): boolean {
  const known = convention.attributes[key];
  if (known === undefined) return Object.keys(value).length === 1 && value.arrayValue === undefined;
  switch (known.type.split(":")[0]) {
    case "int":
      return value.intValue !== undefined;
    case "double":
      return value.doubleValue !== undefined || value.intValue !== undefined;
    case "boolean":
      return value.boolValue !== undefined;
    case "string[]":
      return value.arrayValue?.values.every((one) => one.stringValue !== undefined) ?? false;
    case "enum": {
      const values = [...(known.values ?? []), ...(OWN_VALUES[key] ?? [])];
      return key === ATTR.errorType || values.includes(value.stringValue ?? "");
    }
    default:
      return value.stringValue !== undefined;
  }
}
