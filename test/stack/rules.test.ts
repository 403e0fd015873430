// The shipped rules: written by the script, taken by Prometheus, and what they say of given series.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";

import { PROMETHEUS, stackProgram } from "../support/stack-program.ts";

const RULES = join(import.meta.dirname, "../../collector-config/rules/hookspan.yaml");
const SITUATIONS = join(import.meta.dirname, "rules.test.yaml");

const ruleFile = z.object({
  groups: z.array(z.looseObject({ rules: z.array(z.looseObject({ alert: z.string().optional(), expr: z.string() })) })),
});
const situations = z.looseObject({
  tests: z.array(
    z.looseObject({
      alert_rule_test: z.array(z.looseObject({ alertname: z.string(), exp_alerts: z.array(z.unknown()) })).default([]),
    }),
  ),
});

const program = stackProgram(PROMETHEUS);

test("are those that `npm run rules` writes", async () => {
  const script: { rulesFile: () => string } = await import(new URL("../../scripts/rules.mjs", import.meta.url).href);
  const text = readFileSync(RULES, "utf8");
  expect(parse(text)).toEqual(parse(script.rulesFile()));
  expect(text.match(/^(#.*\n)+/)?.[0]).toBe(script.rulesFile().match(/^(#.*\n)+/)?.[0]);
});

test("each alert is seen to come", () => {
  const alerts = rules().flatMap(({ alert }) => alert ?? []);
  const seen = new Set(
    situations
      .parse(parse(readFileSync(SITUATIONS, "utf8")))
      .tests.flatMap(({ alert_rule_test: all }) => all.filter(({ exp_alerts: expected }) => expected.length > 0))
      .map(({ alertname }) => alertname),
  );
  expect(alerts.filter((name) => !seen.has(name))).toEqual([]);
});

test("money is never estimated", () => {
  const estimates = rules().filter(({ expr }) => expr.includes("cost") && /increase|rate/.test(expr));
  expect(estimates).toEqual([]);
});

describe.runIf(program !== undefined)("promtool", () => {
  test.each([
    ["check", RULES],
    ["test", SITUATIONS],
  ])("%s rules: nothing to complain of", async (command, file) => {
    const promtool = join(dirname(program ?? ""), "promtool");
    const { stdout } = await promisify(execFile)(promtool, [command, "rules", file]);
    expect(stdout).toContain("SUCCESS");
  });
});

function rules(): { alert?: string | undefined; expr: string }[] {
  return ruleFile.parse(parse(readFileSync(RULES, "utf8"))).groups.flatMap((group) => group.rules);
}
