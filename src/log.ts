import { appendFileSync, renameSync, statSync, writeSync } from "node:fs";

export type LogLevel = "error" | "warn" | "info" | "debug";
export type LogFields = Record<string, string | number | bigint | boolean | undefined>;

/** Each method writes one line and never throws: a log that fails must not take its program down. */
export type Log = Record<LogLevel, (message: string, fields?: LogFields) => void> & {
  /** Writes how often held-back entries were repeated; to be called before the process ends. */
  flush: () => void;
};

export type LogOptions = {
  level: LogLevel;
  /** A file in a directory that exists. At 1 MiB it becomes `<file>.1`, in the place of the one before. */
  file?: string;
  stream?: "stderr";
  /** Milliseconds since the epoch. */
  clock?: () => number;
};

const MAX_FILE_BYTES = 1024 * 1024;
const MAX_VALUE_LENGTH = 300;
const REPEAT_WINDOW_MS = 60_000;
const MAX_REMEMBERED = 100;
const SEVERITY = { error: 0, warn: 1, info: 2, debug: 3 };

/**
 * Logs lines such as `2026-11-21T03:04:05.678Z warn cannot reach the Collector attempt=3`. The same message again within a
 * minute is only counted, and the count written afterwards. Values are cut at 300 characters, so that a payload that slips
 * in does no harm. The variable part of an entry belongs into its fields, not into its message.
 */
export function createLog(options: LogOptions): Log {
  const clock = options.clock ?? Date.now;
  const sinks = [
    ...(options.file === undefined ? [] : [createFileSink(options.file)]),
    ...(options.stream === undefined ? [] : [writeToStderr]),
  ];
  const repeats = new Map<string, { level: LogLevel; message: string; sinceMs: number; count: number }>();

  function write(level: LogLevel, message: string, fields: LogFields): void {
    const line = lineOf(clock(), level, message, fields);
    for (const sink of sinks) attempt(() => sink(line));
  }

  function writeRepeats(isDue: (sinceMs: number) => boolean): void {
    for (const [key, repeat] of repeats) {
      if (!isDue(repeat.sinceMs)) continue;
      repeats.delete(key);
      if (repeat.count > 0) write(repeat.level, `${repeat.message} (repeated ${repeat.count} times)`, {});
    }
  }

  function log(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (SEVERITY[level] > SEVERITY[options.level]) return;
    const nowMs = clock();
    writeRepeats((sinceMs) => nowMs - sinceMs >= REPEAT_WINDOW_MS || nowMs < sinceMs);
    const repeat = repeats.get(`${level} ${message}`);
    if (repeat !== undefined) {
      repeat.count++;
      return;
    }
    if (repeats.size >= MAX_REMEMBERED) writeRepeats(() => true);
    repeats.set(`${level} ${message}`, { level, message, sinceMs: nowMs, count: 0 });
    write(level, message, fields);
  }

  return {
    error: (message, fields) => log("error", message, fields),
    warn: (message, fields) => log("warn", message, fields),
    info: (message, fields) => log("info", message, fields),
    debug: (message, fields) => log("debug", message, fields),
    flush: () => writeRepeats(() => true),
  };
}

function lineOf(atMs: number, level: LogLevel, message: string, fields: LogFields): string {
  const pairs = Object.entries(fields).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${valueOf(String(value))}`],
  );
  return `${[new Date(atMs).toISOString(), level, oneLine(message), ...pairs].join(" ")}\n`;
}

function valueOf(value: string): string {
  const short = value.length > MAX_VALUE_LENGTH ? `${value.slice(0, MAX_VALUE_LENGTH)}…` : value;
  return /^[^\s"=\p{Cc}]+$/u.test(short) ? short : oneLine(JSON.stringify(short));
}

/** Control characters could end the line or steer a terminal. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}

function createFileSink(file: string): (line: string) => void {
  let bytes: number | undefined;
  return (line) => {
    const length = Buffer.byteLength(line);
    bytes ??= sizeOf(file);
    if (bytes > 0 && bytes + length > MAX_FILE_BYTES) {
      renameSync(file, `${file}.1`);
      bytes = 0;
    }
    appendFileSync(file, line, { mode: 0o600 });
    bytes += length;
  };
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Synchronous, for a closed pipe then is an exception here and no event that ends the process. */
function writeToStderr(line: string): void {
  writeSync(2, line);
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // Nowhere is left to tell it.
  }
}
