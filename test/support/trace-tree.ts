/** Draws spans as indented trees: what a person would check a recording against. */

import type { AttributeValue, SpanRecord } from "../../src/trace/record.ts";

/** Ids, and what every span carries, are left out: they are checked elsewhere. */
const LEFT_OUT = new Set([
  "session.id",
  "gen_ai.conversation.id",
  "gen_ai.operation.name",
  "gen_ai.agent.name",
  "gen_ai.tool.name",
  "gen_ai.tool.type",
  "gen_ai.tool.call.id",
  "gen_ai.response.id",
  "gen_ai.request.model",
  "gen_ai.response.model",
  "gen_ai.provider.name",
  "hookspan.run.id",
  "hookspan.request.id",
  "hookspan.subagent.id",
  "hookspan.timing.source",
  "hookspan.cost.table",
  "hookspan.entrypoint",
  "hookspan.permission.mode",
  "hookspan.hook.event",
]);

/** One line per span: name, begin and end in seconds since `startNs`, status, links, attributes by name. */
export function drawTrees(spans: readonly SpanRecord[], startNs: bigint): string {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined || !known.has(parentSpanId));
  return `${sorted(roots)
    .map((root) => draw(root, spans, startNs, ""))
    .join("\n")}\n`;
}

function draw(span: SpanRecord, spans: readonly SpanRecord[], startNs: bigint, indent: string): string {
  const orphan =
    indent === "" && span.parentSpanId !== undefined && span.parentIsRemote !== true ? "PARENT MISSING " : "";
  const remote = span.parentIsRemote === true ? " (child of a remote span)" : "";
  const seconds = (ns: bigint): string => (Number(ns - startNs) / 1e9).toFixed(3);
  const status = span.error === undefined ? "" : " ERROR";
  const links =
    span.links.length === 0
      ? ""
      : ` links ${span.links.map(({ attributes }) => String(attributes["hookspan.link.type"])).join(",")}`;
  const head = `${indent}${orphan}${span.name}${remote} ${seconds(span.startNs)}..${seconds(span.endNs)}${status}${links}`;
  const facts = Object.entries(span.attributes)
    .filter(([name]) => !LEFT_OUT.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${short(name)}=${text(value)}`);
  const children = sorted(spans.filter(({ parentSpanId }) => parentSpanId === span.spanId));
  return [
    facts.length === 0 ? head : `${head} ${facts.join(" ")}`,
    ...children.map((child) => draw(child, spans, startNs, `${indent}  `)),
  ].join("\n");
}

function sorted(spans: readonly SpanRecord[]): SpanRecord[] {
  return [...spans].sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
}

function orderOf({ startNs, name, endNs }: SpanRecord): string {
  return `${String(startNs).padStart(20, "0")} ${name} ${String(endNs)}`;
}

function short(name: string): string {
  return name.replace(/^gen_ai\.|^hookspan\./, "").replace("usage.", "");
}

function text(value: AttributeValue): string {
  return typeof value === "number" && !Number.isInteger(value) ? value.toFixed(6) : String(value);
}
