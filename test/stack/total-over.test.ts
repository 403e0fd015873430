// What docs/metrics.md promises of totals over a range: five hours with everything that makes `increase()` guess, told to the
// real Collector and the real Prometheus, and every window between the turns of the story.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { totalOver, totalPerDay } from "../../grafana/queries/total-over.ts";
import { COST, setStage, TOKENS, type Stage } from "../support/metric-stage.ts";
import { tellOfRestarts, tellStory } from "../support/metric-stories.ts";
import { COLLECTOR, PROMETHEUS, stackProgram } from "../support/stack-program.ts";

const programs = { collector: stackProgram(COLLECTOR), prometheus: stackProgram(PROMETHEUS) };

test("the queries of docs/metrics.md are those that dashboards get", () => {
  const range = "$__range";
  const written = {
    cost: totalOver(COST, range),
    "cost by model": totalOver(COST, range, ["gen_ai_request_model"]),
    "cost by agent": totalOver(COST, range, ["gen_ai_agent_name"]),
    "cost by repository": totalOver(COST, range, ["vcs_repository_name"]),
    "tokens by model and kind": totalOver(TOKENS, range, ["gen_ai_request_model", "hookspan_token_kind"]),
    "tokens by agent": totalOver(TOKENS, range, ["gen_ai_agent_name"]),
    "tokens by repository": totalOver(TOKENS, range, ["vcs_repository_name"]),
    "cost per day": totalPerDay(COST),
    "cost, anchored": `sum(increase(${COST}[$__range] anchored))`,
  };
  const shown = Object.fromEntries([...documentedQueries()].map(([title, query]) => [title, onOneLine(query)]));
  expect(shown).toEqual(written);
});

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
        tokens: ledger.tokensBy("model and kind", window),
        byModel: ledger.usdBy("model", window),
        byRepository: ledger.usdBy("repository", window),
      });
      const single = async (query: string): Promise<number> => (await of(query))[""] ?? 0;
      const anchored = await single(`sum(increase(${COST}[${range}] anchored))`);
      expect({ window, anchored }).toEqual({ window, anchored: ledger.usd(window) });
      rows.push([
        `${from}-${to}`,
        usd(ledger.usd(window, "spent")),
        usd(ledger.usd(window)),
        usd(await single(totalOver(COST, range))),
        usd(await single(`sum(increase(${COST}[${range}]))`)),
        usd(anchored),
      ]);
    }
    print(["minutes", "spent", "delivered", "exact query", "increase()", "anchored"], rows);
    await expectSliding(stage, 300);
    await expectDays(stage, 300);
    for (const [from, to] of pairs([5, 65, 150, 300])) await expectDocumented(stage, from, to);
  });

  test("unchanged by restarts of Collector and Prometheus, by requests that arrive twice and by answers that are lost", async () => {
    const stage = await setStage(programs, 90);
    await tellOfRestarts(stage);
    await stage.arrived();
    const { ledger, prometheus, ms } = stage;
    for (const [from, to] of pairs([-1, 8, 18, 28, 38, 48, 58, 68, 78, 90])) {
      const window = { fromMs: ms(from), toMs: ms(to) };
      const at = window.toMs / 1000;
      const range = `${(to - from) * 60}s`;
      const byModel = nonZero(await prometheus.query(totalOver(COST, range, ["gen_ai_request_model"]), at));
      const anchored = await prometheus.query(`sum(increase(${COST}[${range}] anchored))`, at);
      const expected = { byModel: ledger.usdBy("model", window), anchored: { "": ledger.usd(window) } };
      expect({ window, byModel, anchored }).toEqual({ window, ...expected });
    }
    const [spent, delivered] = (["spent", "delivered"] as const).map((by) =>
      ledger.usd({ fromMs: ms(0), toMs: ms(90) }, by),
    );
    expect(delivered).toBe(spent);
  });
});

/** Windows that slide over the whole story, and beyond both of its ends; how many, and by how much, increase() has wrong. */
async function expectSliding({ prometheus, ledger, ms }: Stage, minutes: number): Promise<void> {
  const rows: (string | number)[][] = [];
  for (const [rangeS, stepS] of [
    [45, 61],
    [300, 60],
    [3600, 420],
    [18_000, 3600],
  ] as const) {
    const [startS, endS] = [ms(-10) / 1000, ms(minutes) / 1000];
    const query = totalOver(COST, `${rangeS}s`, ["gen_ai_request_model"]);
    const shown = await prometheus.queryRange(query, { startS, endS, stepS });
    const guessed = await prometheus.queryRange(`sum(increase(${COST}[${rangeS}s]))`, { startS, endS, stepS });
    const ratios: number[] = [];
    for (let atS = startS; atS <= endS; atS += stepS) {
      const window = { fromMs: (atS - rangeS) * 1000, toMs: atS * 1000 };
      expect({ window, usd: nonZero(shown.get(atS) ?? {}) }).toEqual({ window, usd: ledger.usdBy("model", window) });
      const truth = ledger.usd(window);
      if (truth > 0) ratios.push((guessed.get(atS)?.[""] ?? 0) / truth);
    }
    const wrong = ratios.filter((ratio) => Math.abs(ratio - 1) > 0.01);
    rows.push([
      `${rangeS} s`,
      ratios.length,
      wrong.length,
      Math.min(...ratios).toFixed(2),
      Math.max(...ratios).toFixed(2),
    ]);
  }
  print(["windows of", "with cost", "1 % off", "least", "most"], rows);
}

/** The queries of docs/metrics.md, word for word but for Grafana's macro. */
async function expectDocumented({ prometheus, ledger, ms }: Stage, from: number, to: number): Promise<void> {
  const window = { fromMs: ms(from), toMs: ms(to) };
  const truth: Record<string, Record<string, number>> = {
    cost: { "": ledger.usd(window) },
    "cost by model": ledger.usdBy("model", window),
    "cost by agent": ledger.usdBy("agent", window),
    "cost by repository": ledger.usdBy("repository", window),
    "tokens by model and kind": ledger.tokensBy("model and kind", window),
    "tokens by agent": ledger.tokensBy("agent", window),
    "tokens by repository": ledger.tokensBy("repository", window),
    "cost, anchored": { "": ledger.usd(window) },
  };
  const shown: Record<string, Record<string, number>> = {};
  for (const [title, query] of documentedQueries()) {
    if (!query.includes("$__range")) continue;
    const here = query.replaceAll("$__range", `${(to - from) * 60}s`);
    shown[title] = nonZero(await prometheus.query(here, window.toMs / 1000));
  }
  expect({ window, shown }).toEqual({ window, shown: truth });
}

function onOneLine(query: string): string {
  return query.replaceAll(/\s+/g, " ").replaceAll(/\( | \)/g, (edge) => edge.trim());
}

/** The PromQL blocks of the page, by the comment at their head. */
function documentedQueries(): Map<string, string> {
  const page = readFileSync(join(import.meta.dirname, "../../docs/metrics.md"), "utf8");
  const blocks = [...page.matchAll(/```promql\n# (.*)\n([^`]*)```/g)];
  return new Map(blocks.map(([, title = "", query = ""]) => [title, query.trim()]));
}

/** Days in UTC, each labelled by its start. */
async function expectDays({ prometheus, ledger, ms }: Stage, minutes: number): Promise<void> {
  const dayS = 86_400;
  const dayOf = (at: number): number => Math.floor(at / 1000 / dayS) * dayS;
  const [startS, endS] = [dayOf(ms(0)), dayOf(ms(minutes))];
  const query = documentedQueries().get("cost per day") ?? "";
  const shown = await prometheus.queryRange(query, { startS, endS, stepS: dayS });
  for (let atS = startS; atS <= endS; atS += dayS) {
    const window = { fromMs: atS * 1000, toMs: (atS + dayS) * 1000 };
    expect({ window, usd: shown.get(atS)?.[""] ?? 0 }).toEqual({ window, usd: ledger.usd(window) });
  }
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

function print(head: string[], rows: (string | number)[][]): void {
  const lines = [head, ...rows].map((row) => row.map((cell) => String(cell).padStart(12)).join(""));
  process.stdout.write(`\n${lines.join("\n")}\n`);
}
