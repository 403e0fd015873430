/**
 * Reads a transcript that another program appends to, call by call, in constant memory.
 *
 * - The position moves past whole lines only; a last line without its newline is half-written and stays for the next call.
 * - A line beyond the limit is dropped as it is met, even half-written: the position then stands inside it, `skipping`.
 * - A file that is not the one the position was taken from (another inode, shorter, or rewritten so that no line ends at the
 *   position) is read again from its start. What was counted before is told apart by who counts, not here.
 */
import { closeSync, readSync, statSync } from "node:fs";

import type { TranscriptPosition } from "../event/event.ts";
import { openRegularFile, type Refusal } from "./regular-file.ts";

export type ReadOptions = {
  /** Nothing is read beyond this size, usually the file's size at an earlier moment. */
  upTo?: number;
  /** A call stops after about so many bytes, but not before its first line is whole. */
  maxBytes: number;
  maxLineBytes?: number;
};

/** `endOffset` is where the next line begins: the position of a caller that stops after this line. */
export type Line = { text: string; endOffset: number };

export type FilePosition = Omit<TranscriptPosition, "decoder">;

export type ReadLines =
  | {
      status: "read";
      /** In order, without their line ends; empty lines are left out. Bytes that are not UTF-8 are U+FFFD. */
      lines: Line[];
      position: FilePosition;
      /** Another call would read on at once. */
      more: boolean;
      /** Lines found to be too long by this call; each is counted once, however many calls it takes to pass it. */
      skippedLines: number;
      /** The file was not the one of the position, and was read from its start. */
      restarted?: true;
    }
  | { status: "missing" }
  | { status: "refused"; reason: Refusal };

const MAX_LINE_BYTES = 8 * 1024 * 1024;

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** Reads on from `position`, or from the start. Throws only where an opened file cannot be read (a failing disk). */
export function readLines(file: string, position: FilePosition | undefined, options: ReadOptions): ReadLines {
  const opened = openRegularFile(file, { ownOnly: true, followLinks: false });
  if (opened.status !== "opened") return opened;
  const { fd, stats } = opened;
  try {
    const restarted = position !== undefined && !continues(fd, stats, position);
    const start = restarted || position === undefined ? { offset: 0, inode: stats.ino } : position;
    const scan = scanLines(fd, start, Math.min(stats.size, options.upTo ?? stats.size), options);
    return { status: "read", ...scan, ...(restarted && { restarted }) };
  } finally {
    closeSync(fd);
  }
}

/** The file's size in bytes now, or undefined where there is no such file. */
export function statSize(file: string): number | undefined {
  try {
    return statSync(file).size;
  } catch {
    return undefined;
  }
}

function continues(fd: number, stats: { ino: number; size: number }, position: FilePosition): boolean {
  if (position.inode !== stats.ino || position.offset > stats.size) return false;
  if (position.offset === 0 || position.skipping) return true;
  const before = Buffer.alloc(1);
  readSync(fd, before, 0, 1, position.offset - 1);
  return before[0] === NEWLINE;
}

type Scan = { lines: Line[]; position: FilePosition; more: boolean; skippedLines: number };

function scanLines(fd: number, start: FilePosition, limit: number, options: ReadOptions): Scan {
  const maxLineBytes = options.maxLineBytes ?? MAX_LINE_BYTES;
  const lines: Line[] = [];
  const line = createLine();
  let skipping = start.skipping === true;
  let skippedLines = 0;
  // Everything before `at` has been read; everything before `done` is dealt with and never read again.
  let at = start.offset;
  let done = start.offset;

  while (at < limit && (at - start.offset < options.maxBytes || (done === start.offset && !skipping))) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, limit - at));
    const length = readSync(fd, chunk, 0, chunk.length, at);
    if (length === 0) break;
    let from = 0;
    while (from < length) {
      const newline = chunk.subarray(0, length).indexOf(NEWLINE, from);
      const to = newline === -1 ? length : newline;
      if (!skipping && line.size() + to - from > maxLineBytes) {
        skipping = true;
        skippedLines++;
        line.clear();
      }
      if (!skipping) line.add(chunk.subarray(from, to));
      from = newline === -1 ? length : newline + 1;
      if (newline !== -1 || skipping) done = at + from;
      if (newline === -1) continue;
      const text = line.take();
      if (!skipping && text !== "") lines.push({ text, endOffset: done });
      skipping = false;
    }
    at += length;
  }
  const position: FilePosition = { offset: done, inode: start.inode };
  if (skipping) position.skipping = true;
  // What lies between `done` and `at` is half a line, unless the loop stopped for `maxBytes`.
  return { lines, position, more: at < limit, skippedLines };
}

/** The line being read, kept as bytes until it is whole: a character may lie across two chunks. */
function createLine() {
  let parts: Buffer[] = [];
  let bytes = 0;
  function clear(): void {
    parts = [];
    bytes = 0;
  }
  return {
    clear,
    size: () => bytes,
    add(part: Buffer): void {
      parts.push(part);
      bytes += part.length;
    },
    take(): string {
      const only = parts.length === 1 ? parts[0] : undefined;
      const text = (only ?? Buffer.concat(parts)).toString("utf8");
      clear();
      return text.endsWith("\r") ? text.slice(0, -1) : text;
    },
  };
}
