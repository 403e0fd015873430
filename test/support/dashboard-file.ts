/** The dashboards that users get, read as Grafana reads them: nothing of the TypeScript that wrote them. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import * as z from "zod";

const FOLDER = join(import.meta.dirname, "../../grafana/dashboards");

const source = z.object({ type: z.string(), uid: z.string() });
const target = z.looseObject({
  refId: z.string(),
  datasource: source,
  expr: z.string().optional(),
  query: z.string().optional(),
  instant: z.boolean().optional(),
  exemplar: z.boolean().optional(),
});
const panel = z.looseObject({
  id: z.number(),
  type: z.string(),
  title: z.string(),
  description: z.string(),
  datasource: source,
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  interval: z.string().optional(),
  targets: z.array(target).nonempty(),
  fieldConfig: z.looseObject({ defaults: z.looseObject({ unit: z.string(), noValue: z.string() }) }),
});
const variable = z.looseObject({ name: z.string(), type: z.string(), query: z.string(), regex: z.string().optional() });
const dashboard = z.looseObject({
  uid: z.string(),
  title: z.string(),
  description: z.string(),
  schemaVersion: z.number(),
  editable: z.boolean(),
  templating: z.object({ list: z.array(variable) }),
  panels: z.array(panel).nonempty(),
});

export type DashboardFile = z.infer<typeof dashboard> & { file: string };

/** One query of one panel. */
export type PanelQuery = {
  board: string;
  panel: string;
  language: "promql" | "traceql";
  text: string;
  isInstant: boolean;
  hasExemplars: boolean;
};

export function readDashboards(): DashboardFile[] {
  return readdirSync(FOLDER).map((file) => ({
    ...dashboard.parse(JSON.parse(readFileSync(join(FOLDER, file), "utf8"))),
    file,
  }));
}

export function queriesOf({ uid, panels }: DashboardFile): PanelQuery[] {
  return panels.flatMap(({ title, targets }) =>
    targets.map(({ expr, query, instant, exemplar }) => ({
      board: uid,
      panel: title,
      language: expr === undefined ? "traceql" : "promql",
      text: expr ?? query ?? "",
      isInstant: instant === true,
      hasExemplars: exemplar === true,
    })),
  );
}

/** What Grafana makes of a query: its macros by a range and a step (`6h`), its variables by a value each, All by `.*`. */
export function substituted(
  text: string,
  {
    range,
    step,
    rate,
    variables = {},
  }: { range: string; step: string; rate: string; variables?: Record<string, string> },
): string {
  const macros: Record<string, string> = { __range: range, __interval: step, __rate_interval: rate };
  return text.replaceAll(/\$(\w+)/g, (_, name: string) => macros[name] ?? variables[name] ?? ".*");
}
