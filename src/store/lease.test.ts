import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { tempState } from "../../test/support/temp-state.ts";
import { realDisk } from "./disk.ts";
import { createLease } from "./lease.ts";

test("a lease names its owner and lies a minute ahead of a file written just before", () => {
  const { home, lease: path } = tempState();
  const lease = createLease(realDisk, path, { pid: 42, host: "box" });
  for (const round of ["created", "refreshed"]) {
    writeFileSync(join(home, "just-written"), round);
    lease.refresh();
    const aheadMs = statSync(path).mtimeMs - statSync(join(home, "just-written")).mtimeMs;
    expect(readFileSync(path, "utf8")).toBe("42\nbox\n");
    expect(aheadMs).toBeGreaterThan(59_990);
  }
});

test.each([
  ["its owner", { pid: 42, host: "box" }, false],
  ["another process", { pid: 43, host: "box" }, true],
  ["the same pid on another host", { pid: 42, host: "other" }, true],
])("remove by %s", (_, owner, stays) => {
  const { home, lease: path } = tempState();
  createLease(realDisk, path, { pid: 42, host: "box" }).refresh();
  createLease(realDisk, path, owner).remove();
  createLease(realDisk, path, owner).remove();
  expect(realDisk.names(home).includes("lease")).toBe(stays);
});
