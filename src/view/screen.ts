/** What the terminal shows of the requests that arrive: run trees as they complete, totals as they change. */

import { stripVTControlCharacters } from "node:util";
import { type Read, readSpans, readSums } from "./otlp-json.ts";
import { createPaint } from "./paint.ts";
import type { Taken } from "./receive.ts";
import { createRunTrees, type RunTree } from "./run-tree.ts";
import { renderRunTree, runTreeToJson } from "./run-tree-text.ts";
import { createRunningTotals } from "./running-totals.ts";
import { renderTotals, totalsToJson } from "./totals-text.ts";

/** Where the view is written: `process.stdout`, or a buffer. `columns` is absent where there is no terminal. */
export type Out = { write: (text: string) => unknown; columns?: number };

/**
 * `json`: one line per tree and per change of the totals. `totals`: on a terminal with colours they stay at the bottom and
 * are rewritten; elsewhere they are repeated at each change, or shown once, at the end.
 */
export type ScreenOptions = {
  out: Out;
  color: boolean;
  json: boolean;
  totals: "each_change" | "end";
};

export type Screen = {
  takeTraces: (body: unknown) => Taken;
  takeMetrics: (body: unknown) => Taken;
  /** Says something in plain words, and to programs, if `event` is given, as JSON. */
  say: (text: string, event?: Record<string, unknown>) => void;
  /** Shows what was held back: spans without a root, the last totals. */
  finish: () => void;
  /** How many runs have been shown. */
  runs: () => number;
};

export function createScreen({ out, color, json, totals: when }: ScreenOptions): Screen {
  const paint = createPaint(color);
  const trees = createRunTrees();
  const totals = createRunningTotals();
  const inPlace = color && !json && out.columns !== undefined;
  let runs = 0;
  let totalsSeen = false;
  let linesAtBottom = 0;

  function print(lines: string[]): void {
    if (linesAtBottom > 0) out.write(`\u001B[${linesAtBottom}A\u001B[J`);
    linesAtBottom = 0;
    out.write(lines.map((one) => `${one}\n`).join(""));
  }
  function showTree(tree: RunTree): void {
    if (tree.kind === "run") runs += 1;
    print(json ? [JSON.stringify(runTreeToJson(tree))] : [...renderRunTree(tree, paint), ""]);
  }
  function showTotals(): void {
    const lines = json
      ? [JSON.stringify(totalsToJson(totals.totals()))]
      : [...renderTotals(totals.totals(), paint), ""];
    print(lines);
    if (inPlace) linesAtBottom = heightOf(lines, out.columns ?? 1);
  }
  return {
    takeTraces: (body) =>
      take(readSpans(body), (spans) => {
        const complete = trees.add(spans);
        complete.forEach(showTree);
        if (inPlace && totalsSeen && complete.length > 0) showTotals();
      }),
    takeMetrics: (body) =>
      take(readSums(body), (points) => {
        if (!totals.add(points)) return;
        totalsSeen = true;
        if (inPlace || when === "each_change") showTotals();
      }),
    say: (text, event) => {
      if (!json) print([text]);
      else if (event) print([JSON.stringify(event)]);
      if (inPlace && totalsSeen) showTotals();
    },
    finish: () => {
      trees.rest().forEach(showTree);
      if (totalsSeen && (inPlace || when === "end")) showTotals();
      linesAtBottom = 0;
    },
    runs: () => runs,
  };
}

/** Rows that lines take on a terminal that wraps them. */
function heightOf(lines: string[], columns: number): number {
  const widths = lines.map((one) => stripVTControlCharacters(one).length);
  return widths.reduce((rows, width) => rows + Math.max(1, Math.ceil(width / columns)), 0);
}

function take<T>(read: Read<T>, show: (items: T[]) => void): Taken {
  if (read.status === "malformed") return { status: "refused", reason: read.reason };
  show(read.items);
  return { status: "taken" };
}
