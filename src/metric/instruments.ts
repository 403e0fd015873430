/**
 * Every metric that hookspan emits. Names, units and boundaries of `gen_ai.*` are those of the GenAI semantic conventions
 * (snapshot of September 2026); duration boundaries of runs are extended, for a run may take hours.
 */

export type Instrument =
  | { kind: "counter"; unit: string; description: string }
  | { kind: "gauge"; unit: string; description: string }
  | { kind: "histogram"; unit: string; description: string; boundaries: readonly number[] };

const doubling = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => Number((from * 2 ** i).toPrecision(12)));

const OPERATION_SECONDS = doubling(0.01, 14);
const RUN_SECONDS = [...doubling(0.1, 13), 819.2, 1638.4, 3276.8, 7200];
const TOKENS = Array.from({ length: 14 }, (_, i) => 4 ** i);
const CALLS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

export const INSTRUMENTS = {
  "gen_ai.client.token.usage": histogram("{token}", "Tokens per model call, cached ones included", TOKENS),
  "gen_ai.client.operation.duration": histogram(
    "s",
    "Duration of model calls, where the agent reports it",
    OPERATION_SECONDS,
  ),
  "gen_ai.invoke_agent.duration": histogram("s", "Duration of runs and subagents", RUN_SECONDS),
  "gen_ai.execute_tool.duration": histogram("s", "Execution time of tool calls", OPERATION_SECONDS),
  "gen_ai.invoke_agent.inference_calls": histogram("{inference_call}", "Model calls per run", CALLS),
  "gen_ai.invoke_agent.tool_calls": histogram("{tool_call}", "Tool calls per run", CALLS),
  "hookspan.token.usage": counter("{token}", "Tokens by disjoint kind; the kinds add up"),
  "hookspan.cost": counter("USD", "Cost of model calls"),
  "hookspan.unpriced.token.usage": counter("{token}", "Tokens of models that no price table knows"),
  "hookspan.session.count": counter("{session}", "Sessions, at first sight"),
  "hookspan.run.count": counter("{run}", "Runs (user turns), at their end"),
  "hookspan.subagent.count": counter("{subagent}", "Subagents, at their end"),
  "hookspan.compaction.count": counter("{compaction}", "Compactions of the context"),
  "hookspan.tool.decision.count": counter("{decision}", "Decisions on whether a tool call may run"),
  "hookspan.code.line.count": counter("{line}", "Lines of code added and removed"),
  "hookspan.commit.count": counter("{commit}", "Commits made through tools"),
  "hookspan.hook.run.count": counter("{run}", "Runs of hooks, as far as the agent tells of them"),
  "hookspan.hook.run.duration": histogram("s", "Duration of hook runs", OPERATION_SECONDS),
  "hookspan.bridge.event.count": counter("{event}", "Events taken in, by outcome"),
  "hookspan.bridge.fold.lag": histogram(
    "s",
    "Time from a hook to the fold of its event",
    [0.01, 0.1, 0.5, 1, 2, 5, 10, 60, 600, 3600],
  ),
  "hookspan.bridge.export.item.count": counter("{item}", "Spans and metric points by what became of their export"),
  "hookspan.bridge.dropped.count": counter("{item}", "What a bound dropped, by reason"),
  "hookspan.bridge.spool.items": gauge("{item}", "Envelopes that wait in the spool"),
  "hookspan.bridge.spool.size": gauge("By", "Size of the spool"),
  "hookspan.bridge.spool.oldest.age": gauge("s", "Age of the oldest envelope in the spool"),
  "hookspan.bridge.outbox.items": gauge("{item}", "Batches that the Collector has not accepted"),
  "hookspan.bridge.outbox.size": gauge("By", "Size of the outbox"),
  "hookspan.bridge.outbox.oldest.age": gauge("s", "Age of the oldest batch in the outbox"),
  "hookspan.bridge.info": gauge("", "1, with the versions of hookspan, the agents and the OS as attributes"),
  "hookspan.bridge.heartbeat": gauge("", "1 while the bridge lives"),
  "hookspan.doctor.probe.time": gauge("s", "When `hookspan doctor` sent its last probe, since the epoch"),
} as const satisfies Record<string, Instrument>;

export type MetricName = keyof typeof INSTRUMENTS;

function counter(unit: string, description: string): Instrument & { kind: "counter" } {
  return { kind: "counter", unit, description };
}

function gauge(unit: string, description: string): Instrument & { kind: "gauge" } {
  return { kind: "gauge", unit, description };
}

function histogram(
  unit: string,
  description: string,
  boundaries: readonly number[],
): Instrument & { kind: "histogram" } {
  return { kind: "histogram", unit, description, boundaries };
}
