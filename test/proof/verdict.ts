/** Holds what arrived against what an undisturbed run brought and against the naive truth. */

import { plain } from "../support/otlp-json.ts";
import type { Death } from "./life.ts";
import type { Arrived, Booked, SeriesPoint } from "./receiver.ts";
import type { Truth } from "./truth.ts";

/** `faults` says what is wrong, in words; none where all is right. */
export type Verdict = { spans: number; lost: number; doubled: number; injected: number; faults: string[] };

type Stored = { arrived: Arrived; request: Booked };

/** Cost and durations are sums of binary fractions, whose order differs. */
const CLOSE = 1e-9;
const SHOWN = 5;

/** `deaths` by life. `expected` are the spans of the undisturbed run. */
export function judgeSpans(
  booked: Booked[],
  deaths: ReadonlyMap<string, Death>,
  expected: readonly Arrived[],
): Verdict {
  const stored = new Map<string, Stored[]>();
  for (const request of booked.filter(({ fate }) => fate !== "refused")) {
    for (const arrived of request.spans) {
      const others = stored.get(arrived.key) ?? [];
      stored.set(arrived.key, [...others, { arrived, request }]);
    }
  }
  const texts = new Map(expected.map(({ key, text }) => [key, text]));
  const lost = [...texts.keys()].filter((key) => !stored.has(key));
  const extra = [...stored.keys()].filter((key) => !texts.has(key));
  const again = [...stored].flatMap(([key, all]) => all.slice(0, -1).map((one) => ({ key, ...one })));
  const doubled = again.filter(({ key, request }) => !isAnswerLost(key, request, deaths));
  const changed = [...stored].filter(([key, all]) =>
    all.some(({ arrived }) => arrived.text !== texts.get(key) && texts.has(key)),
  );
  return {
    spans: stored.size,
    lost: lost.length,
    doubled: doubled.length,
    injected: again.length - doubled.length,
    faults: [
      ...told("lost", lost),
      ...told(
        "doubled",
        doubled.map(({ key }) => key),
      ),
      ...told("that nobody expected", extra),
      ...told(
        "other than in the undisturbed run",
        changed.map(([key, all]) => `${key}:\n  ${all.at(-1)?.arrived.text}\n  ${texts.get(key)}`),
      ),
    ],
  };
}

/** The faults in what the naive truth knows of spans: names, and that each of the agent's ids has exactly one. */
export function compareWithTruth(spans: readonly Arrived[], truth: Truth): string[] {
  const names: Record<string, number> = {};
  for (const { span } of spans) names[span.name] = (names[span.name] ?? 0) + 1;
  const idsOf = (attribute: string, name: string): string[] =>
    spans
      .filter(({ span }) => span.name.startsWith(name))
      .flatMap(({ span }) => {
        const value = plain(span.attributes)[attribute];
        return typeof value === "string" ? [value] : [];
      });
  const ids: [string, string[], string[]][] = [
    ["tool calls", idsOf("gen_ai.tool.call.id", "execute_tool "), truth.calls],
    ["messages", idsOf("gen_ai.response.id", "chat "), truth.messages],
    ["runs", idsOf("hookspan.run.id", "invoke_agent claude-code"), truth.prompts],
    ["sessions", idsOf("session.id", "session "), truth.sessions],
  ];
  return [
    ...differing("spans named", names, truth.spans),
    ...ids.flatMap(([what, came, should]) =>
      JSON.stringify(came.sort()) === JSON.stringify(should.toSorted())
        ? []
        : [`ids of ${what} are not the truth's: ${came.length} came, ${should.length} should`],
    ),
  ];
}

/** The last value of each series, but for the bridge's own. */
export function lastPoints(booked: readonly Booked[]): Map<string, SeriesPoint> {
  const points = booked.filter(({ fate }) => fate !== "refused").flatMap((request) => request.points);
  return new Map(points.filter(({ metric }) => !metric.startsWith("hookspan.bridge.")).map((one) => [one.series, one]));
}

export function compareTotals(came: Map<string, SeriesPoint>, should: Map<string, SeriesPoint>): string[] {
  return differing("total", flat(came), flat(should));
}

export function compareTotalsWithTruth(points: Map<string, SeriesPoint>, truth: Truth): string[] {
  const of = (metric: string, ...by: string[]): Record<string, number> => {
    const sums: Record<string, number> = {};
    for (const point of points.values()) {
      if (point.metric !== metric) continue;
      const key = by.map((name) => String(point.attributes[name])).join(" ");
      // A histogram's sum comes first, its count second.
      sums[key] = (sums[key] ?? 0) + (point.value[1] ?? point.value[0] ?? 0);
    }
    return sums;
  };
  const ended = truth.calls.length;
  return [
    ...differing("tokens", of("hookspan.token.usage", "gen_ai.request.model", "hookspan.token.kind"), truth.tokens),
    ...differing("cost", of("hookspan.cost"), { "": truth.usd }),
    ...differing("sessions", of("hookspan.session.count"), { "": truth.sessions.length }),
    ...differing("runs", of("hookspan.run.count", "hookspan.run.outcome"), { success: truth.prompts.length }),
    ...differing("subagents", of("hookspan.subagent.count"), nonzero({ "": truth.subagents })),
    ...differing("compactions", of("hookspan.compaction.count"), nonzero({ "": truth.compactions })),
    ...differing(
      "lines",
      of("hookspan.code.line.count", "hookspan.code.change"),
      nonzero({ added: truth.linesAdded, removed: truth.linesRemoved }),
    ),
    ...differing("tool durations", of("gen_ai.execute_tool.duration"), nonzero({ "": ended })),
  ];
}

/** Over all that the receiver ever saw of a series: one start, no value that falls, no time that says two things. */
export function monotonyFaults(booked: readonly Booked[]): string[] {
  const last = new Map<string, SeriesPoint>();
  const faults: string[] = [];
  for (const point of booked.flatMap(({ points }) => points)) {
    const before = last.get(point.series);
    last.set(point.series, point);
    if (before === undefined) continue;
    const falls = point.value.some((value, i) => value < (before.value[i] ?? 0) - CLOSE);
    const differs = point.value.some((value, i) => value !== before.value[i]);
    if (falls) faults.push(`${point.series} falls from ${before.value.join()} to ${point.value.join()}`);
    if (point.startNs !== before.startNs) faults.push(`${point.series} starts anew`);
    if (point.atNs < before.atNs) faults.push(`${point.series} goes back in time`);
    if (point.atNs === before.atNs && differs) faults.push(`${point.series} says two things of ${point.atNs}`);
  }
  return faults.slice(0, SHOWN);
}

/** The sender died before the answer was on disk, or got none: it could not but send again. */
function isAnswerLost(key: string, request: Booked, deaths: ReadonlyMap<string, Death>): boolean {
  return request.fate === "unsaid" || deaths.get(request.life)?.unacked.has(key) === true;
}

function differing(what: string, came: Record<string, number>, should: Record<string, number>): string[] {
  const keys = [...new Set([...Object.keys(came), ...Object.keys(should)])].sort();
  const off = keys.filter((key) => !isClose(came[key], should[key]));
  return off.slice(0, SHOWN).map((key) => `${what} ${key}: ${came[key] ?? "none"}, not ${should[key] ?? "none"}`);
}

/** Every number of every series: a histogram has many. */
function flat(points: Map<string, SeriesPoint>): Record<string, number> {
  return Object.fromEntries([...points].flatMap(([key, { value }]) => value.map((one, i) => [`${key} ${i}`, one])));
}

function nonzero(record: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== 0));
}

function isClose(one: number | undefined, other: number | undefined): boolean {
  return one !== undefined && other !== undefined && Math.abs(one - other) <= CLOSE;
}

function told(what: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`${items.length} spans ${what}: ${items.slice(0, SHOWN).join(", ")}`];
}
