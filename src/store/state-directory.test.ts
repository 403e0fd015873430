import { mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { tempDirectory } from "../../test/support/temp-state.ts";
import { realDisk } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { createStateDirectory, sessionFile } from "./state-directory.ts";

test("it is created with its parents, closed to others, and found again", () => {
  const home = join(tempDirectory(), "a", "b");
  const paths = createStateDirectory(realDisk, home);
  for (const path of [paths.home, paths.spool, paths.quarantine, paths.sessions, paths.held, paths.outbox]) {
    expect(statSync(path).mode & 0o777).toBe(0o700);
  }
  expect(createStateDirectory(realDisk, `${home}/`)).toEqual(paths);
});

test("one that is open to others is closed", () => {
  const home = tempDirectory();
  mkdirSync(join(home, "spool"), { mode: 0o755 });
  createStateDirectory(realDisk, home);
  expect(statSync(join(home, "spool")).mode & 0o777).toBe(0o700);
});

test.each<[string, (home: string) => void, string]>([
  ["a link", (home) => symlinkSync(tempDirectory(), home), "is a symbolic link"],
  ["a link to nothing", (home) => symlinkSync("/nonexistent/x", home), "is a symbolic link"],
  ["a file", (home) => writeFileSync(home, ""), "is not a directory"],
  ["with a linked spool", linkSpool, "is a symbolic link"],
])("%s is refused", (_, prepare, reason) => {
  const home = join(tempDirectory(), "state");
  prepare(home);
  expect(() => createStateDirectory(realDisk, home)).toThrow(reason);
  expect(() => createStateDirectory(realDisk, `${home}/`)).toThrow("set HOOKSPAN_HOME to a directory of your own");
});

test("another user's is refused", () => {
  const disk: Disk = { ...realDisk, facts: (path) => ({ ...realDisk.facts(path), uid: 4242 }) };
  expect(() => createStateDirectory(disk, join(tempDirectory(), "state"))).toThrow("belongs to user 4242");
});

test.each([
  ["slashes and dots", "../../etc/passwd"],
  ["4 KB", "x".repeat(4096)],
  ["nothing", ""],
  ["a NUL and a newline", "a\0b\n"],
])("a session id of %s gives a plain file name", (_, id) => {
  expect(sessionFile("claude-code", id)).toMatch(/^[0-9a-f]{32}\.json$/);
});

test("agent and session id do not run together", () => {
  expect(sessionFile("ab", "c")).not.toBe(sessionFile("a", "bc"));
});

function linkSpool(home: string): void {
  mkdirSync(home);
  symlinkSync(tempDirectory(), join(home, "spool"));
}
