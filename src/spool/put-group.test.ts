import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { realDisk, type Disk } from "../store/disk.ts";
import { crashingDisk, failingDisk } from "../../test/support/faulty-disk.ts";
import { createMemoryDisk } from "../../test/support/memory-disk.ts";
import { tempState } from "../../test/support/temp-state.ts";
import { createGroups } from "./group.ts";
import { createGroupPut, type GroupPut } from "./put-group.ts";
import { createSpool } from "./spool.ts";

const SPOOL = "/spool";
const BOUNDS = { spoolBytes: 2 ** 29, payloadBytes: 2 ** 25, ageMs: 1e9 };

describe("putting", () => {
  test("what comes together shares two syncs, and ids sort as they were given", async () => {
    const disk = memory();
    let syncs = 0;
    const group = createGroupPut({ ...disk, fsyncAside: (fd) => ((syncs += 1), disk.fsyncAside(fd)) }, SPOOL);
    await putAll(group, 50);
    expect(syncs).toBe(2);
    expect(contentsOf(disk)).toEqual(numbers(50));
  });

  test("what comes while a group is synced is put by the next, and all of it arrives", async () => {
    const { spool } = tempState();
    const group = createGroupPut(realDisk, spool);
    const first = group.put(() => bytesOf(0));
    await new Promise(setImmediate);
    await Promise.all([first, putAll(group, 600)]);
    expect(contentsOf(realDisk, spool)).toHaveLength(601);
  });

  test.each([
    ["open", 0],
    ["open", 1],
    ["write", 0],
    ["fsync", 0],
    ["fsync", 1],
  ] as const)("a failed %s (%i) is told to all of its group, leaves nothing, and is over", async (call, at) => {
    const { spool } = tempState();
    const group = createGroupPut(failingDisk(realDisk, [call], "ENOSPC", at, 1), spool);
    const ends = await Promise.allSettled([0, 1, 2].map((n) => group.put(() => bytesOf(n))));
    expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(readdirSync(spool)).toEqual([]);
    await group.put(() => bytesOf(3));
    expect(contentsOf(realDisk, spool)).toEqual(["envelope 3"]);
  });

  test("what cannot be formatted fails alone", async () => {
    const { spool } = tempState();
    const group = createGroupPut(realDisk, spool);
    const bad = group.put(() => {
      throw new TypeError("no agent");
    });
    const ends = await Promise.allSettled([bad, group.put(() => bytesOf(1))]);
    expect(ends.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
  });
});

describe("in the spool", () => {
  test.each([
    ["no name survives that was not synced", () => false],
    ["all names survive", () => true],
  ])("all that was acknowledged outlives a power cut: %s", async (_, keepsNames) => {
    const disk = memory();
    await putAll(createGroupPut(disk, SPOOL), 20);
    disk.powerCut(keepsNames);
    expect(contentsOf(disk)).toEqual(numbers(20));
  });

  test("what a commit takes does not come again, and what it leaves stays, over a power cut", async () => {
    const disk = memory();
    await putAll(createGroupPut(disk, SPOOL), 10);
    const handled = namesOf(disk).slice(0, 4);
    const groups = createSpool(disk, SPOOL, BOUNDS).finishGroups(handled, []);
    expect(groups).toHaveLength(1);
    // Before the commit point all of it is there, and once.
    disk.powerCut(() => true);
    expect(contentsOf(disk)).toEqual(numbers(10));
    for (const name of groups) disk.unlink(join(SPOOL, name));
    syncNames(disk);
    disk.powerCut(() => false);
    expect(contentsOf(disk)).toEqual(numbers(10).slice(4));
  });

  test("what is to be moved becomes a file, and what is all taken does not", async () => {
    const disk = memory();
    const group = createGroupPut(disk, SPOOL);
    await putAll(group, 3);
    await putAll(group, 3);
    const names = namesOf(disk);
    const [poison = "", ...rest] = names;
    expect(createSpool(disk, SPOOL, BOUNDS).finishGroups(rest, [poison])).toHaveLength(2);
    expect(disk.names(SPOOL).filter((name) => name.endsWith(".evt"))).toEqual([poison]);
    expect(disk.read(join(SPOOL, poison)).toString()).toBe("envelope 0");
  });

  test("finishing can die at any call: nothing is lost and nothing is there twice", async () => {
    let hasCrashed = true;
    for (let at = 0; hasCrashed; at += 1) {
      for (const when of ["before", "after"] as const) {
        const disk = memory();
        await putAll(createGroupPut(disk, SPOOL), 3);
        const dying = crashingDisk(disk, at, when);
        const handled = namesOf(disk).slice(0, 1);
        try {
          createSpool(dying, SPOOL, BOUNDS).finishGroups(handled, []);
        } catch (error) {
          if (!dying.hasCrashed()) throw error;
        }
        disk.powerCut(() => at % 2 === 0);
        expect(contentsOf(disk)).toEqual(numbers(3));
        hasCrashed = dying.hasCrashed();
      }
    }
  });

  test("what is handled is not listed again, and a group that is gone is forgotten", async () => {
    const disk = memory();
    await putAll(createGroupPut(disk, SPOOL), 3);
    const spool = createSpool(disk, SPOOL, BOUNDS);
    const [first = "", second = "", third = ""] = spool.list().entries.map(({ name }) => name);
    expect(spool.list(new Set([first, third])).entries.map(({ name }) => name)).toEqual([second]);
    for (const name of spool.finishGroups([first, second, third], [])) disk.unlink(join(SPOOL, name));
    expect(spool.list().entries).toEqual([]);
    expect(spool.read({ name: first, mtimeNs: 0n, sizeBytes: 1 }, 0n)).toEqual({ status: "gone" });
  });
});

test("groups of which nothing is handled are no commit's business, nor are other envelopes", async () => {
  const disk = memory();
  const group = createGroupPut(disk, SPOOL);
  await putAll(group, 2);
  await putAll(group, 2);
  const spool = createSpool(disk, SPOOL, BOUNDS);
  expect(spool.finishGroups(["123.hook.evt"], [])).toEqual([]);
  const [first = "", second = ""] = namesOf(disk);
  expect(spool.finishGroups([first, second], [])).toEqual([`${first.slice(0, -8)}.grp`]);
});

test("what is left of a group becomes files of its age, in whose order it will be read again", async () => {
  const { spool } = tempState();
  await putAll(createGroupPut(realDisk, spool), 3);
  const group = join(spool, readdirSync(spool)[0] ?? "");
  realDisk.setTime(group, 1_700_000_000_123_456_000n);
  const before = createSpool(realDisk, spool, BOUNDS).list().entries;
  createSpool(realDisk, spool, BOUNDS).finishGroups([before[0]?.name ?? ""], []);
  const [, second] = createSpool(realDisk, spool, BOUNDS).list().entries;
  const laterNs = (second?.mtimeNs ?? 0n) - (before[0]?.mtimeNs ?? 0n);
  expect(laterNs >= 0n && laterNs <= 2000n).toBe(true);
});

test("drafts that a crash left of a group go with it", async () => {
  const disk = memory();
  const group = createGroupPut(disk, SPOOL);
  await putAll(group, 2);
  await putAll(group, 2);
  const [first = "", second = "", third = ""] = namesOf(disk);
  for (const name of [first, third]) disk.close(disk.open(join(SPOOL, `${name}.tmp`), "w"));
  const spool = createSpool(disk, SPOOL, BOUNDS);
  expect(spool.finishGroups([first, second], [])).toEqual([`${first.slice(0, -8)}.grp`, `${first}.tmp`]);
});

test("of a full spool, the lines that tell of the lengths count too, to the byte", async () => {
  const disk = memory();
  await putAll(createGroupPut(disk, SPOOL), 3);
  const spoolBytes = disk.names(SPOOL).reduce((sum, name) => sum + disk.facts(join(SPOOL, name)).sizeBytes, 0);
  const listing = createSpool(disk, SPOOL, BOUNDS).list();
  const drops = (bytes: number): number =>
    createSpool(disk, SPOOL, { ...BOUNDS, spoolBytes: bytes }).beyondBounds(listing, 0n).length;
  expect([drops(spoolBytes), drops(spoolBytes - 1), drops(0)]).toEqual([0, 1, 3]);
});

test("a backlog of groups is not held in memory: each is read to be listed, and again for its envelopes", async () => {
  const disk = memory();
  const group = createGroupPut(disk, SPOOL);
  for (let n = 0; n < 5; n += 1) await putAll(group, 4);
  let reads = 0;
  const spool = createSpool({ ...disk, read: (path) => ((reads += 1), disk.read(path)) }, SPOOL, BOUNDS);
  for (let n = 0; n < 3; n += 1) spool.list();
  expect(reads).toBe(5);
  for (const entry of spool.list().entries) spool.read(entry, 0n);
  // A name is looked for as a file first.
  expect(reads).toBe(5 + 20 + 5);
});

test.each([
  ["cut off", (id: Id) => `${id(0)} 1\na${id(1)} 9\nb`, ["000", "999"]],
  ["of nonsense", () => "../../x 1\na", ["999"]],
  ["with the name of another", (id: Id) => `${id(0).replace("00000000-", "11111111-")} 1\na`, ["999"]],
  ["with a length beyond it", (id: Id) => `${id(0)} 999999999999\na`, ["999"]],
  ["empty", () => "", ["999"]],
])("a group that is %s: what is whole is an envelope, and the rest one that is not", (_, text, names) => {
  const { spool } = tempState();
  const group = "00000000-0000-4000-8000-000000000000.000000001";
  const content = text((n) => `${group}.00${n}`);
  writeFileSync(join(spool, `${group}.grp`), content);
  const { entries } = createSpool(realDisk, spool, BOUNDS).list();
  expect(entries.map(({ name }) => name)).toEqual(names.map((name) => `${group}.${name}.evt`));
  expect(entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBe(content.length);
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  const last = entries.at(-1) ?? { name: "", mtimeNs: 0n, sizeBytes: 0 };
  const fresh = createSpool(realDisk, spool, BOUNDS);
  expect(fresh.read(last, nowNs).status).toBe("waiting");
  expect(fresh.read(last, nowNs + 601_000_000_000n).status).toBe("incomplete");
});

type Id = (n: number) => string;

function memory(): ReturnType<typeof createMemoryDisk> {
  const disk = createMemoryDisk();
  disk.makeDirectory(SPOOL);
  return disk;
}

async function putAll(group: GroupPut, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => group.put(() => bytesOf(n))));
}

function bytesOf(n: number): Buffer {
  return Buffer.from(`envelope ${n}`);
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `envelope ${n}`);
}

function namesOf(disk: Disk): string[] {
  return createSpool(disk, SPOOL, BOUNDS)
    .list()
    .entries.map(({ name }) => name)
    .toSorted();
}

/** What a reader of the spool gets: read as what it is not, an envelope, so that its bytes come back. */
function contentsOf(disk: Disk, spool = SPOOL): string[] {
  const files = new Set(disk.names(spool));
  const groups = createGroups(disk, spool);
  return createSpool(disk, spool, BOUNDS)
    .list()
    .entries.map(({ name }) => name)
    .toSorted()
    .map((name) => {
      const bytes = files.has(name) ? disk.read(join(spool, name)) : groups.read(name);
      return Buffer.from(bytes ?? []).toString();
    });
}

function syncNames(disk: Disk): void {
  const fd = disk.open(SPOOL, "r");
  disk.fsync(fd);
  disk.close(fd);
}
