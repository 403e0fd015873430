import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { endBridge } from "./end-bridge.ts";

let home = "";

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hookspan-test-"));
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

test("ends the process that the lease names", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  const exit = once(child, "exit");
  writeFileSync(join(home, "lease"), `${child.pid}\nsome-host\n`);
  await endBridge(home);
  expect(await exit).toEqual([null, "SIGTERM"]);
});

test.for<[string, string | undefined]>([
  ["no lease", undefined],
  ["an empty one", ""],
  ["one that names no process", "0\n"],
  ["one of a process that is gone", "999999999\n"],
])("%s: nothing to do", async ([, lease]) => {
  if (lease !== undefined) writeFileSync(join(home, "lease"), lease);
  await expect(endBridge(home)).resolves.toBeUndefined();
});
