/** A dashboard: what it holds, and how that becomes the file that Grafana reads. */

import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  type Dashboard,
} from "@grafana/grafana-foundation-sdk/dashboard";

import { drawPanel, heightOf } from "./draw-panel.ts";
import type { Panel } from "./panel.ts";
import { drawVariable, type Variable } from "./variables.ts";

export type Board = {
  /** The file's name; with `hookspan-` before it, the uid, which links name. */
  name: string;
  title: string;
  description: string;
  variables: readonly Variable[];
  /** In rows of 24 from left to right. */
  panels: readonly Panel[];
};

const TAG = "hookspan";
const COLUMNS = 24;

export function uidOf(name: string): string {
  return `hookspan-${name}`;
}

/** In Grafana's classic JSON, the only one that file provisioning takes. */
export function drawBoard({ name, title, description, variables, panels }: Board): Dashboard {
  const builder = new DashboardBuilder(title)
    .uid(uidOf(name))
    .description(description)
    .tags([TAG])
    .readonly()
    .timezone("browser")
    .time({ from: "now-24h", to: "now" })
    .refresh("1m")
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder("hookspan")
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .keepTime(true)
        .includeVars(true),
    );
  for (const variable of variables) builder.withVariable({ build: () => drawVariable(variable) });
  let [x, y, rowHeight] = [0, 0, 0];
  for (const [i, panel] of panels.entries()) {
    if (x + panel.width > COLUMNS) [x, y, rowHeight] = [0, y + rowHeight, 0];
    const drawn = drawPanel(panel, { id: i + 1, x, y }, noteOn(panel, variables));
    builder.withPanel({ build: () => drawn });
    x += panel.width;
    rowHeight = Math.max(rowHeight, heightOf(panel));
  }
  return builder.build();
}

/** A filter that a panel does not heed must be said. */
function noteOn({ queries }: Panel, variables: readonly Variable[]): string {
  const text = queries.map((query) => (query.language === "promql" ? query.expr : query.query)).join(" ");
  const unheeded = variables
    .filter((name) => name !== "session" && name !== "trace")
    .filter((name) => !text.includes(`$${name}`));
  return unheeded.length === 0 ? "" : ` Not filtered by ${unheeded.join(", ")}.`;
}
