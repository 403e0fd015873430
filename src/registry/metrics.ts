/** The registry of metrics: which attributes each one carries. Name, kind, unit and description are in `metric/instruments.ts`. */

import type { MetricName } from "../metric/instruments.ts";
import { ATTR } from "../trace/semconv.ts";

type Labels = readonly (keyof typeof ATTR)[];

const HOOK: Labels = ["hookEvent", "hookSource", "hookStatus"];
const MODEL: Labels = ["agentName", "provider", "requestModel"];

const OWN: Record<MetricName, Labels> = {
  "gen_ai.client.token.usage": ["operation", "provider", "requestModel", "tokenType"],
  "gen_ai.client.operation.duration": ["operation", "provider", "requestModel", "errorType"],
  "gen_ai.invoke_agent.duration": ["agentName", "errorType"],
  "gen_ai.execute_tool.duration": ["agentName", "toolName", "toolType", "errorType"],
  "gen_ai.invoke_agent.inference_calls": ["agentName"],
  "gen_ai.invoke_agent.tool_calls": ["agentName"],
  "hookspan.token.usage": [...MODEL, "tokenKind"],
  "hookspan.cost": [...MODEL, "costSource"],
  "hookspan.unpriced.token.usage": ["provider", "requestModel"],
  "hookspan.session.count": ["agentName"],
  "hookspan.run.count": ["agentName", "runOutcome", "runTrigger"],
  "hookspan.subagent.count": ["agentName"],
  "hookspan.compaction.count": ["agentName"],
  "hookspan.tool.decision.count": ["agentName", "toolName", "toolDecision"],
  "hookspan.code.line.count": ["agentName", "codeChange"],
  "hookspan.commit.count": ["agentName"],
  "hookspan.hook.run.count": HOOK,
  "hookspan.hook.run.duration": HOOK,
  "hookspan.bridge.event.count": ["eventOutcome"],
  "hookspan.bridge.fold.lag": [],
  "hookspan.bridge.export.item.count": ["exportSignal", "exportOutcome"],
  "hookspan.bridge.dropped.count": ["dropReason"],
  "hookspan.bridge.spool.items": [],
  "hookspan.bridge.spool.size": [],
  "hookspan.bridge.spool.oldest.age": [],
  "hookspan.bridge.outbox.items": [],
  "hookspan.bridge.outbox.size": [],
  "hookspan.bridge.outbox.oldest.age": [],
  "hookspan.bridge.info": ["bridgeVersion", "osType", "agentName", "agentVersion"],
  "hookspan.bridge.heartbeat": [],
  "hookspan.doctor.probe.time": [],
};

/** By the name of the metric: the names of the attributes that a point of it may carry, and no others ever do. */
export const METRIC_ATTRIBUTES: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(OWN).map(([metric, labels]) => [metric, [...labels, ...onAll(metric)].map((key) => ATTR[key])]),
);

function onAll(metric: string): Labels {
  if (metric.startsWith("hookspan.doctor.")) return [];
  return metric.startsWith("hookspan.bridge.") ? ["overflow"] : ["repository", "overflow"];
}
