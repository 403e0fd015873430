import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { realDisk, type Disk } from "../store/disk.ts";
import { Crash, crashingDisk, failingDisk } from "../../test/support/faulty-disk.ts";
import { createMemoryDisk } from "../../test/support/memory-disk.ts";
import { tempState } from "../../test/support/temp-state.ts";
import { createGroups, groupOf } from "./group.ts";
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
          if (!(error instanceof Crash)) throw error;
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

test("a group whose tail is cut off gives what is whole, and one of nonsense nothing", () => {
  const { spool } = tempState();
  const life = `${"0".repeat(8)}-0000-4000-8000-${"0".repeat(12)}`;
  const id = (n: number): string => `${life}.000000001.00${n}`;
  writeFileSync(join(spool, `${life}.000000001.grp`), `${id(0)} 1\na${id(1)} 9\nb`);
  writeFileSync(join(spool, `${life}.000000002.grp`), "../../x 1\na");
  writeFileSync(join(spool, `${life}.000000003.grp`), "");
  expect(
    createSpool(realDisk, spool, BOUNDS)
      .list()
      .entries.map(({ name }) => name),
  ).toEqual([`${id(0)}.evt`]);
});

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
      const bytes = files.has(name) ? disk.read(join(spool, name)) : groups.membersOf(groupOf(name) ?? "").get(name);
      return Buffer.from(bytes ?? []).toString();
    });
}

function syncNames(disk: Disk): void {
  const fd = disk.open(SPOOL, "r");
  disk.fsync(fd);
  disk.close(fd);
}
