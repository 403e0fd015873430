import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { type FilePosition, type ReadLines, readLines, statSize } from "./reader.ts";

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hookspan-reader-"));
  file = join(directory, "transcript.jsonl");
});

afterEach(() => rmSync(directory, { recursive: true }));

test.for([
  ["an empty file", "", [], 0],
  ["lines", "a\nb\n", ["a", "b"], 4],
  ["a half-written last line", "a\nb", ["a"], 2],
  ["nothing but half a line", "abc", [], 0],
  ["empty lines", "\n\na\n\r\n\nb\n", ["a", "b"], 9],
  ["CRLF", "a\r\nb\r\n", ["a", "b"], 6],
  ["a carriage return inside a line", "a\rb\n", ["a\rb"], 4],
  ["characters of more bytes than one", "ä😀\n", ["ä😀"], 7],
  ["bytes that are not UTF-8", Buffer.from([0x61, 0xff, 0x0a]), ["a\uFFFD"], 3],
] as const)("reads %s", ([, content, lines, offset]) => {
  writeFileSync(file, content);
  const result = read(undefined);
  expect(texts(result)).toEqual(lines);
  expect(result).toMatchObject({ position: { offset }, more: false, skippedLines: 0 });
  expect(result).not.toHaveProperty("restarted");
});

test("a line is read once its newline comes", () => {
  writeFileSync(file, "one\ntw");
  const first = read(undefined);
  appendFileSync(file, "o\n");
  const second = read(first.position);
  expect([texts(first), texts(second)]).toEqual([["one"], ["two"]]);
  expect(second.lines[0]?.endOffset).toBe(8);
  expect(read(second.position)).toMatchObject({ lines: [], more: false });
});

test("the end offset of any line is a position to go on from", () => {
  writeFileSync(file, "one\n\ntwo\nthree\n");
  const { lines, position } = read(undefined);
  const rests = lines.map((line) => texts(read({ inode: position.inode, offset: line.endOffset })));
  expect(rests).toEqual([["two", "three"], ["three"], []]);
});

test("nothing is read beyond the size of an earlier moment", () => {
  writeFileSync(file, "one\n");
  const upTo = statSize(file) ?? 0;
  appendFileSync(file, "two\n");
  expect(texts(read(undefined, { upTo }))).toEqual(["one"]);
});

test("a call stops at its limit of bytes and says that there is more", () => {
  const line = `${"x".repeat(999)}\n`;
  writeFileSync(file, line.repeat(2000));
  const calls = readAll(undefined, { maxBytes: 300_000 });
  expect(calls.length).toBeGreaterThan(2);
  expect(calls.flatMap(texts)).toHaveLength(2000);
});

test("a line longer than a call's limit of bytes is read nevertheless", () => {
  const long = "y".repeat(3_000_000);
  writeFileSync(file, `a\n${long}\nb\n`);
  expect(readAll(undefined, { maxBytes: 1000 }).flatMap(texts)).toEqual(["a", long, "b"]);
});

describe("a file that is not the one of the position", () => {
  test.for([
    ["cut short", () => truncateSync(file, 2)],
    ["emptied and written anew", () => writeFileSync(file, "c\n")],
    ["rewritten to something longer, in place", () => writeFileSync(file, "cccccccc\n")],
    [
      "replaced by another",
      () => {
        renameSync(file, `${file}.old`);
        writeFileSync(file, "a\nb\nc\n");
      },
    ],
  ] as const)("%s is read from its start", ([, change]) => {
    writeFileSync(file, "a\nb\n");
    const { position } = read(undefined);
    change();
    const result = read(position);
    expect(result.restarted).toBe(true);
    expect(texts(result)).toEqual(texts(read(undefined)));
    expect(read(result.position)).not.toHaveProperty("restarted");
  });
});

describe("a line over the limit", () => {
  const options = { maxLineBytes: 1000 };

  test.for([
    ["at the limit is read", `${"x".repeat(1000)}\nb\n`, 2, 0],
    ["above it is skipped", `${"x".repeat(1001)}\nb\n`, 1, 1],
    ["of several chunks is skipped", `a\n${"x".repeat(900_000)}\nb\n`, 2, 1],
    ["comes twice", `${"x".repeat(1001)}\n${"x".repeat(1001)}\nb\n`, 1, 2],
  ] as const)("%s", ([, content, lines, skippedLines]) => {
    writeFileSync(file, content);
    const result = read(undefined, options);
    expect(result).toMatchObject({
      skippedLines,
      more: false,
      position: { offset: content.length },
    });
    expect(result.lines).toHaveLength(lines);
    expect(texts(result).at(-1)).toBe("b");
  });

  test("that is still being written is passed bit by bit and counted once", () => {
    writeFileSync(file, `a\n${"x".repeat(2000)}`);
    const first = read(undefined, options);
    expect(first).toMatchObject({
      skippedLines: 1,
      more: false,
      position: { offset: 2002, skipping: true },
    });
    appendFileSync(file, "x".repeat(5000));
    const second = read(first.position, options);
    expect(second).toMatchObject({
      lines: [],
      skippedLines: 0,
      position: { offset: 7002, skipping: true },
    });
    appendFileSync(file, "x\nb\n");
    const third = read(second.position, options);
    expect(texts(third)).toEqual(["b"]);
    expect(third.position).toEqual({ offset: 7006, inode: first.position.inode });
  });

  test("is 8 MiB unless said otherwise", () => {
    writeFileSync(file, `${"x".repeat(8 * 1024 * 1024)}\n${"x".repeat(9 * 1024 * 1024)}\nb\n`);
    const calls = readAll(undefined, { maxBytes: 1_000_000 });
    expect(calls.flatMap(texts).map((text) => text.length)).toEqual([8 * 1024 * 1024, 1]);
    expect(calls.map((call) => call.skippedLines).reduce((a, b) => a + b)).toBe(1);
  });
});

test.for([
  ["is not there", () => {}, { status: "missing" }],
  ["lies below a file", () => writeFileSync(directory + "/transcript", ""), { status: "missing" }],
  ["is a directory", () => mkdirSync(file), { status: "refused", reason: "not_regular" }],
  ["is a FIFO", (): void => void execFileSync("mkfifo", [file]), { status: "refused", reason: "not_regular" }],
  ["is a link", () => symlinkSync("/etc/passwd", file), { status: "refused", reason: "not_regular" }],
  ["is a device", (): void => void (file = "/dev/null"), { status: "refused", reason: "not_regular" }],
  ["belongs to another user", foreignFile, { status: "refused", reason: "not_owned" }],
] as const)("a file that %s", ([situation, make, expected]) => {
  make();
  const path = situation === "lies below a file" ? join(directory, "transcript", "x.jsonl") : file;
  expect(readLines(path, undefined, { maxBytes: 1000 })).toEqual(expected);
});

test("a linked directory is followed", () => {
  writeFileSync(file, "a\n");
  const link = join(directory, "link");
  symlinkSync(directory, link);
  expect(readLines(join(link, "transcript.jsonl"), undefined, { maxBytes: 1000 })).toMatchObject({
    lines: [{ text: "a" }],
  });
});

test("the size of a file, and of none", () => {
  writeFileSync(file, "abc");
  expect([statSize(file), statSize(`${file}.none`)]).toEqual([3, undefined]);
});

test("however a file grows and in whatever portions it is read, the lines are the same", () => {
  const lines = fc.array(
    fc.string({ unit: "grapheme-composite", maxLength: 40 }).map((text) => text.replace(/[\r\n]/g, "_")),
    { maxLength: 20 },
  );
  const cuts = fc.array(fc.nat(600), { maxLength: 8 });
  fc.assert(
    fc.property(lines, cuts, fc.integer({ min: 1, max: 60 }), (expected, cutPoints, maxBytes) => {
      const content = Buffer.from(expected.map((line) => `${line}\n`).join(""));
      rmSync(file, { force: true });
      const bounds = [0, ...cutPoints.filter((cut) => cut < content.length).sort((a, b) => a - b), content.length];
      const found: string[] = [];
      let position: FilePosition | undefined;
      for (const [index, bound] of bounds.entries()) {
        appendFileSync(file, content.subarray(bounds[index - 1] ?? 0, bound));
        const calls = readAll(position, { maxBytes, maxLineBytes: 1_000_000 });
        found.push(...calls.flatMap(texts));
        position = calls.at(-1)?.position;
      }
      expect(found).toEqual(expected.filter((line) => line !== ""));
    }),
    { numRuns: 200 },
  );
});

type Read = Extract<ReadLines, { status: "read" }>;
type Options = { upTo?: number; maxBytes?: number; maxLineBytes?: number };

function read(position: FilePosition | undefined, options: Options = {}): Read {
  const result = readLines(file, position, { maxBytes: 64 * 1024 * 1024, ...options });
  if (result.status !== "read") throw new Error(`not read: ${JSON.stringify(result)}`);
  return result;
}

function readAll(position: FilePosition | undefined, options: Options): Read[] {
  const calls = [read(position, options)];
  for (let last = calls[0]; last?.more; last = calls.at(-1)) calls.push(read(last.position, options));
  return calls;
}

function texts(result: Read): string[] {
  return result.lines.map((line) => line.text);
}

/** Only root can give a file away; everybody else finds one of root's. */
function foreignFile(): void {
  if (process.getuid?.() !== 0) {
    file = "/etc/passwd";
    return;
  }
  writeFileSync(file, "a\n");
  chownSync(file, 65_534, 65_534);
}
