import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { onTestFinished } from "vitest";

import { realDisk } from "../../src/store/disk.ts";
import { createStateDirectory } from "../../src/store/state-directory.ts";
import type { StateDirectory } from "../../src/store/state-directory.ts";
import type { AtEnd } from "./start-program.ts";

/** A fresh state directory on the real disk, removed after the test. */
export function tempState(): StateDirectory {
  return createStateDirectory(realDisk, join(tempDirectory(), "state"));
}

/** A fresh directory on the real disk, removed after the test. */
export function tempDirectory(atEnd: AtEnd = onTestFinished): string {
  const directory = mkdtempSync(join(tmpdir(), "hookspan-"));
  atEnd(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
