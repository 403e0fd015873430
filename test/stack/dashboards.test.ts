// Every query of every dashboard, with its macros and variables, in the real Prometheus: after the recordings of all agents went
// through the real hook, the built program and the real Collector. `npm run stack:proof` prints what came out.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { loadRecording } from "../../src/view/load-recording.ts";
import { startCollector } from "../support/collector.ts";
import { queriesOf, readDashboards, substituted, type PanelQuery } from "../support/dashboard-file.ts";
import { headlineOf, type Headline, recordedHeadline, shownHeadline } from "../support/headline.ts";
import { flushTo, replayThroughHook } from "../support/hook-replay.ts";
import { setStage } from "../support/metric-stage.ts";
import { tellOfAnUpdate, tellOfUsers } from "../support/metric-stories.ts";
import { runQuery, type Ran, type Shown } from "../support/panel-run.ts";
import { startPrometheus, type RunningPrometheus } from "../support/prometheus.ts";
import { attributesNamed, metricsNamed } from "../support/query-names.ts";
import { FOLDERS } from "../support/recording-facts.ts";
import { recordedSessions } from "../support/recordings.ts";
import { readRules } from "../support/rule-file.ts";
import { COLLECTOR, PROMETHEUS, stackProgram } from "../support/stack-program.ts";
import { freePorts } from "../support/start-program.ts";
import { tempDirectory } from "../support/temp-state.ts";
import { transcriptTokens } from "../support/transcript-tokens.ts";

const RANGE_S = 3600;

/** Queries to Prometheus that have no data here, and why. */
const EMPTY: readonly [RegExp, string][] = [
  [/otelcol_exporter_(send|enqueue)_failed/, "the series begins with the first failure"],
  [/tempo_/, "Tempo is not there"],
  [/^sum by \(hookspan_drop_reason\)/, "nothing was dropped"],
  [/hookspan_commit_count/, "no recording has a commit"],
];

const collectorProgram = stackProgram(COLLECTOR);
const prometheusProgram = stackProgram(PROMETHEUS);
const queries = readDashboards().flatMap(queriesOf);
const promql = queries.filter(({ language }) => language === "promql");
const traceql = queries.filter(({ language, text }) => language === "traceql" && text !== "$trace");
const rules = readRules().map(({ expr, record, alert }): PanelQuery => ({
  board: record === undefined ? "alert" : "record",
  panel: record ?? alert ?? "",
  language: "promql",
  text: expr,
  isInstant: true,
  hasExemplars: false,
}));

describe.runIf(collectorProgram !== undefined && prometheusProgram !== undefined)("the dashboards", () => {
  test("every query has data, and the headline figures are those of the recordings", { timeout: 600_000 }, async () => {
    const port = await freePorts("collector", "nobody");
    const prometheus = await startPrometheus(prometheusProgram ?? "", {
      collector: `127.0.0.1:${port("collector")}`,
      tempo: `127.0.0.1:${port("nobody")}`,
    });
    const collector = await startCollector({
      program: collectorProgram ?? "",
      env: { PROMETHEUS_OTLP: prometheus.otlp },
      toFiles: ["traces"],
      spanMetricsEvery: "1s",
      metricsPort: port("collector"),
    });
    const root = tempDirectory();
    mkdirSync(join(root, "home/project/.git"), { recursive: true });
    writeFileSync(join(root, "home/project/.git/HEAD"), "ref: refs/heads/main\n");
    writeFileSync(join(root, "config.json"), JSON.stringify({ resource: { "user.id": "ada" } }));
    const recordings = recordedSessions();
    for (const { agent, path } of recordings) {
      await replayThroughHook(loadRecording(path), root, agent);
      await flushTo(collector.endpoint, root);
    }

    const expected = await recordedHeadline(recordings);
    // The Collector's queue has a pace of its own.
    await expect.poll(() => shownHeadline(prometheus, shown()), { timeout: 60_000, interval: 1000 }).toEqual(expected);
    for (const agent of new Set(recordings.map((one) => one.agent)))
      expect({ agent, ...(await shownHeadline(prometheus, shown({ agent }))) }).toEqual({
        agent,
        ...(await recordedHeadline(recordings.filter((one) => one.agent === agent))),
      });
    expect(await shownHeadline(prometheus, shown({ user: "ada", repository: "project" }))).toEqual(expected);
    expect(await shownHeadline(prometheus, shown({ user: "(bob|eve)" }))).toMatchObject({ usd: 0, runs: 0 });

    let rows: Row[] = [];
    const unexplained = (): string[] =>
      rows.filter(({ query, ran }) => ran.rows === 0 && reasonFor(query) === undefined).map(({ query }) => query.text);
    // Prometheus asks the programs about themselves every 15 s, and a rate needs two answers.
    await expect
      .poll(
        async () => {
          rows = await runAll(prometheus);
          return unexplained();
        },
        { timeout: 90_000, interval: 3000 },
      )
      .toEqual([]);
    print([
      ...rows.map(({ query, ran }) => rowOf(query, ran, figure(headlineOf(query, expected)))),
      ...traceql.map(({ board, panel, text }) => [board.slice(9), panel, text, "", "", "", "", "read only: TraceQL"]),
    ]);
    const needless = rows.filter(({ query, ran }) => query.board !== "alert" && ran.rows > 0 && reasonFor(query));
    expect(needless).toEqual([]);

    await collector.stop();
    const traces = new Set(collector.spans().map(({ traceId }) => traceId));
    const carried = new Set(collector.spans().flatMap(({ attributes }) => Object.keys(attributes)));
    const named = traceql
      .flatMap(({ text }) => attributesNamed(allOf(text)))
      .filter((name) => name.startsWith("span."));
    expect(named.filter((name) => !carried.has(name.slice("span.".length)))).toEqual([]);

    const asked = promql.filter(({ hasExemplars }) => hasExemplars).map(({ text }) => metricsNamed(allOf(text))[0]);
    expect(asked.length).toBeGreaterThan(0);
    for (const { metric } of asked.flatMap((one) => one ?? [])) {
      const found = await prometheus.exemplarTraces(metric);
      expect(found.length).toBeGreaterThan(0);
      expect(found.filter((trace) => !traces.has(trace))).toEqual([]);
    }
  });

  test("where there is no data, and where there was none for long, no panel shows a number that is none", async () => {
    const stage = await setStage({ collector: collectorProgram, prometheus: prometheusProgram }, 150);
    await tellOfAnUpdate(stage);
    await stage.arrived();
    for (const atS of [-120, 5, 60, 150, 600].map((minute) => stage.ms(minute) / 1000)) {
      const wrong: string[] = [];
      for (const query of promql.filter(({ isInstant }) => isInstant)) {
        const { values } = await runQuery(stage.prometheus, query, { atS, rangeS: RANGE_S });
        if (Object.values(values).some((value) => !Number.isFinite(value))) wrong.push(query.panel);
      }
      expect({ atS, wrong }).toEqual({ atS, wrong: [] });
    }
  });

  test("exact after a killed bridge, an hour without the Collector and an update of the agent", async () => {
    const stage = await setStage({ collector: collectorProgram, prometheus: prometheusProgram }, 150);
    const done = await tellOfAnUpdate(stage);
    await stage.arrived();
    const { ledger, prometheus, ms } = stage;
    for (const [from, to] of [
      [-1, 150],
      [-1, 40],
      [35, 60],
      [45, 120],
      [60, 150],
      [115, 150],
    ] as const) {
      const window = { fromMs: ms(from), toMs: ms(to) };
      const tokens: Record<string, number> = {};
      for (const [name, count] of Object.entries(ledger.tokensBy("model and kind", window))) {
        const kind = name.split(" ")[1] ?? "";
        tokens[kind] = (tokens[kind] ?? 0) + count;
      }
      const counted = done.filter(({ deliveredBy }) => deliveredBy > from && deliveredBy <= to);
      const { usd, tokensByKind, ...counts } = await shownHeadline(prometheus, {
        atS: window.toMs / 1000,
        rangeS: (to - from) * 60,
      });
      expect({ window, usd, tokensByKind, ...counts }).toEqual({
        window,
        usd: ledger.usd(window),
        tokensByKind: tokens,
        tokens: Object.values(tokens).reduce((sum, value) => sum + value, 0),
        sessions: counted.filter(({ what }) => what === "session").length,
        runs: counted.filter(({ what }) => what !== "session").length,
        failedRuns: counted.filter(({ what }) => what === "failed run").length,
      });
    }
  });

  test("a machine that gets a user, and then another, counts once, and for one of them", async () => {
    const stage = await setStage({ collector: collectorProgram, prometheus: prometheusProgram }, 90);
    await tellOfUsers(stage);
    await stage.arrived();
    const { ledger, prometheus, ms } = stage;
    // Nobody's name is known in the first window only; where two are, it is that under which more was reported.
    for (const [from, to, owner] of [
      [-1, 8, ""],
      [-1, 45, "ada"],
      [11, 55, "ada"],
      [30, 70, "ada"],
      [59, 90, "eve"],
      [49, 90, "eve"],
      [-1, 90, "ada"],
    ] as const) {
      const window = { fromMs: ms(from), toMs: ms(to) };
      const of = (user: string): Promise<Headline> =>
        shownHeadline(prometheus, { atS: window.toMs / 1000, rangeS: (to - from) * 60, variables: { user } });
      const all = await of(".*");
      expect({ window, usd: all.usd }).toEqual({ window, usd: ledger.usd(window) });
      const [ada, eve] = [await of("ada"), await of("eve")];
      const none = { usd: 0, tokens: 0, tokensByKind: {}, sessions: 0, runs: 0, failedRuns: 0 };
      expect({ window, ada, eve }).toEqual({
        window,
        ada: owner === "ada" ? all : none,
        eve: owner === "eve" ? all : none,
      });
      const query = promql.find(({ panel }) => panel === "Who spends most?");
      if (query === undefined) throw new Error("no panel asks who spends most");
      const { values } = await runQuery(prometheus, query, { atS: window.toMs / 1000, rangeS: (to - from) * 60 });
      expect({ window, values }).toEqual({ window, values: { [owner]: all.usd } });
    }
    // What a bar has is one user's, or nobody's.
    const bars = promql.find(({ panel }) => panel === "What was spent when, by agent?");
    const whole = { startS: Math.floor(ms(-1) / 3_600_000) * 3600, endS: ms(90) / 1000, stepS: 3600 };
    let usd = 0;
    for (const user of ["ada", "eve", ""]) {
      const text = substituted(bars?.text ?? "", { range: "2h", step: "1h", rate: "5m", variables: { user } });
      for (const bar of (await prometheus.queryRange(text, whole)).values()) usd += bar["claude-code"] ?? 0;
    }
    expect(Number(usd.toFixed(9))).toBe(ledger.usd({ fromMs: ms(-1), toMs: ms(90) }));
  });

  test("a machine whose hookspan was updated counts for the new version only", async () => {
    const { ledger, prometheus, ms } = await setStage(
      { collector: collectorProgram, prometheus: prometheusProgram },
      30,
    );
    for (const [minute, version] of [
      [1, "1.0.0"],
      [3, "1.1.0"],
    ] as const) {
      const point = {
        attributes: { "hookspan.bridge.version": version },
        startNs: BigInt(ms(0)) * 1_000_000n,
        atNs: BigInt(ms(minute)) * 1_000_000n,
        value: 1,
      };
      await ledger.exporter.sendMetrics([{ agent: "hookspan", metric: "hookspan.bridge.info", points: [point] }]);
    }
    const query = promql.find(({ panel }) => panel === "Which versions of hookspan are about?");
    if (query === undefined) throw new Error("no panel asks for versions");
    const told = async (minute: number): Promise<Record<string, number>> =>
      (await runQuery(prometheus, query, { atS: ms(minute) / 1000, rangeS: RANGE_S })).values;
    await expect.poll(() => told(30), { timeout: 30_000 }).toEqual({ "1.1.0": 1 });
    expect(await told(2)).toEqual({ "1.0.0": 1 });
  });

  test("the oracle's tokens of Claude Code are those of its transcripts", async () => {
    const { tokens } = await recordedHeadline(recordedSessions("claude-code"));
    const told = FOLDERS.flatMap((folder) => Object.values(transcriptTokens(folder)));
    expect(tokens).toBe(told.reduce((sum, value) => sum + value, 0));
  });
});

type Row = { query: PanelQuery; ran: Ran };

/** One after the other, so that each query's time is its own. */
async function runAll(prometheus: RunningPrometheus): Promise<Row[]> {
  const rows: Row[] = [];
  for (const query of [...promql, ...rules]) rows.push({ query, ran: await runQuery(prometheus, query, shown()) });
  return rows;
}

/** As Grafana's "last hour", with these values chosen. */
function shown(variables: Record<string, string> = {}): Shown {
  return { atS: Date.now() / 1000, rangeS: RANGE_S, variables };
}

function allOf(text: string): string {
  return substituted(text, { range: "1h", step: "1h", rate: "5m" });
}

function reasonFor({ board, text }: PanelQuery): string | undefined {
  if (board === "alert") return "nothing to warn of";
  return EMPTY.find(([pattern]) => pattern.test(text))?.[1];
}

function rowOf(query: PanelQuery, { rows, ms, values }: Ran, expected: string): string[] {
  const { board, panel, text } = query;
  const actual = expected === "" ? "" : figure(values[""] ?? values);
  const why = rows === 0 ? (reasonFor(query) ?? "NO DATA") : "";
  return [board.replace("hookspan-", ""), panel, text, String(rows), ms.toFixed(0), expected, actual, why];
}

/** Keys in their order, so that two can be compared by eye. */
function figure(value: number | Record<string, number> | undefined): string {
  if (value === undefined) return "";
  return typeof value === "number" ? String(value) : JSON.stringify(value, Object.keys(value).sort());
}

function print(rows: string[][]): void {
  const head = ["board", "panel", "query", "rows", "ms", "expected", "actual", "why none"];
  const widest = [8, 52, 60, 5, 5, 40, 40, 40];
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, i) => cell.slice(0, widest[i]).padEnd(widest[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  process.stdout.write(`\n${lines.join("\n")}\n`);
}
