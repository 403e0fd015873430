import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { openAt } from "../../test/support/recorded-session.ts";
import { tempDirectory } from "../../test/support/temp-state.ts";
import { formatEnvelope } from "../event/envelope.ts";
import type { Exporter } from "../otlp/exporter.ts";
import { realDisk, type Disk } from "../store/disk.ts";

const SECOND = 1_000_000_000n;

const silent: Exporter = {
  sendSpans: () => Promise.resolve({ status: "accepted" }),
  sendMetrics: () => Promise.resolve({ status: "accepted" }),
  close: () => Promise.resolve(),
};

test("an event that is not whole is read once, again when it grows, and each minute, until it is set aside", () => {
  const state = join(tempDirectory(), "state");
  const reads: string[] = [];
  const disk: Disk = {
    ...realDisk,
    read(path) {
      if (path.endsWith(".evt")) reads.push(path);
      return realDisk.read(path);
    },
  };
  const open = openAt(state, silent, "none", { disk });
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  const step = (seconds: number): number => {
    open.bridge.step(nowNs + BigInt(seconds) * SECOND, { commitNow: true });
    return reads.splice(0).length;
  };
  const whole = formatEnvelope({
    id: "one",
    agent: "claude-code",
    timeNs: nowNs,
    env: {},
    payload: Buffer.from('{"session_id":"s","hook_event_name":"SessionStart","source":"startup"}'),
  });
  const half = Math.floor(whole.length / 2);
  mkdirSync(join(state, "spool"), { recursive: true });
  const path = join(state, "spool", "one.evt");
  writeFileSync(path, whole.subarray(0, half - 1));
  writeFileSync(join(state, "spool", "two.evt"), "v=1\n");

  expect([step(0), step(1), step(2)]).toEqual([2, 0, 0]);
  appendFileSync(path, whole.subarray(half - 1, half));
  expect([step(3), step(4)]).toEqual([1, 0]);
  appendFileSync(path, whole.subarray(half));
  expect([step(5), step(6)]).toEqual([1, 0]);
  expect(open.isEmpty()).toBe(false);
  expect([step(59), step(60), step(61), step(120)]).toEqual([0, 1, 0, 1]);
  expect(step(700)).toBe(1);
  expect(open.isEmpty()).toBe(true);
});
