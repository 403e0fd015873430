/** The reader in a process of its own: with little memory, and as a user who may not read everything. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { buildSync } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";

let directory: string;
let program: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "hookspan-reader-"));
  chmodSync(directory, 0o755);
  program = join(directory, "program.cjs");
  buildSync({
    stdin: { contents: PROGRAM, resolveDir: join(import.meta.dirname, "../../src/transcript") },
    bundle: true,
    platform: "node",
    format: "cjs",
    outfile: program,
  });
});

afterAll(() => rmSync(directory, { recursive: true }));

/** Reads a file to its end and prints what it found and the growth of its resident set in bytes. */
const PROGRAM = `
  import { readLines } from "./reader.ts";
  const before = process.memoryUsage.rss();
  let peak = before, lines = 0, skipped = 0, position, result;
  do {
    result = readLines(process.argv[2], position, { maxBytes: 1024 * 1024 });
    if (result.status !== "read") break;
    position = result.position;
    lines += result.lines.length;
    skipped += result.skippedLines;
    peak = Math.max(peak, process.memoryUsage.rss());
  } while (result.more);
  const { status, reason } = result;
  console.log(JSON.stringify({ status, reason, lines, skipped, offset: position?.offset, grown: peak - before }));
`;

const MIB = 1024 * 1024;

test.for([
  ["100 MB of lines", `${"x".repeat(MIB / 4 - 1)}\n`, 400, { lines: 400, skipped: 0 }],
  ["one line of 200 MB that has no end yet", "x".repeat(MIB), 200, { lines: 0, skipped: 1 }],
] as const)("%s are read in little memory", ([, piece, times, expected]) => {
  const file = join(directory, "large.jsonl");
  const fd = openSync(file, "w");
  for (let i = 0; i < times; i++) writeSync(fd, piece);
  closeSync(fd);
  const found = run(file, {});
  expect(found).toMatchObject({ status: "read", ...expected, offset: piece.length * times });
  // 8 MiB of a line, one chunk, and what the collector of garbage has not met yet.
  expect(found.grown).toBeLessThan(64 * MIB);
});

test("a file that its own user may not read is refused", () => {
  const file = join(directory, "closed.jsonl");
  writeFileSync(file, "a\n", { mode: 0o000 });
  // Root may read everything, so root asks as nobody.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(file, NOBODY, NOBODY);
  expect(run(file, isRoot ? { uid: NOBODY, gid: NOBODY } : {})).toMatchObject({
    status: "refused",
    reason: "unreadable",
  });
});

const NOBODY = 65_534;

function run(file: string, user: { uid?: number; gid?: number }): Record<string, unknown> & { grown?: number } {
  const node = spawnSync(process.execPath, ["--max-old-space-size=64", program, file], {
    ...user,
    cwd: "/",
    encoding: "utf8",
  });
  if (node.status !== 0) throw new Error(`the reader failed: ${node.stderr}`, { cause: node.error });
  return JSON.parse(node.stdout);
}
