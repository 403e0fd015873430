// Every TraceQL query of the dashboards in the real Tempo, where there is one: recordings of Claude Code, as if they had just
// happened, through the real hook, the built program and the real Collector.

import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { loadRecording } from "../../src/view/load-recording.ts";
import { startCollector } from "../support/collector.ts";
import { queriesOf, readDashboards, substituted } from "../support/dashboard-file.ts";
import { flushTo, replayThroughHook } from "../support/hook-replay.ts";
import { movedTo } from "../support/moved-recording.ts";
import { FOLDERS, RECORDINGS } from "../support/recording-facts.ts";
import { replayRecording } from "../support/recorded-session.ts";
import { COLLECTOR, stackProgram } from "../support/stack-program.ts";
import { startTempo, tempoProgram } from "../support/tempo.ts";
import { tempDirectory } from "../support/temp-state.ts";

/** What no recording holds: a run or call that took so long, a run that cost so much. */
const EMPTY = /span:duration > 30|cost\.usd > 1 /;

const collectorProgram = stackProgram(COLLECTOR);
const program = tempoProgram();
const traceql = readDashboards()
  .flatMap(queriesOf)
  .filter(({ language, text }) => language === "traceql" && text !== "$trace");

describe.runIf(program !== undefined && collectorProgram !== undefined)("in the real Tempo", () => {
  test("every query of the dashboards finds something, or what it asks for is in no recording", async () => {
    const tempo = await startTempo(program ?? "");
    const collector = await startCollector({
      program: collectorProgram ?? "",
      env: { TEMPO_OTLP: tempo.otlp },
      toFiles: ["metrics", "metrics/spans"],
    });
    const root = tempDirectory();
    const startS = Date.now() / 1000 - 600;
    for (const folder of FOLDERS) {
      const recording = loadRecording(join(RECORDINGS, folder));
      await replayThroughHook(movedTo(BigInt(Math.floor(startS)) * 1_000_000_000n, recording), root);
      await flushTo(collector.endpoint, root);
    }
    const session = await sessionWithEverything();
    const macros = { range: "1h", step: "1m", rate: "5m", variables: { session } };
    for (const { panel, text } of traceql) {
      const query = substituted(text, macros);
      const rows = (): Promise<number> => tempo.rows(query, { startS: startS - 60, endS: Date.now() / 1000 });
      const found = async (): Promise<object> => ({ panel, query, isFound: (await rows()) > 0 });
      // A trace is searchable a few seconds after it came.
      await expect
        .poll(found, { timeout: 60_000, interval: 1000 })
        .toEqual({ panel, query, isFound: !EMPTY.test(query) });
    }
  });
});

/** Model calls and a tool that failed. */
async function sessionWithEverything(): Promise<string> {
  for (const folder of FOLDERS) {
    const { spans } = await replayRecording(join(RECORDINGS, folder), "backlog");
    const failed = spans.find(({ name, error }) => name.startsWith("execute_tool") && error !== undefined);
    const id = failed?.attributes["session.id"];
    const hasCost = spans.some(
      ({ attributes }) => attributes["session.id"] === id && attributes["hookspan.cost.usd"] !== undefined,
    );
    if (typeof id === "string" && hasCost) return id;
  }
  throw new Error("no recording has a session with model calls and a tool that failed");
}
