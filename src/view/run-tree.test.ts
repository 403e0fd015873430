import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { ReceivedSpan } from "./otlp-json.ts";
import { createRunTrees, type RunTree, type TreeNode } from "./run-tree.ts";

// A span is written `name<parent`; a root `name`, with `<~` for a parent in another program. Requests are parted by `;`.
test.for<[string, string, string]>([
  ["all spans in one request", "c<t t<r r", "run r(t(c))"],
  ["the root last", "c<t ; t<r ; r", "run r(t(c))"],
  ["siblings stand in the order of their start", "b<r a<r r", "run r(b a)"],
  ["a root with a parent in another program", "t<r r<~", "run r(t)"],
  ["two roots in the trace of another program", "a<~ x<a b<~ y<b", "run a(x) | run b(y)"],
  ["a span after its root", "r ; t<r", "run r | late [r](t)"],
  ["late spans of two places", "r a<r b<r ; x<b y<a", "run r(a b) | late [b](x) [a](y)"],
  ["a late child before its late parent", "r ; c<t ; t<r", "run r | late [r](t(c))"],
  ["a request that came twice", "r t<r ; r t<r", "run r(t)"],
  ["no root at all", "c<t t<x", "partial t(c)"],
  ["parents in a circle", "a<b b<a ; r", "run r"],
])("%s: %s", ([, requests, shown]) => {
  const trees = createRunTrees();
  const seen = requests.split(" ; ").flatMap((request) => trees.add(request.split(" ").map(span)));
  expect([...seen, ...trees.rest()].map(describeTree).join(" | ")).toBe(shown);
});

test("every span of a trace is shown once, however the requests are cut and ordered", () => {
  const names = ["r", "a<r", "b<r", "c<a", "d<a", "e<d", "f<b"];
  const order = fc.shuffledSubarray(names, { minLength: names.length, maxLength: names.length });
  fc.assert(
    fc.property(order, fc.integer({ min: 1, max: names.length }), (shuffled, size) => {
      const trees = createRunTrees();
      const requests = shuffled.flatMap((_, i) => (i % size === 0 ? [shuffled.slice(i, i + size)] : []));
      const seen = requests.flatMap((request) => trees.add(request.map(span)));
      expect([...seen, ...trees.rest()].flatMap((tree) => tree.roots.flatMap(shownBelow)).sort()).toEqual(
        Array.from("abcdefr"),
      );
    }),
  );
});

test("a trace that was forgotten is shown as far as it came", () => {
  const trees = createRunTrees();
  trees.add([span("t<r")]);
  const others = Array.from({ length: 500 }, (_, i) => ({ ...span("r"), traceId: String(i) }));
  const forgotten = trees.add(others).filter(({ kind }) => kind === "partial");
  expect(forgotten.map(describeTree)).toEqual(["partial t"]);
});

function span(text: string, at = 0): ReceivedSpan {
  const [name = "", parent] = text.split("<");
  return {
    traceId: "t",
    spanId: name,
    parentSpanId: parent,
    remoteParent: parent === "~",
    name,
    startNs: BigInt(at),
    endNs: BigInt(at + 1),
    failed: false,
    attributes: { "gen_ai.operation.name": "invoke_agent" },
  };
}

function describeTree(tree: RunTree): string {
  return `${tree.kind} ${tree.roots.map(describeNode).join(" ")}`;
}

function describeNode(node: TreeNode): string {
  const children = node.children.map(describeNode).join(" ");
  return (node.span ? node.name : `[${node.name}]`) + (children && `(${children})`);
}

function shownBelow(node: TreeNode): string[] {
  return [...(node.span ? [node.name] : []), ...node.children.flatMap(shownBelow)];
}
