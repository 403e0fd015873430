/** Selects series of our metrics, by the names of the registry: a name that hookspan does not emit does not compile. */

import type { MetricName } from "../../src/metric/instruments.ts";
import { METRIC_ATTRIBUTES } from "../../src/registry/metrics.ts";
import { ATTR } from "../../src/trace/semconv.ts";
import { labelOf, prometheusName, type Part } from "./prometheus-name.ts";

/** Equal to a text, or to none of what `not` matches. */
type Wanted = string | { matches: string } | { not: string };

type Options = { part?: Part; having?: Partial<Record<keyof typeof ATTR, Wanted>> };

/**
 * The selector of a metric: filtered by the dashboard's variables, as far as the metric carries what they name (for that of
 * the user see users.ts), and by `having`. @throws Error where the metric has no such attribute.
 */
export function series(metric: MetricName, { part, having = {} }: Options = {}): string {
  const carried = METRIC_ATTRIBUTES.get(metric) ?? [];
  const wanted = Object.entries(having).map(([key, value]) => {
    const attribute = Object.entries(ATTR).find(([one]) => one === key)?.[1] ?? key;
    if (!carried.includes(attribute)) throw new Error(`${metric} never has ${attribute}; see src/registry/metrics.ts`);
    return matcher(attribute.replaceAll(".", "_"), value);
  });
  const matchers = [
    // In any Prometheus, whatever it promotes: `job` is namespace and name of the service.
    ...(metric.startsWith("hookspan.bridge.") ? [] : ['job=~"hookspan/$agent"']),
    ...(carried.includes(ATTR.repository) ? [`${labelOf("repository")}=~"$repository"`] : []),
    ...(carried.includes(ATTR.requestModel) ? [`${labelOf("requestModel")}=~"$model"`] : []),
    ...wanted,
  ];
  const name = prometheusName(metric, part);
  return matchers.length === 0 ? name : `${name}{${matchers.join(",")}}`;
}

/** `part` as it is, and 0 where `whole` is there and `part` is not. Both have the same labels. */
export function orZero(part: string, whole: string): string {
  return `(${part} or ${whole} * 0)`;
}

/** Which share of `whole` is `part`; nothing where there is no whole. */
export function share(part: string, whole: string): string {
  return `${orZero(part, whole)} / (${whole} > 0)`;
}

function matcher(label: string, wanted: Wanted): string {
  if (typeof wanted === "string") return `${label}="${wanted}"`;
  return "not" in wanted ? `${label}!="${wanted.not}"` : `${label}=~"${wanted.matches}"`;
}
