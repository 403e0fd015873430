/** The bridge's own counters: what came in, what went out, what a bound dropped. Not part of the lossless promise. */

import type { MetricPoints } from "../metric/point.ts";
import type { Increment } from "../trace/record.ts";
import { ATTR } from "../trace/semconv.ts";

/** The agent name of our own series. */
export const BRIDGE = "hookspan";

export function eventCounted(outcome: string): Increment {
  return increment("hookspan.bridge.event.count", { [ATTR.eventOutcome]: outcome });
}

export function foldLag(seconds: number): Increment {
  return increment("hookspan.bridge.fold.lag", {}, Math.max(0, seconds));
}

export function exported(signal: "span" | "metric_point", outcome: string, items: number): Increment {
  return increment(
    "hookspan.bridge.export.item.count",
    { [ATTR.exportSignal]: signal, [ATTR.exportOutcome]: outcome },
    items,
  );
}

export function dropped(reason: string, items = 1): Increment {
  return increment("hookspan.bridge.dropped.count", { [ATTR.dropReason]: reason }, items);
}

export type Stocks = {
  spool: { items: number; sizeBytes: number; oldestNs: bigint | undefined };
  outbox: { items: number; sizeBytes: number; oldestNs: bigint | undefined };
};

/** What stands on `hookspan.bridge.info`. `version` is hookspan's own, `osType` as the semantic conventions name it. */
export type About = { version: string; osType: string };

/** The gauges of one moment. `agents` are those with something open, each with the version last heard of. */
export function gaugePoints(
  stocks: Stocks,
  about: About,
  agents: readonly { agent: string; agentVersion?: string | undefined }[],
  atNs: bigint,
): MetricPoints[] {
  const age = (oldestNs: bigint | undefined): number =>
    oldestNs === undefined ? 0 : Math.max(0, Number(atNs - oldestNs) / 1e9);
  const gauge = (metric: MetricPoints["metric"], value: number, attributes = {}): MetricPoints => ({
    agent: BRIDGE,
    metric,
    points: [{ attributes, startNs: atNs, atNs, value }],
  });
  return [
    gauge("hookspan.bridge.spool.items", stocks.spool.items),
    gauge("hookspan.bridge.spool.size", stocks.spool.sizeBytes),
    gauge("hookspan.bridge.spool.oldest.age", age(stocks.spool.oldestNs)),
    gauge("hookspan.bridge.outbox.items", stocks.outbox.items),
    gauge("hookspan.bridge.outbox.size", stocks.outbox.sizeBytes),
    gauge("hookspan.bridge.outbox.oldest.age", age(stocks.outbox.oldestNs)),
    { agent: BRIDGE, metric: "hookspan.bridge.info", points: infoPoints(about, agents, atNs) },
    gauge("hookspan.bridge.heartbeat", 1),
  ];
}

/** One point for the bridge itself, and one for each agent and version. */
function infoPoints(about: About, agents: Parameters<typeof gaugePoints>[2], atNs: bigint): MetricPoints["points"] {
  const own = { [ATTR.bridgeVersion]: about.version, [ATTR.osType]: about.osType };
  const versions = new Map(
    agents.flatMap(({ agent, agentVersion }) =>
      agentVersion === undefined ? [] : [[`${agent} ${agentVersion}`, { agent, agentVersion }] as const],
    ),
  );
  const all = [
    own,
    ...[...versions.values()].map((one) => ({
      ...own,
      [ATTR.agentName]: one.agent,
      [ATTR.agentVersion]: one.agentVersion,
    })),
  ];
  return all.map((attributes) => ({ attributes, startNs: atNs, atNs, value: 1 }));
}

function increment(metric: Increment["metric"], attributes: Increment["attributes"], value = 1): Increment {
  return { metric, agent: BRIDGE, attributes, value };
}
