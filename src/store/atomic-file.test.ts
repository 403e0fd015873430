import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { failingDisk } from "../../test/support/faulty-disk.ts";
import { tempDirectory } from "../../test/support/temp-state.ts";
import { createFile, writeFileAtomically } from "./atomic-file.ts";
import { realDisk } from "./disk.ts";

test("the new content replaces the old one, for the owner alone", () => {
  const path = join(tempDirectory(), "file");
  writeFileSync(path, "old", { mode: 0o644 });
  writeFileAtomically(realDisk, path, "new é");
  expect(readFileSync(path, "utf8")).toBe("new é");
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test.each(["open", "write", "fsync", "rename"] as const)(
  "when %s fails, the old content stays and no draft does",
  (call) => {
    const directory = tempDirectory();
    const path = join(directory, "file");
    writeFileSync(path, "old");
    const disk = failingDisk(realDisk, [call], "ENOSPC", 0, 1);
    expect(() => writeFileAtomically(disk, path, "new")).toThrow(
      `cannot write ${path}: ENOSPC: ${call}; the old content is kept`,
    );
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(directory)).toEqual(["file"]);
  },
);

test("a created file is whole or not there, and never replaces one", () => {
  const directory = tempDirectory();
  const path = join(directory, "file");
  const disk = failingDisk(realDisk, ["write"], "ENOSPC", 0, 1);
  expect(() => createFile(disk, path, Buffer.from("first"))).toThrow("ENOSPC");
  expect(readdirSync(directory)).toEqual([]);
  createFile(disk, path, Buffer.from("first"));
  expect(() => createFile(disk, path, Buffer.from("second"))).toThrow("EEXIST");
  expect(readFileSync(path, "utf8")).toBe("first");
});
