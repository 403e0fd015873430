/** A run tree as aligned lines of 100 columns, or as one JSON value. Only names and numbers: contents are not sent. */

import type { AttributeValue } from "../trace/record.ts";
import { ATTR } from "../trace/semconv.ts";
import { fit, formatCount, formatDuration, formatUsd, printable } from "./cell.ts";
import type { ReceivedSpan } from "./otlp-json.ts";
import type { Paint, Style } from "./paint.ts";
import type { RunTree, TreeNode } from "./run-tree.ts";

/** A heading with the columns, then one line per span; children under their parent, in order of their start. */
export function renderRunTree(tree: RunTree, paint: Paint): string[] {
  const session = tree.sessionId === undefined ? "" : ` · session ${tree.sessionId.slice(0, 8)}`;
  const name = fit(printable(HEADINGS[tree.kind] + session), NAME);
  const heading = line(name, ["time", "in", "cached", "out", "cost"], "outcome");
  return [paint("dim", heading), ...tree.roots.flatMap((root) => rows(root, "", "", paint))];
}

/** `{ type, trace_id, session_id, spans }`; each span with its children. Durations in ms, start in ns since the epoch. */
export function runTreeToJson(tree: RunTree): Record<string, unknown> {
  return {
    type: tree.kind,
    trace_id: tree.traceId,
    session_id: tree.sessionId,
    spans: tree.roots.map(nodeToJson),
  };
}

const HEADINGS = {
  run: "run",
  session: "session",
  trace: "trace of another program",
  late: "later, in a run above",
  partial: "spans whose run was never seen",
} as const satisfies Record<RunTree["kind"], string>;

const NAME = 38;
const WIDTHS = [8, 10, 10, 8, 10];
const GOOD = new Set(["success", "completed"]);

function rows(node: TreeNode, branch: string, below: string, paint: Paint): string[] {
  const last = node.children.length - 1;
  return [
    row(node, branch, paint),
    ...node.children.flatMap((child, i) =>
      rows(child, below + (i === last ? "└─ " : "├─ "), below + (i === last ? "   " : "│  "), paint),
    ),
  ];
}

function row(node: TreeNode, branch: string, paint: Paint): string {
  // Below ten levels the lines of the outer ones are left out.
  const lines = branch.slice(-(NAME - 12));
  const name = `${fit(printable(node.name), NAME - lines.length - 1)} `;
  if (!node.span) return paint("dim", `${lines}${name.trimEnd()} (above)`);
  const facts = factsOf(node.span);
  const cells = [
    formatDuration(facts.durationNs),
    tokens(facts.inputTokens),
    tokens(facts.cachedTokens),
    tokens(facts.outputTokens),
    facts.costUsd === undefined ? "" : formatUsd(facts.costUsd),
  ];
  const style = branch === "" ? "bold" : node.name.startsWith("chat ") ? "cyan" : undefined;
  const outcome = paint(styleOf(node.span, facts.outcome), printable(facts.outcome));
  return line(paint("dim", lines) + (style ? paint(style, name) : name), cells, outcome);
}

function line(name: string, cells: string[], outcome: string): string {
  const columns = cells.map((cell, i) => cell.padStart(WIDTHS[i] ?? 0)).join("");
  return `${name}${columns}  ${outcome}`.trimEnd();
}

function tokens(count: number | undefined): string {
  return count === undefined ? "" : formatCount(count);
}

type Facts = {
  durationNs: bigint;
  inputTokens: number | undefined;
  cachedTokens: number | undefined;
  outputTokens: number | undefined;
  costUsd: number | undefined;
  /** Empty where the span does not tell. */
  outcome: string;
};

function factsOf(span: ReceivedSpan): Facts {
  const { attributes } = span;
  const outcome = attributes[ATTR.runOutcome] ?? attributes[ATTR.toolOutcome] ?? attributes[ATTR.hookStatus];
  const error = attributes[ATTR.errorType] ?? (span.failed ? "error" : undefined);
  return {
    durationNs: span.endNs > span.startNs ? span.endNs - span.startNs : 0n,
    inputTokens: numberOf(attributes[ATTR.inputTokens]),
    cachedTokens: numberOf(attributes[ATTR.cacheReadTokens]),
    outputTokens: numberOf(attributes[ATTR.outputTokens]),
    costUsd: numberOf(attributes[ATTR.costUsd]),
    outcome: textOf(error ?? outcome),
  };
}

function styleOf(span: ReceivedSpan, outcome: string): Style {
  if (span.failed) return "red";
  return GOOD.has(outcome) ? "green" : "yellow";
}

function nodeToJson(node: TreeNode): Record<string, unknown> {
  const children = node.children.map(nodeToJson);
  if (!node.span) return { name: node.name, shown_before: true, children };
  const facts = factsOf(node.span);
  return {
    name: node.name,
    span_id: node.span.spanId,
    start_ns: String(node.span.startNs),
    duration_ms: Number(facts.durationNs) / 1e6,
    failed: node.span.failed,
    outcome: facts.outcome || undefined,
    input_tokens: facts.inputTokens,
    cached_tokens: facts.cachedTokens,
    output_tokens: facts.outputTokens,
    cost_usd: facts.costUsd,
    children,
  };
}

function numberOf(value: AttributeValue | undefined): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function textOf(value: AttributeValue | undefined): string {
  return typeof value === "string" ? value : "";
}
