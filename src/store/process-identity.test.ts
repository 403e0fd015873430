import { spawn } from "node:child_process";
import { once } from "node:events";

import { expect, test } from "vitest";

import { livenessOf, ownIdentity } from "./process-identity.ts";

test("this process is alive, under the same name each time", () => {
  expect(ownIdentity()).toEqual(ownIdentity());
  expect(ownIdentity().startedAt).not.toBe("");
  expect(livenessOf(ownIdentity())).toBe("alive");
});

test("a process that was killed is dead", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  await once(child, "spawn");
  const identity = { ...ownIdentity(), pid: child.pid ?? 0 };
  // Another process started at another time.
  expect(livenessOf(identity)).toBe("dead");
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(livenessOf(identity)).toBe("dead");
});

test.each([
  ["another host", { host: "other" }, "elsewhere"],
  ["another boot or container", { space: "other" }, "elsewhere"],
  ["another start", { startedAt: "other" }, "dead"],
])("the same pid with %s", (_, change, expected) => {
  expect(livenessOf({ ...ownIdentity(), ...change })).toBe(expected);
});
