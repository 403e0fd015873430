import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { Crash, crashingDisk, failingDisk } from "../../test/support/faulty-disk.ts";
import { createMemoryDisk } from "../../test/support/memory-disk.ts";
import { tempState } from "../../test/support/temp-state.ts";
import { accounts, createLedger, fillSpool, runStandIn } from "../../test/support/stand-in-bridge.ts";
import type { Series } from "../metric/totals.ts";
import type { Changes } from "./commit-record.ts";
import { createCommit } from "./commit.ts";
import { realDisk } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { createQuarantine } from "./quarantine.ts";
import { createStateDirectory } from "./state-directory.ts";
import type { StateDirectory } from "./state-directory.ts";

const HOME = "/state";
const SERIES: Series = { metric: "hookspan.run.count", agent: "codex", attributes: {}, value: 1 };
const NOTHING: Changes = { sessions: [], series: [], held: [], release: [], envelopes: [], quarantine: [] };

const undisturbed = (() => {
  const disk = createMemoryDisk();
  const ledger = createLedger();
  fillSpool(disk, HOME);
  runStandIn(disk, HOME, ledger);
  return accounts(disk, HOME, ledger);
})();

describe("a run that is cut short and run again ends like an undisturbed one", () => {
  test.each(["before", "after"] as const)("killed %s any one call to the disk", (when) => {
    let crashes = 0;
    for (let at = 0; ; at += 1) {
      const disk = createMemoryDisk();
      const ledger = createLedger();
      fillSpool(disk, HOME);
      if (!diesAt(disk, ledger, at, when)) break;
      crashes += 1;
      runStandIn(disk, HOME, ledger);
      expect(accounts(disk, HOME, ledger), `killed ${when} call ${at}`).toEqual(undisturbed);
    }
    expect(crashes).toBeGreaterThan(150);
  });

  test("killed again and again, on the way up too", () => {
    const deaths = fc.array(fc.tuple(fc.nat(150), fc.constantFrom("before" as const, "after" as const)), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(deaths, (points) => {
        const disk = createMemoryDisk();
        const ledger = createLedger();
        fillSpool(disk, HOME);
        for (const [at, when] of points) diesAt(disk, ledger, at, when);
        runStandIn(disk, HOME, ledger);
        expect(accounts(disk, HOME, ledger)).toEqual(undisturbed);
      }),
      { numRuns: 200 },
    );
  });

  // What one rename joins reaches a disk together.
  const groups = [
    ["/state"],
    ["/state/sessions"],
    ["/state/spool", "/state/quarantine"],
    ["/state/held", "/state/outbox"],
  ];

  test.each([
    ["no name since the last sync", []],
    ["every name", groups.flat()],
    ...groups.map((group): [string, string[]] => [`the names in ${group.join(" and ")}`, group]),
  ])("power lost after any one call, when %s had reached the disk", (_, kept) => {
    for (let at = 0, died = true; died; at += 1) {
      const disk = createMemoryDisk();
      const ledger = createLedger();
      fillSpool(disk, HOME);
      died = diesAt(disk, ledger, at, "after");
      disk.powerCut((directory) => kept.includes(directory));
      runStandIn(disk, HOME, ledger);
      expect(accounts(disk, HOME, ledger), `cut at call ${at}`).toEqual(undisturbed);
    }
  });

  test("killed now and then on the real disk", () => {
    for (let at = 0; at < 300; at += 13) {
      const { home } = tempState();
      const ledger = createLedger();
      fillSpool(realDisk, home);
      diesAt(realDisk, ledger, at, "after", home);
      runStandIn(realDisk, home, ledger);
      expect(accounts(realDisk, home, ledger), `killed at call ${at}`).toEqual(undisturbed);
    }
  });
});

test.each([1, 3])("a disk that is full for %i calls, from any call on, only delays", (times) => {
  for (let at = 0; at < 300; at += 1) {
    const disk = createMemoryDisk();
    const ledger = createLedger();
    fillSpool(disk, HOME);
    runStandIn(failingDisk(disk, ["open", "write", "fsync", "rename"], "ENOSPC", at, times), HOME, ledger);
    expect(accounts(disk, HOME, ledger), `full from call ${at}`).toEqual(undisturbed);
  }
});

describe("commit", () => {
  test("before the first look and until the record is gone, it is pending", () => {
    const { disk, directory, names } = memoryState();
    const calls = failingDisk(disk, ["write"], "ENOSPC", 1, 2);
    const commit = commitOn(calls, directory);
    expect(commit.isPending()).toBe(true);
    expect(() => commit.commit(NOTHING)).toThrow("pending");
    expect(commit.applyPending()).toEqual({ status: "applied" });
    expect(commit.isPending()).toBe(false);

    expect(commit.commit({ ...NOTHING, series: [["k", SERIES]] }).status).toBe("pending");
    expect(commit.isPending()).toBe(true);
    expect(names()).toContain("commit.json");
    expect(() => commit.commit(NOTHING)).toThrow("pending");
    expect(commit.applyPending().status).toBe("pending");
    expect(commit.applyPending()).toEqual({ status: "applied" });
    expect(commit.isPending()).toBe(false);
    expect(names()).not.toContain("commit.json");
  });

  test("changes that say nothing write nothing", () => {
    const { disk, directory, names } = memoryState();
    const commit = commitOn(disk, directory);
    commit.applyPending();
    expect(commit.commit(NOTHING)).toEqual({ status: "applied" });
    expect(names()).toEqual([]);
  });

  test.each([
    ["no JSON", "{torn", "corrupt"],
    ["a path that leads out", JSON.stringify({ ...recordWith({ removes: ["spool/../../etc"] }) }), "corrupt"],
    ["a name of two dots", JSON.stringify({ ...recordWith({ removes: ["spool/.."] }) }), "corrupt"],
    ["a newer version", JSON.stringify({ v: 2 }), "newer"],
  ])("a record left behind that is %s", (_, text, status) => {
    const { disk, directory, put, names } = memoryState();
    put("commit.json", text);
    const commit = commitOn(disk, directory);
    expect(commit.applyPending().status).toBe(status);
    expect(commit.isPending()).toBe(status === "newer");
    expect(names().includes("commit.json")).toBe(status === "newer");
    expect(disk.names(directory.quarantine)).toEqual(status === "newer" ? [] : ["commit.corrupt-commit.evt"]);
  });

  test("a newer totals file is never written over", () => {
    const { disk, directory, put } = memoryState();
    put("totals.json", JSON.stringify({ v: 2 }));
    const commit = commitOn(disk, directory);
    commit.applyPending();
    expect(commit.commit({ ...NOTHING, series: [["k", SERIES]] }).status).toBe("pending");
    expect(disk.read(directory.totals).toString()).toBe('{"v":2}');
  });
});

/** Runs until the disk dies; false if the run ended before that. */
function diesAt(
  inner: Disk,
  ledger: ReturnType<typeof createLedger>,
  at: number,
  when: "before" | "after",
  home = HOME,
): boolean {
  const disk = crashingDisk(inner, at, when);
  try {
    runStandIn(disk, home, ledger);
  } catch (error) {
    if (!disk.hasCrashed() || !isCrash(error)) throw error;
  }
  return disk.hasCrashed();
}

function isCrash(error: unknown): boolean {
  return error instanceof Crash || (error instanceof Error && isCrash(error.cause));
}

function memoryState() {
  const disk = createMemoryDisk();
  const directory = createStateDirectory(disk, HOME);
  const put = (name: string, text: string): void => {
    const fd = disk.open(`${HOME}/${name}`, "w");
    disk.write(fd, Buffer.from(text));
    disk.close(fd);
  };
  return { disk, directory, put, names: () => disk.names(HOME) };
}

function commitOn(disk: Disk, directory: StateDirectory) {
  const quarantine = createQuarantine(disk, directory.quarantine, { quarantineBytes: 1e6, ageMs: 1e9 });
  return createCommit({ disk, quarantine }, directory);
}

function recordWith(parts: { removes: string[] }) {
  return { v: 1, seq: 1, writes: [], series: [], moves: [], ...parts };
}
