import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { failingDisk } from "../../test/support/faulty-disk.ts";
import { tempState } from "../../test/support/temp-state.ts";
import { realDisk } from "../store/disk.ts";
import { putEnvelopeAside } from "./put-aside.ts";

const BYTES = Buffer.from("an envelope");

test("an envelope lies in the spool under its id, once", async () => {
  const { spool } = tempState();
  await putEnvelopeAside(realDisk, spool, "a", BYTES);
  await expect(putEnvelopeAside(realDisk, spool, "a", Buffer.from("another"))).rejects.toMatchObject({
    code: "EEXIST",
  });
  expect(readdirSync(spool)).toEqual(["a.evt"]);
  expect(readFileSync(join(spool, "a.evt"))).toEqual(BYTES);
});

test("the file and then its name are synced before it resolves", async () => {
  const { spool } = tempState();
  const calls: string[] = [];
  const opened = new Map<number, string>();
  const disk: typeof realDisk = {
    ...realDisk,
    open: (path, flags) => {
      const fd = realDisk.open(path, flags);
      opened.set(fd, path);
      return fd;
    },
    fsyncAside: async (fd) => {
      await realDisk.fsyncAside(fd);
      calls.push(opened.get(fd) ?? "");
    },
  };
  await putEnvelopeAside(disk, spool, "a", BYTES);
  expect(calls).toEqual([join(spool, "a.evt"), spool]);
});

test.each([
  ["write", failingDisk(realDisk, ["write"], "EIO", 0, 1)],
  ["sync", { ...realDisk, fsyncAside: async () => Promise.reject(Object.assign(new Error("EIO"), { code: "EIO" })) }],
])("a disk that does not %s leaves nothing behind", async (_, disk) => {
  const { spool } = tempState();
  await expect(putEnvelopeAside(disk, spool, "a", BYTES)).rejects.toMatchObject({ code: "EIO" });
  expect(readdirSync(spool)).toEqual([]);
});
