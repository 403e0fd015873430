/**
 * Gathers the spans that arrive into trees: one when a root arrives, one more for what comes after its root was shown.
 * A span whose parent is not known yet waits, so the order of arrival does not matter.
 */

import { ATTR, OPERATION } from "../trace/semconv.ts";
import type { ReceivedSpan } from "./otlp-json.ts";

/** A node without a span is one that was shown before: the place where late children belong. */
export type TreeNode = { name: string; span?: ReceivedSpan; children: TreeNode[] };

/**
 * `run` and `session`: a root of ours with all that is known below it; `trace`: somebody else's root; `late`: spans
 * that belong below what was shown before; `partial`: spans whose root never came.
 */
export type RunTree = {
  kind: "run" | "session" | "trace" | "late" | "partial";
  traceId: string;
  sessionId: string | undefined;
  roots: TreeNode[];
};

/** Takes spans as they come and gives the trees that they complete. Remembers the last 500 traces. */
export function createRunTrees(): {
  add: (spans: ReceivedSpan[]) => RunTree[];
  rest: () => RunTree[];
} {
  const traces = new Map<string, Trace>();
  return {
    add: (spans) => {
      const touched = new Set<Trace>();
      for (const span of spans) {
        const trace = traces.get(span.traceId) ?? {
          id: span.traceId,
          pending: new Map(),
          shown: new Map(),
        };
        traces.set(span.traceId, trace);
        // A batch may be sent twice: what was shown is not shown again.
        if (!trace.shown.has(span.spanId)) trace.pending.set(span.spanId, span);
        touched.add(trace);
      }
      return [...[...touched].flatMap(takeTrees), ...forgetOldest(traces)];
    },
    rest: () => [...traces.values()].flatMap(takePartial),
  };
}

const REMEMBERED_TRACES = 500;

/** `pending` waits for a root or a parent; `shown` holds names by span id. */
type Trace = { id: string; pending: Map<string, ReceivedSpan>; shown: Map<string, string> };

function takeTrees(trace: Trace): RunTree[] {
  const index = indexByParent(trace);
  const roots = inOrder(trace.pending.values()).filter(isRoot);
  const trees: RunTree[] = roots.map((root) => ({
    kind: kindOf(root),
    traceId: trace.id,
    sessionId: sessionOf(root),
    roots: [takeBelow(trace, index, root)],
  }));
  const late = inOrder(trace.pending.values()).filter((span) => trace.shown.has(span.parentSpanId ?? ""));
  const first = late[0];
  if (!first) return trees;
  const places = new Map<string, TreeNode>();
  for (const span of late) {
    const parent = span.parentSpanId ?? "";
    const place = places.get(parent) ?? { name: trace.shown.get(parent) ?? "", children: [] };
    places.set(parent, place);
    place.children.push(takeBelow(trace, index, span));
  }
  return [...trees, { kind: "late", traceId: trace.id, sessionId: sessionOf(first), roots: [...places.values()] }];
}

function takePartial(trace: Trace): RunTree[] {
  const index = indexByParent(trace);
  const tops = inOrder(trace.pending.values()).filter((span) => !trace.pending.has(span.parentSpanId ?? ""));
  const first = tops[0];
  if (!first) return [];
  const roots = tops.map((top) => takeBelow(trace, index, top));
  return [{ kind: "partial", traceId: trace.id, sessionId: sessionOf(first), roots }];
}

function takeBelow(trace: Trace, index: Map<string, ReceivedSpan[]>, span: ReceivedSpan): TreeNode {
  trace.pending.delete(span.spanId);
  trace.shown.set(span.spanId, span.name);
  const children: TreeNode[] = [];
  for (const child of index.get(span.spanId) ?? []) {
    // Asked one by one: malformed input may hold a cycle of parents, and each span is taken once.
    if (trace.pending.has(child.spanId)) children.push(takeBelow(trace, index, child));
  }
  return { name: span.name, span, children };
}

/** Spans that wait, by their parent, in order of their start. */
function indexByParent(trace: Trace): Map<string, ReceivedSpan[]> {
  const index = new Map<string, ReceivedSpan[]>();
  for (const span of inOrder(trace.pending.values())) {
    if (isRoot(span) || span.parentSpanId === undefined) continue;
    const siblings = index.get(span.parentSpanId);
    if (siblings) siblings.push(span);
    else index.set(span.parentSpanId, [span]);
  }
  return index;
}

function forgetOldest(traces: Map<string, Trace>): RunTree[] {
  const excess = [...traces.values()].slice(0, Math.max(0, traces.size - REMEMBERED_TRACES));
  for (const trace of excess) traces.delete(trace.id);
  return excess.flatMap(takePartial);
}

function inOrder(spans: Iterable<ReceivedSpan>): ReceivedSpan[] {
  return [...spans].sort((a, b) => (a.startNs < b.startNs ? -1 : a.startNs > b.startNs ? 1 : 0));
}

function isRoot(span: ReceivedSpan): boolean {
  return span.parentSpanId === undefined || span.remoteParent;
}

function kindOf(root: ReceivedSpan): "run" | "session" | "trace" {
  const operation = root.attributes[ATTR.operation];
  if (operation === OPERATION.invokeAgent) return "run";
  return operation === OPERATION.session || root.name.startsWith("session ") ? "session" : "trace";
}

function sessionOf(span: ReceivedSpan): string | undefined {
  const id = span.attributes[ATTR.sessionId];
  return typeof id === "string" ? id : undefined;
}
