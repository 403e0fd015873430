/** What a query names, by the grammars that Grafana and Prometheus publish. */

import { parser as traceql } from "@grafana/lezer-traceql";
import type { SyntaxNode, Tree } from "@lezer/common";
import { parser as promql } from "@prometheus-io/lezer-promql";

/** A metric and the labels that are asked of it: in its braces, and by the aggregations and matchings around it. */
export type NamedMetric = { metric: string; labels: string[] };

/** @throws Error that shows where the query is not PromQL. */
export function metricsNamed(query: string): NamedMetric[] {
  const tree = parsed(promql.parse(query), query);
  const metrics: NamedMetric[] = [];
  tree.iterate({
    enter({ name, node }) {
      if (name !== "VectorSelector") return;
      const metric = node.getChild("Identifier");
      metrics.push({ metric: metric === null ? "" : textOf(metric, query), labels: labelsAsked(node, query) });
    },
  });
  return metrics;
}

/** The functions that a metric goes through, innermost first. */
export function functionsAround(query: string, metric: string): string[] {
  const found = new Set<string>();
  promql.parse(query).iterate({
    enter({ name, node }) {
      const identifier = name === "VectorSelector" ? node.getChild("Identifier") : null;
      if (identifier === null || textOf(identifier, query) !== metric) return;
      for (const one of ancestors(node)) {
        const called = one.getChild("FunctionIdentifier");
        if (called !== null) found.add(textOf(called, query));
      }
    },
  });
  return [...found];
}

/** `span.…` and `resource.…`. @throws Error that shows where the query is not TraceQL. */
export function attributesNamed(query: string): string[] {
  const tree = parsed(traceql.parse(query), query);
  return [...new Set(textsOf(tree.topNode, "AttributeField", query))];
}

/** Of a selector; what `group_left` brings along from elsewhere is not among them. */
function labelsAsked(selector: SyntaxNode, query: string): string[] {
  const asked = new Set(textsOf(selector, "LabelName", query));
  const brought = new Set<string>();
  let inside = selector;
  for (const one of ancestors(selector)) {
    const isSecond = one.name === "BinaryExpr" && one.firstChild !== null && inside.from >= one.firstChild.to;
    const [on, carried] = one.getChild("MatchingModifierClause")?.getChildren("GroupingLabels") ?? [];
    if (carried !== undefined && !isSecond)
      for (const label of textsOf(carried, "LabelName", query)) brought.add(label);
    for (const part of [one.getChild("AggregateModifier"), on, isSecond ? carried : undefined])
      for (const label of part ? textsOf(part, "LabelName", query) : []) if (!brought.has(label)) asked.add(label);
    // Such a second operand only says which of the first are kept.
    if (isSecond && (one.getChild("Unless") ?? one.getChild("And")) !== null) break;
    inside = one;
  }
  return [...asked];
}

function parsed(tree: Tree, query: string): Tree {
  tree.iterate({
    enter({ type, from }) {
      if (type.isError) throw new Error(`not understood from character ${from}: ${query.slice(from, from + 60)}`);
    },
  });
  return tree;
}

function textsOf(node: SyntaxNode, name: string, query: string): string[] {
  const texts: string[] = [];
  node.cursor().iterate((one) => {
    if (one.name === name) texts.push(query.slice(one.from, one.to));
  });
  return texts;
}

function textOf({ from, to }: SyntaxNode, query: string): string {
  return query.slice(from, to);
}

function ancestors(node: SyntaxNode): SyntaxNode[] {
  const all: SyntaxNode[] = [];
  for (let one = node.parent; one !== null; one = one.parent) all.push(one);
  return all;
}
