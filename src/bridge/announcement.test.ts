import { existsSync, readFileSync, statSync } from "node:fs";

import { expect, test } from "vitest";

import { tempState } from "../../test/support/temp-state.ts";
import { realDisk } from "../store/disk.ts";
import { announce, announced, withdraw } from "./announcement.ts";

const WHO = { pid: 4711, startedAt: "2026-11-21T10:00:00.000Z", version: "1.2.3" };
const WHERE = { url: "http://127.0.0.1:4319", token: "t", instance: "i" };

test("the file says which process and since when, where it listens and with which token, to its user alone", () => {
  const { bridge } = tempState();
  announce(realDisk, bridge, WHO, WHERE);
  expect(JSON.parse(readFileSync(bridge, "utf8"))).toEqual({ v: 1, ...WHO, ...WHERE });
  expect(statSync(bridge).mode & 0o777).toBe(0o600);
  expect(announced(realDisk, bridge)).toEqual(WHO);
});

test("who leaves takes the file away, and may do so twice", () => {
  const { bridge } = tempState();
  announce(realDisk, bridge, WHO, WHERE);
  for (const _ of [1, 2]) withdraw(realDisk, bridge, WHO.pid);
  expect(existsSync(bridge)).toBe(false);
});

test("the file of another bridge stays", () => {
  const { bridge } = tempState();
  announce(realDisk, bridge, { ...WHO, pid: 4712 }, WHERE);
  withdraw(realDisk, bridge, WHO.pid);
  expect(announced(realDisk, bridge)?.pid).toBe(4712);
});
