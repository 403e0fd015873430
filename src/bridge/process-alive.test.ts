import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

import { expect, test } from "vitest";

import { birthOf, isAlive } from "./process-alive.ts";

test.for([
  ["this process", process.pid],
  ["its parent, whose user it may be or not", process.ppid],
  ["init, which is nobody's agent", 1],
  ["zero, which would be the whole group", 0],
  ["a negative number, which would be a group", -5],
  ["no number", Number.NaN],
  ["a fraction", 3.5],
] as const)("%s counts as alive", ([, pid]) => {
  expect(isAlive(pid)).toBe(true);
});

test("a process that has ended is gone", () => {
  expect(isAlive(spawnSync(process.execPath, ["-e", "0"]).pid)).toBe(false);
});

test("a process that was killed and never collected is gone", async () => {
  // The shell starts a child that ends at once, then becomes a program that never waits for children.
  const shell = spawn("sh", ["-c", "true & echo $!; exec cat"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const [output] = await once(shell.stdout, "data");
  const pid = Number(String(output));
  await expect.poll(() => isAlive(pid)).toBe(process.platform !== "linux");
  expect(pid).toBeGreaterThan(1);
  shell.stdin.end();
  await once(shell, "close");
});

test("a process of another birth under the same number is gone, where the system tells births", () => {
  const birth = birthOf(process.pid);
  const isTold = process.platform === "linux";
  expect(birth !== undefined).toBe(isTold);
  expect(isAlive(process.pid, birth)).toBe(true);
  expect(isAlive(process.pid, "another")).toBe(!isTold);
});

test.for([1, 0, Number.NaN])("%s is nobody's process, and has no birth", (pid) => {
  expect(birthOf(pid)).toBeUndefined();
});
