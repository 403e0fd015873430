/** A copy of a state directory, to be worked on while a bridge may be at work in the original. */

import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";

import { formatEnvelope, parseEnvelope } from "../event/envelope.ts";
import { ifPresent, realDisk } from "../store/disk.ts";

/** What decides what will be sent. Nothing that says whose the directory is: lock, lease, log. */
const FILES = ["totals.json", "index.json", "commit.json", "instance-id"];
const DIRECTORIES = ["spool", "sessions", "held", "outbox"];

/** Enough for a bridge that commits several times a second. */
const ATTEMPTS = 20;

/**
 * Copies the state in `from` to `to`, which is made. A bridge that commits meanwhile would leave a copy of two halves, so all
 * is copied again until nothing has changed under it. Copies nothing where there is no state. Throws if the original never
 * rests, or the disk has no room.
 */
export function copyState(from: string, to: string): void {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const before = filesOf(from);
    rmSync(to, { recursive: true, force: true });
    for (const file of before) copyFile(from, to, file);
    if (isDeepStrictEqual(filesOf(from), before)) return;
  }
  throw new Error(`${from} changes faster than it can be copied; try again in a moment`);
}

type File = { name: string; sizeBytes: number; mtimeNs: bigint; ctimeNs: bigint };

/** Files are replaced or removed, never written in place, but for envelopes that are still being written. */
function filesOf(home: string): File[] {
  const inDirectories = DIRECTORIES.flatMap((directory) =>
    (ifPresent(() => readdirSync(join(home, directory))) ?? []).map((name) => join(directory, name)),
  );
  return [...FILES, ...inDirectories].flatMap((name) => {
    const facts = ifPresent(() => realDisk.facts(join(home, name)));
    if (facts?.kind !== "file") return [];
    const { sizeBytes, mtimeNs, ctimeNs } = facts;
    return [{ name, sizeBytes, mtimeNs, ctimeNs }];
  });
}

/**
 * An envelope may owe its time to that of its file, which a copy keeps only to a few microseconds; ids of spans are made of times.
 * So the copy says its time itself.
 */
function copyFile(from: string, to: string, { name, mtimeNs }: File): void {
  const copy = join(to, name);
  mkdirSync(dirname(copy), { recursive: true, mode: 0o700 });
  ifPresent(() => {
    const bytes = realDisk.read(join(from, name));
    const parsed = name.endsWith(".evt") ? parseEnvelope(bytes, mtimeNs) : undefined;
    writeFileSync(copy, parsed?.status === "whole" ? formatEnvelope(parsed.envelope) : bytes);
    // A time in seconds as a double is off by a quarter of a microsecond, and is cut to whole ones.
    realDisk.setTime(copy, mtimeNs + 2000n);
  });
}
