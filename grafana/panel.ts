/** A panel as dashboards are written: what it asks, and how the answer looks. */

/** A question to Prometheus. `instant`: one value now; `range`: values over time. */
type PromQuery = {
  language: "promql";
  expr: string;
  shape: "instant" | "range";
  /** Of labels: `{{gen_ai_request_model}}`. */
  legend: string;
  /** Points that lead to a trace. */
  exemplars?: true;
};

/** A question to Tempo: `metrics` gives numbers, `spans` and `traces` rows, `trace` the whole of one trace. */
type TraceQuery = { language: "traceql"; query: string; shape: "metrics" | "spans" | "traces" | "trace" };

export type Query = PromQuery | TraceQuery;

export type Panel = {
  /** A question, or the answer's name. */
  title: string;
  /** How it is measured, and what it does not say. */
  description: string;
  kind: "stat" | "lines" | "bars" | "ranking" | "table" | "heatmap" | "trace";
  /** A unit of Grafana: https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/#unit */
  unit: string;
  /** Of 24. */
  width: number;
  height?: number;
  decimals?: number;
  /** From these values on it is worth a look. */
  warnFrom?: number;
  /** Shown where there is no data. */
  ifNone?: string;
  /** Grafana's shortest step; with `most`, the number of steps. */
  minStep?: string;
  mostPoints?: number;
  /** Of the column `field`, or of all values where none is named. */
  links?: readonly { field?: string; title: string; url: string }[];
  queries: readonly Query[];
};

/** What a counter's value is now: an instant query. */
export function now(expr: string, legend = ""): Query {
  return { language: "promql", expr, legend, shape: "instant" };
}

/** How it goes over time: a range query. */
export function over(expr: string, legend = ""): Query {
  return { language: "promql", expr, legend, shape: "range" };
}

export function traces(query: string, shape: TraceQuery["shape"]): Query {
  return { language: "traceql", query, shape };
}
