// The dashboards as data: they are what the TypeScript makes, Grafana can read them, and they name nothing that is not there.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";

import { dashboardFiles } from "../grafana/dashboards.ts";
import { underscored } from "../grafana/queries/prometheus-name.ts";
import { ATTRIBUTES, RESOURCE_ATTRIBUTES } from "../src/registry/attributes.ts";
import { queriesOf, readDashboards, substituted } from "./support/dashboard-file.ts";
import { knownNames } from "./support/known-names.ts";
import { attributesNamed, functionsAround, metricsNamed } from "./support/query-names.ts";
import { readRules } from "./support/rule-file.ts";

const ROOT = join(import.meta.dirname, "..");
const AS_GRAFANA = { range: "6h", step: "1h", rate: "2m" };
const known = knownNames();
const boards = readDashboards();
const queries = boards.flatMap(queriesOf);

test("the files are what the TypeScript makes: npm run dashboards", () => {
  const written = boards.map(({ file }): [string, unknown] => [
    file,
    JSON.parse(readFileSync(join(ROOT, "grafana/dashboards", file), "utf8")),
  ]);
  const made = [...dashboardFiles()].map(([file, text]): [string, unknown] => [file, JSON.parse(text)]);
  expect(Object.fromEntries(written)).toEqual(Object.fromEntries(made));
});

test("five dashboards, each with a uid of its own", () => {
  expect(boards.map(({ uid }) => uid).sort()).toEqual(
    ["bridge", "cost", "fleet", "session", "tools"].map((name) => `hookspan-${name}`),
  );
});

describe.each(boards.map((board) => [board.uid, board] as const))("%s", (_, board) => {
  test("is the classic JSON that file provisioning takes, and cannot be changed by hand", () => {
    expect(board.schemaVersion).toBeLessThanOrEqual(42);
    expect(board.editable).toBe(false);
    for (const key of ["id", "apiVersion", "kind", "spec", "elements", "layout"]) expect(board).not.toHaveProperty(key);
  });

  test("its panels have ids of their own, lie within 24 columns and on no other", () => {
    const { panels } = board;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (__, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24);
  });

  test("every panel asks a question, says how it is measured, in which unit, and what it shows without data", () => {
    for (const { title, description, fieldConfig } of board.panels) {
      expect(title).toMatch(/\?/);
      expect(description.length).toBeGreaterThan(8);
      expect([fieldConfig.defaults.unit, fieldConfig.defaults.noValue]).not.toContain("");
    }
    expect(new Set(board.panels.map(({ title }) => title)).size).toBe(board.panels.length);
  });

  test("it asks no other data source than those that are provisioned", () => {
    const provisioned = z
      .looseObject({ datasources: z.array(z.looseObject({ uid: z.string(), type: z.string() })) })
      .parse(yaml("grafana/provisioning/datasources/hookspan.yaml"))
      .datasources.map(({ uid, type }) => ({ uid, type }));
    for (const { datasource, targets } of board.panels) {
      expect(provisioned).toContainEqual(datasource);
      for (const target of targets) expect(provisioned).toContainEqual(target.datasource);
    }
  });

  test("it uses every variable that it has, and has every one that it uses", () => {
    const own = board.templating.list.map(({ name }) => name);
    const used = queriesOf(board).flatMap(({ text }) => [...text.matchAll(/\$(\w+)/g)].map(([, name = ""]) => name));
    expect([...new Set(used.filter((name) => !name.startsWith("__")))].sort()).toEqual([...own].sort());
  });

  test("its links lead to dashboards that are there, with variables that these have", () => {
    for (const [, name = "", query = ""] of JSON.stringify(board.panels).matchAll(/"\/d\/([\w-]+)\?([^"]*)/g)) {
      const there = boards.find(({ uid }) => uid === name);
      expect(there?.uid).toBe(name);
      const names = there?.templating.list.map((variable) => variable.name);
      for (const [, variable] of query.matchAll(/var-(\w+)=/g)) expect(names).toContain(variable);
    }
  });
});

test("from a bar, of an hour or a day, a link leads to all of its runs", () => {
  const bars = boards.flatMap(({ panels }) => panels.filter(({ interval }) => interval === "1h"));
  const windows = bars
    .map(({ fieldConfig }) =>
      [...JSON.stringify(fieldConfig).matchAll(/time\.window=(\d+)/g)].map(([, ms]) => Number(ms)),
    )
    .filter((found) => found.length > 0);
  // Half of it lies before the bar's beginning.
  for (const found of windows) expect(found).toEqual([2 * 3_600_000, 2 * 86_400_000]);
  expect(windows.length).toBeGreaterThan(2);
});

test("agent, repository, model and user can be chosen wherever there is something to choose", () => {
  const names = Object.fromEntries(boards.map(({ uid, templating }) => [uid, templating.list.map(({ name }) => name)]));
  const four = ["agent", "repository", "model", "user"];
  expect(names).toEqual({
    "hookspan-fleet": four,
    "hookspan-cost": four,
    "hookspan-session": [...four, "session", "trace"],
    "hookspan-tools": four,
    "hookspan-bridge": ["user"],
  });
});

test.each(queries.filter(({ language }) => language === "promql").map((one) => [one.board, one.panel, one.text]))(
  "%s, %s: names only what is there, and counts no total by increase()",
  (_, __, text) => {
    const query = substituted(text, AS_GRAFANA);
    expect(unknownIn(query)).toEqual([]);
    const counters = metricsNamed(query)
      .map(({ metric }) => metric)
      .filter((metric) => /^(hookspan_|gen_ai_).*_(total|sum|count)$/.test(metric));
    expect(counters.filter((metric) => functionsAround(query, metric).includes("increase"))).toEqual([]);
  },
);

test.each(
  queries
    .filter(({ language, text }) => language === "traceql" && text !== "$trace")
    .map((one) => [one.panel, one.text]),
)("%s: TraceQL that names only attributes that spans have", (_, text) => {
  expect(unknownAttributesIn(substituted(text, AS_GRAFANA))).toEqual([]);
});

test("what the variables ask for is there", () => {
  for (const { type, query } of boards.flatMap(({ templating }) => templating.list)) {
    if (type !== "query") continue;
    const [, selector = "", label = ""] = /^label_values\((.+), (\w+)\)$/.exec(query) ?? [];
    expect(unknownIn(`sum by (${label}) (${selector})`)).toEqual([]);
  }
});

test("from a span to metrics that are there, by labels that they have", () => {
  const file = z.looseObject({
    datasources: z.array(
      z.looseObject({
        jsonData: z.looseObject({
          tracesToMetrics: z
            .object({
              datasourceUid: z.string(),
              spanStartTimeShift: z.string(),
              spanEndTimeShift: z.string(),
              tags: z.array(z.object({ key: z.string(), value: z.string() })),
              queries: z.array(z.object({ name: z.string(), query: z.string() })),
            })
            .optional(),
        }),
      }),
    ),
  });
  const { datasources } = file.parse(yaml("grafana/provisioning/datasources/hookspan.yaml"));
  const { tags, queries: asked } = datasources.flatMap(({ jsonData }) => jsonData.tracesToMetrics ?? [])[0] ?? {
    tags: [],
    queries: [],
  };
  expect([tags.length, asked.length]).toEqual([3, 2]);
  for (const { key, value } of tags) expect(value).toBe(underscored(key));
  for (const { query } of asked) {
    const own = known.get(metricsNamed(filled(query, ""))[0]?.metric ?? "");
    const fitting = tags.filter(({ value }) => own?.has(value)).map(({ value }) => `${value}="x"`);
    expect(fitting.length).toBeGreaterThan(1);
    expect(unknownIn(filled(query, fitting.join(",")))).toEqual([]);
  }
});

test("the rules, too, name only what is there", () => {
  const rules = readRules();
  const recorded = new Set(rules.map(({ record }) => record));
  const unknown = rules.flatMap(({ expr }) => unknownIn(expr)).filter((name) => !recorded.has(name));
  expect(unknown).toEqual([]);
});

test.each([
  ["hookspan_costs_USD_total", ["hookspan_costs_USD_total"]],
  ['sum(rate(hookspan_cost_USD_total{session_id="x"}[5m]))', ["hookspan_cost_USD_total{session_id}"]],
  ["sum by (gen_ai_tool_name) (hookspan_cost_USD_total)", ["hookspan_cost_USD_total{gen_ai_tool_name}"]],
  [
    "hookspan_cost_USD_total / on (le) hookspan_run_count_total",
    ["hookspan_cost_USD_total{le}", "hookspan_run_count_total{le}"],
  ],
  ['sum by (le) (gen_ai_execute_tool_duration_seconds_bucket{job="x"})', []],
  ["sum by (user_id) (hookspan_cost_USD_total)", ["hookspan_cost_USD_total{user_id}"]],
  ["sum by (user_id) (hookspan_cost_USD_total * on (instance) group_left (user_id) target_info)", []],
  [
    "sum by (le) (hookspan_cost_USD_total unless on (le) target_info)",
    ["hookspan_cost_USD_total{le}", "target_info{le}"],
  ],
  ["sum by (hookspan_token_kind) (hookspan_token_usage_total unless on (instance) target_info)", []],
])("the check finds what is wrong with %s", (query, wrong) => {
  expect(unknownIn(query)).toEqual(wrong);
});

test.each([
  ["{ span.hookspan.costs.usd > 1 && resource.service.name = `x` }", ["span.hookspan.costs.usd"]],
  ["{ resource.os.name = `x` }", ["resource.os.name"]],
])("the check finds what is wrong with %s", (query, wrong) => {
  expect(unknownAttributesIn(query)).toEqual(wrong);
});

test("the check refuses what is no query", () => {
  expect(() => metricsNamed("sum(a b)")).toThrow("not understood");
  expect(() => attributesNamed("{ span.a = }")).toThrow("not understood");
});

/** In provisioning files, `$$` is a `$`. */
function filled(query: string, matchers: string): string {
  return substituted(query.replaceAll("$$", "$").replace("$__tags", matchers), AS_GRAFANA);
}

function unknownIn(query: string): string[] {
  return metricsNamed(query).flatMap(({ metric, labels }) => {
    const own = known.get(metric);
    if (own === undefined) return [metric];
    return labels.filter((label) => !own.has(label)).map((label) => `${metric}{${label}}`);
  });
}

function unknownAttributesIn(query: string): string[] {
  const resource = new Set([...Object.keys(RESOURCE_ATTRIBUTES), "user.id"]);
  return attributesNamed(query).filter((name) => {
    const dot = name.indexOf(".");
    const [scope, attribute] = [name.slice(0, dot), name.slice(dot + 1)];
    return scope === "resource" ? !resource.has(attribute) : scope !== "span" || !ATTRIBUTES.has(attribute);
  });
}

function yaml(file: string): unknown {
  return parse(readFileSync(join(ROOT, file), "utf8"));
}
