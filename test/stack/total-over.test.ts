// What docs/metrics.md promises of totals over a range: five hours with everything that makes `increase()` guess, told to the
// real Collector and the real Prometheus, and every window between the turns of the story.

import { describe, expect, test } from "vitest";

import { totalOver, totalPerDay } from "../../grafana/queries/total-over.ts";
import { COST, setStage, TOKENS, type Stage } from "../support/metric-stage.ts";
import { COLLECTOR, PROMETHEUS, stackProgram } from "../support/stack-program.ts";

const programs = { collector: stackProgram(COLLECTOR), prometheus: stackProgram(PROMETHEUS) };

describe.runIf(programs.collector !== undefined && programs.prometheus !== undefined)("totals over a range", () => {
  test("exact in every window: a late start, a silence, a bridge that leaves and one that is killed, 3 h without Collector", async () => {
    const stage = await setStage(programs, 300);
    await tellStory(stage);
    await stage.arrived();
    const { ledger, prometheus, ms } = stage;
    const whole = { fromMs: ms(0), toMs: ms(300) };
    expect(ledger.usd(whole)).toBe(ledger.usd(whole, "spent"));

    const rows: string[][] = [];
    for (const [from, to] of pairs([5, 13, 20, 50, 65, 150, 275, 300])) {
      const window = { fromMs: ms(from), toMs: ms(to) };
      const range = `${(to - from) * 60}s`;
      const at = window.toMs / 1000;
      const of = async (query: string): Promise<Record<string, number>> => nonZero(await prometheus.query(query, at));
      expect({
        window,
        tokens: await of(totalOver(TOKENS, range, ["gen_ai_request_model", "hookspan_token_kind"])),
        byModel: await of(totalOver(COST, range, ["gen_ai_request_model"])),
        byRepository: await of(totalOver(COST, range, ["vcs_repository_name"])),
      }).toEqual({
        window,
        tokens: ledger.tokens(window),
        byModel: ledger.usdBy("model", window),
        byRepository: ledger.usdBy("repository", window),
      });
      const single = async (query: string): Promise<number> => (await of(query))[""] ?? 0;
      rows.push([
        `${from}-${to}`,
        usd(ledger.usd(window, "spent")),
        usd(ledger.usd(window)),
        usd(await single(totalOver(COST, range))),
        usd(await single(`sum(increase(${COST}[${range}]))`)),
        usd(await single(`sum(increase(${COST}[${range}] anchored))`)),
      ]);
    }
    await expectRanges(stage, 300);
    await expectDays(stage, 300);
    print(["minutes", "spent", "delivered", "exact query", "increase()", "anchored"], rows);
  });
});

/** Windows that slide over the whole story, and beyond both of its ends. */
async function expectRanges({ prometheus, ledger, ms }: Stage, minutes: number): Promise<void> {
  for (const [rangeS, stepS] of [
    [45, 61],
    [300, 60],
    [3600, 420],
    [18_000, 3600],
  ] as const) {
    const [startS, endS] = [ms(-10) / 1000, ms(minutes) / 1000];
    const query = totalOver(COST, `${rangeS}s`, ["gen_ai_request_model"]);
    const shown = await prometheus.queryRange(query, { startS, endS, stepS });
    for (let atS = startS; atS <= endS; atS += stepS) {
      const window = { fromMs: (atS - rangeS) * 1000, toMs: atS * 1000 };
      expect({ window, usd: nonZero(shown.get(atS) ?? {}) }).toEqual({ window, usd: ledger.usdBy("model", window) });
    }
  }
}

/** Days in UTC, each labelled by its start. */
async function expectDays({ prometheus, ledger, ms }: Stage, minutes: number): Promise<void> {
  const dayS = 86_400;
  const dayOf = (at: number): number => Math.floor(at / 1000 / dayS) * dayS;
  const [startS, endS] = [dayOf(ms(0)), dayOf(ms(minutes))];
  const shown = await prometheus.queryRange(totalPerDay(COST), { startS, endS, stepS: dayS });
  for (let atS = startS; atS <= endS; atS += dayS) {
    const window = { fromMs: atS * 1000, toMs: (atS + dayS) * 1000 };
    expect({ window, usd: shown.get(atS)?.[""] ?? 0 }).toEqual({ window, usd: ledger.usd(window) });
  }
}

async function tellStory({ life, collector, minute, begin, call }: Stage): Promise<void> {
  life.startBridge();
  begin("a", "web");
  await minute(10);
  call("a", "claude-opus-5-5", { input: 1200, cacheRead: 0, output: 300 });
  await minute(12);
  call("a", "claude-opus-5-5", { input: 40, cacheRead: 12_000, output: 900 });
  await minute(15);
  call("a", "claude-opus-5-5", { input: 100, cacheRead: 14_000, output: 150 });
  life.end("a");
  // Ten minutes of silence, and on it goes; another model joins in.
  await minute(26);
  begin("b", "web");
  call("b", "claude-opus-5-5", { input: 700, cacheRead: 5000, output: 420 });
  await minute(28);
  call("b", "claude-haiku-5", { input: 9000, cacheRead: 0, output: 2000 });
  await minute(30);
  life.end("b");
  // Idle for ten minutes, the bridge leaves. The next hook brings another one, which is killed with a call unsaid.
  await minute(40);
  await life.leave();
  await minute(60);
  begin("c", "docs");
  life.startBridge();
  await minute(61);
  call("c", "claude-opus-5-5", { input: 300, cacheRead: 8000, output: 800 });
  await minute(64);
  call("c", "claude-opus-5-5", { input: 10, cacheRead: 9000, output: 70 });
  life.kill();
  await minute(66);
  life.startBridge();
  await minute(70);
  call("c", "claude-haiku-5", { input: 2500, cacheRead: 100, output: 800 });
  life.end("c");
  // Three hours without the Collector, in which a third model begins.
  await minute(90);
  await collector.stop();
  await minute(100);
  begin("d", "web");
  for (const [at, output] of [
    [101, 500],
    [120, 640],
    [160, 310],
    [200, 990],
  ] as const) {
    await minute(at);
    call("d", "claude-opus-5-5", { input: 50, cacheRead: 20_000, output });
    if (at > 101) call("d", "claude-sonnet-5", { input: 4000, cacheRead: 0, output });
  }
  await minute(230);
  life.end("d");
  await minute(270);
  await collector.start();
  await minute(281);
  begin("e", "docs");
  call("e", "claude-sonnet-5", { input: 100, cacheRead: 4000, output: 222 });
  await minute(285);
  call("e", "claude-opus-5-5", { input: 77, cacheRead: 21_000, output: 1 });
  life.end("e");
  await minute(300);
}

function pairs(minutes: number[]): [number, number][] {
  return minutes.flatMap((from, i) => minutes.slice(i + 1).map((to): [number, number] => [from, to]));
}

function nonZero(values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== 0));
}

function usd(value: number): string {
  return value.toFixed(6);
}

function print(head: string[], rows: string[][]): void {
  const lines = [head, ...rows].map((row) => row.map((cell) => cell.padStart(12)).join(""));
  process.stdout.write(`\n${lines.join("\n")}\n`);
}
