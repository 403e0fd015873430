/**
 * What a counter gained over a range, exactly: the last value in the range minus the last value before it, or minus nothing
 * where the series is new. Every total of a dashboard is written by this function; `increase()` would estimate
 * (docs/metrics.md says by how much it is off). It holds for counters and for `_sum` and `_count` of histograms, in any
 * Prometheus, without flags, as an instant query.
 */

/** The longest silence of a series after which its next step is still compared with its last value. */
const LONGEST_SILENCE = "30d";

/** Leaves a part of what each series gained, by what is known of the `window` (`[6h]`) that it was gained in. */
type Keep = (gained: string, window: string) => string;

/**
 * `selector`: one counter, `hookspan_cost_USD_total` or `hookspan_cost_USD_total{job="hookspan/codex"}`. `range`: a duration
 * (`6h`) or Grafana's `$__range`. `by`: the labels to keep; without one there is a single sum. A series that has no sample in
 * the range, and so gained nothing, is left out; `keep` may leave out more.
 */
export function totalOver(selector: string, range: string, by: readonly string[] = [], keep: Keep = all): string {
  const last = `last_over_time(${selector}[${range}])`;
  const before = `last_over_time(${selector}[${LONGEST_SILENCE}] offset ${range})`;
  return `${sumBy(by)} (${keep(`${last} - (${before} or ${last} * 0)`, `[${range}]`)})`;
}

/**
 * The same for each step of a range query, labelled by the step's start, the one under way included. `step`: a duration or
 * Grafana's `$__interval`, and the query's own step, or steps would overlap or leave something out.
 */
export function totalPer(selector: string, step: string, by: readonly string[] = [], keep: Keep = all): string {
  const window = `[${step}] offset -${step}`;
  const last = `last_over_time(${selector}${window})`;
  const gained = `${last} - (last_over_time(${selector}[${LONGEST_SILENCE}]) or ${last} * 0)`;
  return `${sumBy(by)} (${keep(gained, window)})`;
}

/** For each day: a range query with step `1d` whose times are midnights (UTC in Grafana, which aligns steps so). */
export function totalPerDay(selector: string, by: readonly string[] = []): string {
  return totalPer(selector, "1d", by);
}

function all(gained: string): string {
  return gained;
}

function sumBy(labels: readonly string[]): string {
  return labels.length === 0 ? "sum" : `sum by (${labels.join(", ")})`;
}
