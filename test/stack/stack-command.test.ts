// `npm run stack` and `hookspan demo --stack`, as somebody without Docker tries them: the shipped files and ports, on a loopback
// address of this test's own.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join, relative } from "node:path";
import { promisify } from "node:util";

import { describe, expect, onTestFinished, test, vi } from "vitest";
import * as z from "zod";

import { COLLECTOR, PROMETHEUS, stackProgram } from "../support/stack-program.ts";
import { tempDirectory } from "../support/temp-state.ts";

const ROOT = join(import.meta.dirname, "../..");
const HOST = `127.${(process.pid >> 8) & 255}.${process.pid & 255}.2`;
const LONG = { timeout: 60_000, interval: 100 };

const answer = z.looseObject({
  data: z.looseObject({ result: z.array(z.looseObject({ value: z.tuple([z.number(), z.string()]) })) }),
});
const totals = z.looseObject({ type: z.literal("totals"), cost_usd: z.record(z.string(), z.number()) });

const areThere = stackProgram(COLLECTOR) !== undefined && stackProgram(PROMETHEUS) !== undefined;

describe.runIf(areThere)("npm run stack", () => {
  test("takes the demo, has its cost in Prometheus, and leaves when it is told to", async () => {
    const stack = startStack();
    await stack.said(/^Ready\./m);
    const { stdout } = await demo("--json", "--stack");
    const lines = stdout.trimEnd().split("\n");
    const shown = lines.flatMap((line) => totals.safeParse(JSON.parse(line)).data ?? []).at(-1);
    expect(JSON.parse(lines.at(-1) ?? "")).toEqual({ type: "sent", to: `http://${HOST}:4318` });

    const usd = Object.values(shown?.cost_usd ?? {}).reduce((sum, cost) => sum + cost, 0);
    await vi.waitFor(async () => expect(await query("sum(hookspan_cost_USD_total)")).toBeCloseTo(usd, 9), LONG);
    expect(usd).toBeGreaterThan(0);
    await vi.waitFor(async () => expect(await query('up{job="collector"}')).toBe(1), LONG);

    // Nobody is missed who is not part of it.
    const there = process.env["TEMPO_BIN"] === undefined ? 2 : 3;
    await vi.waitFor(async () => expect(await query("count(up == 1)")).toBe(there), LONG);
    expect(await query("count(up)")).toBe(there);

    stack.interrupt();
    expect(await stack.code).toBe(0);
    await expect(fetch(`http://${HOST}:13133/`)).rejects.toThrow("fetch failed");
    await expect(fetch(`http://${HOST}:9090/-/ready`)).rejects.toThrow("fetch failed");
  });
});

test("the demo says so where there is no stack", async () => {
  await expect(demo("--stack")).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`nothing listens at http://${HOST}:4318; start the stack with \`npm run stack\``),
  });
});

function startStack(): { said(words: RegExp): Promise<void>; interrupt(): void; code: Promise<number | null> } {
  const node = ["--import", "./scripts/strip-types.mjs", "scripts/stack.mjs"];
  const child = spawn(process.execPath, [...node, "--host", HOST, "--data", relative(ROOT, tempDirectory())], {
    cwd: ROOT,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const ended = once(child, "close");
  onTestFinished(async () => {
    // Twice: at once.
    child.kill("SIGINT");
    child.kill("SIGINT");
    await ended;
  });
  return {
    said: (words) =>
      vi.waitFor(() => {
        if (!words.test(output)) throw new Error(`it only said:\n${output}`);
      }, LONG),
    interrupt: () => child.kill("SIGINT"),
    code: ended.then(() => child.exitCode),
  };
}

function demo(...args: string[]): Promise<{ stdout: string }> {
  const root = tempDirectory();
  return promisify(execFile)(process.execPath, [join(ROOT, "dist/hookspan.cjs"), "demo", ...args], {
    env: { PATH: process.env["PATH"], HOME: root, TMPDIR: root, HOOKSPAN_ENDPOINT: `http://${HOST}:4318` },
  });
}

async function query(promql: string): Promise<number | undefined> {
  const response = await fetch(`http://${HOST}:9090/api/v1/query?${new URLSearchParams({ query: promql }).toString()}`);
  const value = answer.parse(await response.json()).data.result[0]?.value[1];
  return value === undefined ? undefined : Number(value);
}
