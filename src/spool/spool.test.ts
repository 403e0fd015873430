import { mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { tempState } from "../../test/support/temp-state.ts";
import { formatEnvelope } from "../event/envelope.ts";
import { realDisk } from "../store/disk.ts";
import { putEnvelope } from "./put.ts";
import { createSpool } from "./spool.ts";

const BOUNDS = { spoolBytes: 1e6, payloadBytes: 1e6, ageMs: 14 * 86_400_000 };
const NOW_S = 1_795_196_713;
const NOW_NS = BigInt(NOW_S) * 1_000_000_000n;

test("what is put is listed and read as it was", () => {
  const { directory, spool } = setUp();
  putEnvelope(realDisk, directory, "a-1", envelope("a-1", '{"x":1}\nend=a-1\n'));
  const [entry] = spool.list().entries;
  expect(entry).toMatchObject({ name: "a-1.evt" });
  const read = entry && spool.read(entry, NOW_NS);
  expect(read?.status === "whole" && Buffer.from(read.envelope.payload).toString()).toBe('{"x":1}\nend=a-1\n');
  expect(realDisk.facts(join(directory, "a-1.evt")).mode).toBe(0o600);
  expect(() => putEnvelope(realDisk, directory, "a-1", Buffer.from(""))).toThrow("EEXIST");
});

test("entries are in order of time, then of name", () => {
  const { directory, spool, write } = setUp();
  write("c.evt", "x", NOW_S - 3);
  write("b.evt", "x", NOW_S - 2);
  write("a.evt", "x", NOW_S - 2);
  write("d.evt", "x", NOW_S - 4);
  expect(spool.list().entries.map(({ name }) => name)).toEqual(["d.evt", "c.evt", "a.evt", "b.evt"]);
  expect(realDisk.names(directory)).toHaveLength(4);
});

test("what is no envelope file is reported and never opened", () => {
  const { directory, spool } = setUp();
  mkdirSync(join(directory, "folder.evt"));
  symlinkSync("/etc/passwd", join(directory, "link.evt"));
  for (const name of ["a.evt.tmp", "ä.evt", ".evt "]) writeFileSync(join(directory, name), "");
  expect(spool.list().entries).toEqual([]);
  expect(spool.list().foreign.sort()).toEqual([".evt ", "a.evt.tmp", "folder.evt", "link.evt", "ä.evt"]);
});

test.each([
  ["half written, young", "v=1\nid=a\nagent=x\n\n{", 599, "waiting"],
  ["half written, ten minutes old", "v=1\nid=a\nagent=x\n\n{", 601, "incomplete"],
  ["empty, young", "", 0, "waiting"],
  ["of a time to come", "", -1000, "waiting"],
  ["of another version", "v=2\nid=a\n\n\nend=a\n", 0, "malformed"],
])("an envelope that is %s", (_, text, ageS, status) => {
  const { spool, write } = setUp();
  write("a.evt", text, NOW_S - ageS);
  expect(spool.list().entries.map((entry) => spool.read(entry, NOW_NS).status)).toEqual([status]);
});

test("names that a commit will take away are not looked at", () => {
  const { directory, write } = setUp();
  write("a.evt", "x", NOW_S);
  write("b.evt", "x", NOW_S);
  const seen: string[] = [];
  const disk = { ...realDisk, facts: (path: string) => (seen.push(path), realDisk.facts(path)) };
  const listing = createSpool(disk, directory, BOUNDS).list(new Set(["a.evt"]));
  expect(listing.entries.map(({ name }) => name)).toEqual(["b.evt"]);
  expect(seen).toEqual([join(directory, "b.evt")]);
});

test("a payload beyond its bound is not read", () => {
  const { directory, spool, write } = setUp();
  write("a.evt", "", NOW_S);
  truncateSync(join(directory, "a.evt"), 1e6 + 66 * 1024);
  expect(spool.list().entries.map((entry) => spool.read(entry, NOW_NS).status)).toEqual(["too_large"]);
});

test("a file that went away meanwhile", () => {
  const { spool } = setUp();
  expect(spool.read({ name: "a.evt", mtimeNs: 0n, sizeBytes: 1 }, NOW_NS)).toEqual({ status: "gone" });
});

test.each([
  ["within", 1e6, 1, []],
  ["too many bytes: the oldest", 25, 1, ["a.evt spool_full"]],
  ["no room at all", 5, 1, ["a.evt spool_full", "b.evt spool_full", "c.evt spool_full"]],
  ["too old", 1e6, 14 * 86_400, ["a.evt spool_old", "b.evt spool_old"]],
])("bounds: %s", (_, spoolBytes, ageS, expected) => {
  const { directory, write } = setUp();
  for (const [i, name] of ["a", "b", "c"].entries()) write(`${name}.evt`, "0123456789", NOW_S - ageS - 2 + i);
  const spool = createSpool(realDisk, directory, { ...BOUNDS, spoolBytes });
  const drops = spool.beyondBounds(spool.list(), NOW_NS);
  expect(drops.map(({ name, reason }) => `${name} ${reason}`)).toEqual(expected);
});

function setUp() {
  const { spool: directory } = tempState();
  const write = (name: string, text: string, atS: number): void => {
    writeFileSync(join(directory, name), text);
    utimesSync(join(directory, name), atS, atS);
  };
  return { directory, spool: createSpool(realDisk, directory, BOUNDS), write };
}

function envelope(id: string, payload: string): Uint8Array {
  return formatEnvelope({ id, agent: "codex", env: {}, payload: Buffer.from(payload) });
}
