import { readFileSync, writeFileSync } from "node:fs";

import { expect, test } from "vitest";

import { tempState } from "../../test/support/temp-state.ts";
import { realDisk } from "./disk.ts";
import { loadInstanceId } from "./instance-id.ts";

test("a UUID is made once", () => {
  const { instanceId } = tempState();
  const first = loadInstanceId(realDisk, instanceId, undefined);
  expect(first).toMatch(/^[0-9a-f-]{36}$/);
  expect(loadInstanceId(realDisk, instanceId, undefined)).toBe(first);
  expect(readFileSync(instanceId, "utf8")).toBe(`${first}\n`);
});

test("a configured name wins and is not stored", () => {
  const { home, instanceId } = tempState();
  expect(loadInstanceId(realDisk, instanceId, "ci-pool")).toBe("ci-pool");
  expect(realDisk.names(home)).not.toContain("instance-id");
});

test("what is no UUID is replaced", () => {
  const { instanceId } = tempState();
  writeFileSync(instanceId, "");
  expect(loadInstanceId(realDisk, instanceId, undefined)).toMatch(/^[0-9a-f-]{36}$/);
});
