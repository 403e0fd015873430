import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { tempState } from "../../test/support/temp-state.ts";
import { realDisk } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { createLease } from "./lease.ts";
import { acquireLock } from "./lock.ts";
import type { LockResult } from "./lock.ts";
import { ownIdentity } from "./process-identity.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import type { StateDirectory } from "./state-directory.ts";

const self = ownIdentity();
const HOUR_AGO_S = Date.now() / 1000 - 3600;

test("a held lock is busy until it is released", () => {
  const directory = tempState();
  const first = take(directory);
  expect(acquireLock(realDisk, directory, self)).toEqual({ status: "busy", owner: self });
  expect(first.isOurs()).toBe(true);
  first.release();
  const second = take(directory);
  expect(second.isOurs()).toBe(true);
  expect(first.isOurs()).toBe(false);
  // A late release by who lost the lock takes nothing from the new holder.
  first.release();
  expect(acquireLock(realDisk, directory, self).status).toBe("busy");
  expect(lockFiles(directory)).toEqual(["lock.2"]);
});

test.each<[string, Partial<ProcessIdentity> & { released?: boolean }, "taken" | "busy"]>([
  ["this very process", {}, "busy"],
  ["a recycled pid: alive, but started at another time", { startedAt: "1" }, "taken"],
  ["a process that is gone", { pid: 2 ** 22 + 1 }, "taken"],
  ["a living process that released it", { released: true }, "taken"],
  ["a process of another host", { host: "elsewhere", startedAt: "1" }, "taken"],
  ["a process of another boot or container of the same name", { space: "other", startedAt: "1" }, "taken"],
])("a lock an hour old, of %s", (_, owner, expected) => {
  const directory = tempState();
  writeOwner(directory, 7, owner, HOUR_AGO_S);
  expect(acquireLock(realDisk, directory, self).status).toBe(expected === "taken" ? "held" : "busy");
  expect(lockFiles(directory)).toEqual([expected === "taken" ? "lock.8" : "lock.7"]);
});

test.each([
  ["has a lease that runs", true, HOUR_AGO_S],
  ["took the lock a moment ago and has no lease yet", false, Date.now() / 1000],
])("an owner on another host that %s is alive", (_, leased, lockedAtS) => {
  const directory = tempState();
  writeOwner(directory, 1, { host: "elsewhere" }, lockedAtS);
  if (leased) createLease(realDisk, directory.lease, { pid: 1, host: "elsewhere" }).refresh();
  expect(acquireLock(realDisk, directory, self).status).toBe("busy");
});

test("an owner on another host whose lease has run out is not", () => {
  const directory = tempState();
  writeOwner(directory, 1, { host: "elsewhere" }, HOUR_AGO_S);
  writeFileSync(directory.lease, "1\nelsewhere\n");
  utimesSync(directory.lease, HOUR_AGO_S, HOUR_AGO_S);
  expect(acquireLock(realDisk, directory, self).status).toBe("held");
});

test("a record that cannot be read has no owner", () => {
  const directory = tempState();
  writeFileSync(join(directory.home, "lock.3"), "");
  expect(acquireLock(realDisk, directory, self).status).toBe("held");
});

test.each([1, 2])(
  "who was held up while the lock changed hands %i times, and links into the gap, does not get it",
  (hands) => {
    const directory = tempState();
    let others: Extract<LockResult, { status: "held" }> | undefined;
    const heldUp: Disk = {
      ...realDisk,
      link(existing, created) {
        if (others === undefined) {
          for (let i = 0; i < hands; i += 1) take(directory).release();
          others = take(directory);
        }
        realDisk.link(existing, created);
      },
    };
    expect(acquireLock(heldUp, directory, self)).toEqual({ status: "busy", owner: self });
    expect(others?.isOurs()).toBe(true);
  },
);

test("no draft stays, and old ones of the dead go", () => {
  const directory = tempState();
  for (const [name, atS] of [
    ["lock-1-dead.tmp", HOUR_AGO_S],
    ["lock-1-live.tmp", Date.now() / 1000],
  ] as const) {
    writeFileSync(join(directory.home, name), "");
    utimesSync(join(directory.home, name), atS, atS);
  }
  take(directory);
  acquireLock(realDisk, directory, self);
  expect(realDisk.names(directory.home).filter((name) => name.includes("tmp"))).toEqual(["lock-1-live.tmp"]);
});

test("a file system without hard links is named as the reason", () => {
  const directory = tempState();
  const disk: Disk = {
    ...realDisk,
    link() {
      throw Object.assign(new Error("no"), { code: "EPERM" });
    },
  };
  expect(() => acquireLock(disk, directory, self)).toThrow(
    "EPERM; the state directory must be on a file system with hard links",
  );
});

function take(directory: StateDirectory): Extract<LockResult, { status: "held" }> {
  const result = acquireLock(realDisk, directory, self);
  if (result.status !== "held") throw new Error("expected the lock to be free");
  return result;
}

function writeOwner(directory: StateDirectory, generation: number, owner: object, atS: number): void {
  const path = join(directory.home, `lock.${generation}`);
  writeFileSync(path, JSON.stringify({ v: 1, ...self, released: false, ...owner }));
  utimesSync(path, atS, atS);
}

function lockFiles(directory: StateDirectory): string[] {
  return realDisk.names(directory.home).filter((name) => name.startsWith("lock."));
}
