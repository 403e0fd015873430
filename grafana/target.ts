/** A panel's queries in Grafana's own words. */

import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";
import * as tempo from "@grafana/grafana-foundation-sdk/tempo";

import type { Panel, Query } from "./panel.ts";
import { PROMETHEUS, TEMPO } from "./sources.ts";

/** More rows than anybody reads, fewer than a browser minds. */
const MOST_TRACES = 100;

/** What Tempo gives of one trace in a table of spans; it refuses more than 100. */
const MOST_SPANS = 100;

/** Named A, B, C in their order. */
export function targetsOf({ queries, kind }: Panel): Dataquery[] {
  return queries.map((query, i) =>
    targetOf(query, kind)
      .refId(String.fromCodePoint(65 + i))
      .build(),
  );
}

type Named = Builder<Dataquery> & { refId(refId: string): Builder<Dataquery> };

function targetOf(query: Query, kind: Panel["kind"]): Named {
  if (query.language === "traceql") {
    const target = new tempo.DataqueryBuilder().datasource(TEMPO).queryType("traceql").query(query.query);
    switch (query.shape) {
      case "metrics":
        return target.metricsQueryType(
          kind === "ranking" ? tempo.MetricsQueryType.Instant : tempo.MetricsQueryType.Range,
        );
      case "spans":
        return target.tableType(tempo.SearchTableType.Spans).limit(MOST_TRACES).spss(MOST_SPANS);
      case "traces":
        return target.tableType(tempo.SearchTableType.Traces).limit(MOST_TRACES);
      case "trace":
        return target;
    }
  }
  const target = new prometheus.DataqueryBuilder()
    .datasource(PROMETHEUS)
    .editorMode(prometheus.QueryEditorMode.Code)
    .expr(query.expr)
    .legendFormat(query.legend === "" ? "__auto" : query.legend)
    .format(formatOf(kind));
  if (query.exemplars) target.exemplar(true);
  return query.shape === "instant" ? target.instant() : target.range();
}

function formatOf(kind: Panel["kind"]): prometheus.PromQueryFormat {
  if (kind === "table") return prometheus.PromQueryFormat.Table;
  return kind === "heatmap" ? prometheus.PromQueryFormat.Heatmap : prometheus.PromQueryFormat.TimeSeries;
}
