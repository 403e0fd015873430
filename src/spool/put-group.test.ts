import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { realDisk } from "../store/disk.ts";
import { failingDisk } from "../../test/support/faulty-disk.ts";
import { createMemoryDisk } from "../../test/support/memory-disk.ts";
import { tempState } from "../../test/support/temp-state.ts";
import { createGroupPut } from "./put-group.ts";

const bytesOf = (n: number): Buffer => Buffer.from(`envelope ${n}`);

test("what was put survives a power cut, names too, and one sync of the names serves many", async () => {
  const disk = createMemoryDisk();
  disk.makeDirectory("/spool");
  let syncs = 0;
  const group = createGroupPut({ ...disk, fsyncAside: (fd) => ((syncs += 1), disk.fsyncAside(fd)) }, "/spool");
  await Promise.all(Array.from({ length: 50 }, (_, n) => group.put(`e${n}`, bytesOf(n))));
  disk.powerCut(() => false);
  expect(disk.names("/spool")).toHaveLength(50);
  expect(disk.read("/spool/e7.evt").toString()).toBe("envelope 7");
  expect(syncs).toBe(51);
});

test("what comes while a group is synced is put by the next, and all of it arrives", async () => {
  const { spool } = tempState();
  const group = createGroupPut(realDisk, spool);
  const first = group.put("first", bytesOf(0));
  await new Promise(setImmediate);
  const more = Array.from({ length: 600 }, (_, n) => group.put(`more${n}`, bytesOf(n)));
  await Promise.all([first, ...more]);
  expect(readdirSync(spool)).toHaveLength(601);
  expect(readFileSync(join(spool, "more599.evt"), "utf8")).toBe("envelope 599");
});

test.each(["write", "fsync"] as const)("a failed %s is told to its own client, and leaves nothing", async (call) => {
  const { spool } = tempState();
  const group = createGroupPut(failingDisk(realDisk, [call], "ENOSPC", 1, 1), spool);
  const ends = await Promise.allSettled([0, 1, 2].map((n) => group.put(`e${n}`, bytesOf(n))));
  expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(readdirSync(spool).sort()).toEqual(["e0.evt", "e2.evt"]);
});

test("names that cannot be synced fail the group, and the next one goes through", async () => {
  const { spool } = tempState();
  const group = createGroupPut(failingDisk(realDisk, ["fsync"], "EIO", 2, 1), spool);
  const ends = await Promise.allSettled([0, 1].map((n) => group.put(`e${n}`, bytesOf(n))));
  expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(readdirSync(spool)).toEqual([]);
  await group.put("again", bytesOf(2));
  expect(readdirSync(spool)).toEqual(["again.evt"]);
});

test("a name that is taken is refused, and what lies there stays", async () => {
  const { spool } = tempState();
  const group = createGroupPut(realDisk, spool);
  await group.put("one", bytesOf(1));
  await expect(group.put("one", bytesOf(2))).rejects.toMatchObject({ code: "EEXIST" });
  expect(readFileSync(join(spool, "one.evt"), "utf8")).toBe("envelope 1");
});
