import { appendFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { openAt } from "../../test/support/recorded-session.ts";
import { tempDirectory } from "../../test/support/temp-state.ts";
import { formatEnvelope } from "../event/envelope.ts";
import type { Exporter } from "../otlp/exporter.ts";
import { encodeGroup } from "../spool/group.ts";
import { realDisk, type Disk } from "../store/disk.ts";

const SECOND = 1_000_000_000n;
const MILLISECOND = 1_000_000n;

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

test.each(["EIO", "EACCES"])("what the disk will not give (%s) stops nothing, and is asked for again", (code) => {
  const state = join(tempDirectory(), "state");
  const group = "00000000-0000-4000-8000-000000000000.000000001";
  mkdirSync(join(state, "spool"), { recursive: true });
  for (const id of ["a", "b"]) writeFileSync(join(state, "spool", `${id}.evt`), envelope(id));
  const members = [{ id: `${group}.000`, bytes: envelope(`${group}.000`) }];
  writeFileSync(join(state, "spool", `${group}.grp`), encodeGroup(members));
  let isDamaged = true;
  const disk: Disk = {
    ...realDisk,
    read(path) {
      if (isDamaged && /a\.evt$|grp$/.test(path)) throw Object.assign(new Error(code), { code });
      return realDisk.read(path);
    },
  };
  const open = openAt(state, silent, "none", { disk });
  const nowNs = BigInt(Date.now()) * MILLISECOND;
  open.bridge.step(nowNs, { commitNow: true });
  expect(readdirSync(join(state, "spool"))).toEqual([`${group}.grp`, "a.evt"]);
  expect(readdirSync(join(state, "sessions"))).toHaveLength(1);
  isDamaged = false;
  open.bridge.step(nowNs + 61n * SECOND, { commitNow: true });
  expect(readdirSync(join(state, "spool"))).toEqual([]);
});

describe("a group that a crash cut off", () => {
  const GROUP = "00000000-0000-4000-8000-000000000000.000000001";

  test("what is whole is folded at once, and the rest goes to quarantine after 10 minutes, and nothing stays", () => {
    const state = cutOff();
    const open = openAt(state, silent, "none", {});
    const nowNs = BigInt(Date.now()) * MILLISECOND;
    open.bridge.step(nowNs, { commitNow: true });
    expect(readdirSync(join(state, "spool"))).toEqual([`${GROUP}.999.evt`]);
    expect(readdirSync(join(state, "sessions"))).toHaveLength(1);
    open.bridge.step(nowNs + 700n * SECOND, { commitNow: true });
    expect(readdirSync(join(state, "spool"))).toEqual([]);
    expect(readdirSync(join(state, "quarantine"))).toEqual([`${GROUP}.999.envelope-incomplete.evt`]);
    expect(open.isEmpty()).toBe(true);
  });

  test("while the disk has no room for what is left of it, nothing more is taken in, and then it goes on", () => {
    const state = cutOff();
    let isFull = true;
    const disk: Disk = {
      ...realDisk,
      open(path, flags) {
        if (isFull && path.endsWith(".evt.tmp")) throw Object.assign(new Error("full"), { code: "ENOSPC" });
        return realDisk.open(path, flags);
      },
    };
    const open = openAt(state, silent, "none", { disk });
    const nowNs = BigInt(Date.now()) * MILLISECOND;
    const step = (seconds: number): unknown => open.bridge.step(nowNs + BigInt(seconds) * SECOND, { commitNow: true });
    step(0);
    expect(open.isCommitPending()).toBe(true);
    writeFileSync(join(state, "spool", "later.evt"), envelope("later"));
    expect(step(2)).toEqual({ progress: false, backlog: true });
    expect(readdirSync(join(state, "spool"))).toEqual([`${GROUP}.grp`, "later.evt"]);
    expect(readdirSync(join(state, "sessions"))).toEqual([]);
    isFull = false;
    step(3);
    expect(open.isCommitPending()).toBe(false);
    expect(readdirSync(join(state, "spool"))).toEqual([`${GROUP}.999.evt`]);
    expect(readdirSync(join(state, "sessions"))).toHaveLength(1);
  });

  function cutOff(): string {
    const state = join(tempDirectory(), "state");
    mkdirSync(join(state, "spool"), { recursive: true });
    const members = [`${GROUP}.000`, `${GROUP}.001`].map((id) => ({ id, bytes: envelope(id) }));
    const group = encodeGroup(members);
    writeFileSync(join(state, "spool", `${GROUP}.grp`), group.subarray(0, group.length - 5));
    return state;
  }
});

function envelope(id: string): Uint8Array {
  const payload = Buffer.from('{"session_id":"s","hook_event_name":"SessionStart","source":"startup"}');
  return formatEnvelope({ id, agent: "claude-code", timeNs: BigInt(Date.now()) * MILLISECOND, env: {}, payload });
}
