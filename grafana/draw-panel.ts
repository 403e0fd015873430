/** How panels look: all of a kind alike, readable with nothing, with one value and with many. */

import * as bargauge from "@grafana/grafana-foundation-sdk/bargauge";
import {
  BarGaugeDisplayMode,
  BarGaugeValueMode,
  BigValueColorMode,
  BigValueGraphMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  DashboardLinkBuilder,
  PanelBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type FieldConfig,
  type Panel as Drawn,
} from "@grafana/grafana-foundation-sdk/dashboard";
import * as heatmap from "@grafana/grafana-foundation-sdk/heatmap";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as table from "@grafana/grafana-foundation-sdk/table";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";

import type { Panel } from "./panel.ts";
import { PROMETHEUS, TEMPO } from "./sources.ts";
import { targetsOf } from "./target.ts";

type Place = { id: number; x: number; y: number };

/** The panel in Grafana's classic JSON. `note` goes behind its description. */
export function drawPanel(panel: Panel, { id, x, y }: Place, note: string): Drawn {
  const look = lookOf(panel);
  const links = panel.links ?? [];
  return {
    ...look,
    id,
    title: panel.title,
    description: `${panel.description}${note}`,
    datasource: panel.queries.every(({ language }) => language === "traceql") ? TEMPO : PROMETHEUS,
    gridPos: { x, y, w: panel.width, h: heightOf(panel) },
    targets: targetsOf(panel),
    ...(panel.minStep === undefined ? {} : { interval: panel.minStep }),
    ...(panel.mostPoints === undefined ? {} : { maxDataPoints: panel.mostPoints }),
    fieldConfig: {
      defaults: { ...look.fieldConfig?.defaults, ...fieldOf(panel) },
      overrides: links.flatMap(({ field, ...link }) =>
        field === undefined
          ? []
          : [{ matcher: { id: "byName", options: field }, properties: [{ id: "links", value: [link] }] }],
      ),
    },
  };
}

export function heightOf({ kind, height }: Panel): number {
  return height ?? (kind === "stat" ? 4 : 9);
}

function fieldOf(panel: Panel): FieldConfig {
  const warn = panel.warnFrom === undefined ? [] : [{ value: panel.warnFrom, color: "orange" }];
  const links = (panel.links ?? []).flatMap(({ field, title, url }) =>
    field === undefined ? [new DashboardLinkBuilder(title).url(url).build()] : [],
  );
  return {
    unit: panel.unit,
    noValue: panel.ifNone ?? "none in this range",
    ...(panel.decimals === undefined ? {} : { decimals: panel.decimals }),
    ...(panel.kind === "heatmap" || panel.kind === "table" ? {} : { min: 0 }),
    thresholds: new ThresholdsConfigBuilder()
      .mode(ThresholdsMode.Absolute)
      .steps([{ value: null, color: "green" }, ...warn])
      .build(),
    ...(links.length === 0 ? {} : { links }),
  };
}

function lookOf({ kind }: Panel): Drawn {
  switch (kind) {
    case "stat":
      return new stat.PanelBuilder()
        .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]))
        .colorMode(BigValueColorMode.Value)
        .graphMode(BigValueGraphMode.None)
        .build();
    case "lines":
      // A lone value between gaps is a point.
      return overTime().drawStyle(GraphDrawStyle.Line).lineWidth(1).showPoints(VisibilityMode.Auto).build();
    case "bars":
      return overTime()
        .drawStyle(GraphDrawStyle.Bars)
        .fillOpacity(80)
        .lineWidth(0)
        .stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group("A"))
        .build();
    case "ranking":
      return new bargauge.PanelBuilder()
        .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]))
        .orientation(VizOrientation.Horizontal)
        .displayMode(BarGaugeDisplayMode.Basic)
        .valueMode(BarGaugeValueMode.Text)
        .minVizHeight(16)
        .build();
    case "table":
      return new table.PanelBuilder().showHeader(true).build();
    case "heatmap":
      return new heatmap.PanelBuilder().calculate(false).build();
    case "trace":
      return new PanelBuilder().type("traces").build();
  }
}

/** Many lines: the legend scrolls, and a tooltip names the greatest first. */
function overTime(): timeseries.PanelBuilder {
  return new timeseries.PanelBuilder()
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
}
