import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { buildSync } from "esbuild";
import { afterEach, beforeEach, expect, test } from "vitest";

import { createLog, type LogFields, type LogLevel } from "./log.ts";

let directory: string;
let file: string;
let nowMs: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hookspan-log-"));
  file = join(directory, "log");
  nowMs = Date.parse("2026-11-21T03:04:05.678Z");
});

afterEach(() => rmSync(directory, { recursive: true }));

const rows: [situation: string, message: string, fields: LogFields, line: string][] = [
  ["a message", "bridge started", {}, "bridge started"],
  [
    "fields",
    "sent",
    { spans: 3, signal: "traces", isLast: true, atNs: 5n },
    "sent spans=3 signal=traces isLast=true atNs=5",
  ],
  ["a field without a value", "sent", { reason: undefined, n: 1 }, "sent n=1"],
  ["a value with spaces", "failed", { reason: "disk full" }, 'failed reason="disk full"'],
  ["an empty value", "failed", { reason: "" }, 'failed reason=""'],
  ["a value of several lines", "failed", { reason: 'a\nb "c"' }, 'failed reason="a\\nb \\"c\\""'],
  ["a message of several lines", "a\nb\u001b[31mc", {}, "a b [31mc"],
  ["a value that steers a terminal", "failed", { reason: "\u009b31m" }, 'failed reason=" 31m"'],
  ["a long value", "failed", { reason: "x".repeat(1000) }, `failed reason=${"x".repeat(300)}…`],
];

test.for(rows)("%s", ([, message, fields, line]) => {
  createTestLog("info").info(message, fields);
  expect(lines()).toEqual([`2026-11-21T03:04:05.678Z info ${line}`]);
});

test.for([
  ["error", ["error"]],
  ["warn", ["error", "warn"]],
  ["info", ["error", "warn", "info"]],
  ["debug", ["error", "warn", "info", "debug"]],
] as const)("level %s", ([level, written]) => {
  const log = createTestLog(level);
  for (const each of ["error", "warn", "info", "debug"] as const) log[each]("m");
  expect(lines().map((line) => line.split(" ")[1])).toEqual(written);
});

test("a repeated message is counted, and the count written a minute later", () => {
  const log = createTestLog("info");
  for (let attempt = 0; attempt < 5; attempt++) log.warn("no Collector", { attempt });
  log.info("something else");
  nowMs += 60_000;
  log.warn("no Collector", { attempt: 5 });
  expect(lines().map((line) => line.slice(25))).toEqual([
    "warn no Collector attempt=0",
    "info something else",
    "warn no Collector (repeated 4 times)",
    "warn no Collector attempt=5",
  ]);
});

test("a flush writes the counts", () => {
  const log = createTestLog("info");
  log.info("a");
  log.info("a");
  log.info("b");
  log.flush();
  log.flush();
  expect(lines().map((line) => line.slice(25))).toEqual(["info a", "info b", "info a (repeated 1 times)"]);
});

test("a clock that is set back writes on", () => {
  const log = createTestLog("info");
  log.info("a");
  nowMs -= 3_600_000;
  log.info("a");
  expect(lines()).toHaveLength(2);
});

test("the file is private and bounded, with one before it", () => {
  const log = createTestLog("info");
  for (let n = 0; n < 20_000; n++) log.info(`message ${n}`, { filler: "x".repeat(200) });
  expect(readdirSync(directory).sort()).toEqual(["log", "log.1"]);
  expect(statSync(file).size).toBeLessThanOrEqual(1024 * 1024);
  expect(statSync(`${file}.1`).size).toBeLessThanOrEqual(1024 * 1024);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(lines().at(-1)).toContain("message 19999");
});

test("a file that another log has filled is continued within the bound", () => {
  for (let log = 0; log < 3; log++) createTestLog("info").info("x".repeat(600_000));
  expect([statSync(file).size < 700_000, statSync(`${file}.1`).size < 700_000]).toEqual([true, true]);
});

test("a file that cannot be written hurts nobody", () => {
  const log = createLog({ level: "info", file: join(directory, "none", "log") });
  expect(() => log.info("a")).not.toThrow();
});

test("stderr gets the same lines, and may be closed", () => {
  const program = join(directory, "program.cjs");
  const contents = `
    import { createLog } from "./log.ts";
    createLog({ level: "info", stream: "stderr", clock: () => 0 }).info("hello", { n: 1 });
  `;
  buildSync({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    platform: "node",
    outfile: program,
  });
  expect(spawnSync(process.execPath, [program], { encoding: "utf8" })).toMatchObject({
    status: 0,
    stdout: "",
    stderr: "1970-01-01T00:00:00.000Z info hello n=1\n",
  });
  expect(spawnSync("sh", ["-c", '"$0" "$1" 2>&-', process.execPath, program]).status).toBe(0);
});

function createTestLog(level: LogLevel) {
  return createLog({ level, file, clock: () => nowMs });
}

function lines(): string[] {
  return readFileSync(file, "utf8").trimEnd().split("\n");
}
