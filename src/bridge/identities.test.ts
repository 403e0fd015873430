import { readdirSync, readFileSync, writeFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { failingDisk } from "../../test/support/faulty-disk.ts";
import { tempState } from "../../test/support/temp-state.ts";
import type { Config } from "../config/config.ts";
import { createLog } from "../log.ts";
import { IDENTITY_ATTRIBUTES } from "../registry/attributes.ts";
import { realDisk, type Disk } from "../store/disk.ts";
import type { StateDirectory } from "../store/state-directory.ts";
import { createIdentities, type Identities } from "./identities.ts";

const OFF: Config["identity"] = { learn: false, user: {}, organization: undefined, git: false, host: false, waitMs: 0 };
const NOW_MS = 1_795_000_000_000;
const HOUR_MS = 3_600_000;
const ANNA = { sessionId: "a", email: "anna@x", userId: "u-a", organizationId: "o-a" };
const BERT = { sessionId: "b", email: "bert@x", userId: "u-b", organizationId: "o-b" };
const OF_ANNA = { "user.email": "anna@x", "user.id": "u-a", "hookspan.organization.id": "o-a" };

describe("who it is", () => {
  test("nobody, by default: not even what telemetry says", () => {
    const { directory, identities } = start();
    identities.learn([ANNA], NOW_MS);
    expect(identities.attributesOf("a", NOW_MS)).toEqual({});
    expect(readdirSync(directory.home)).not.toContain("identity.json");
  });

  test("what telemetry said of this session, and of no other", () => {
    const { identities } = start({ learn: true });
    identities.learn([ANNA, BERT], NOW_MS);
    expect(identities.attributesOf("a", NOW_MS)).toEqual(OF_ANNA);
    expect(identities.attributesOf("b", NOW_MS)).toMatchObject({ "user.email": "bert@x" });
    expect(identities.attributesOf("c", NOW_MS)).toEqual({});
  });

  test("what is not said again stays; what is said anew counts", () => {
    const { identities } = start({ learn: true });
    for (const one of [ANNA, { sessionId: "a" }, { sessionId: "a", userId: "u-2" }]) identities.learn([one], NOW_MS);
    expect(identities.attributesOf("a", NOW_MS)).toEqual({ ...OF_ANNA, "user.id": "u-2" });
  });

  test("what is configured goes before what is learned, and that before git", () => {
    const git = { email: "git@x", name: "Git" };
    const { identities } = start(
      { learn: true, git: true, host: true, user: { id: "me" }, organization: "ours" },
      { git },
    );
    const always = { "user.id": "me", "user.name": "Git", "hookspan.organization.id": "ours", "host.name": "box" };
    expect(identities.attributesOf("a", NOW_MS)).toEqual({ ...always, "user.email": "git@x" });
    identities.learn([ANNA], NOW_MS);
    expect(identities.attributesOf("a", NOW_MS)).toEqual({ ...always, "user.email": "anna@x" });
    expect(Object.keys(identities.attributesOf("a", NOW_MS)).toSorted()).toEqual(
      Object.keys(IDENTITY_ATTRIBUTES).toSorted(),
    );
  });
});

describe("how long it is known", () => {
  test("24 hours after it was last heard, over restarts", () => {
    const { directory, identities } = start({ learn: true });
    identities.learn([ANNA], NOW_MS);
    identities.learn([ANNA], NOW_MS + 20 * HOUR_MS);
    const again = start({ learn: true }, { directory }).identities;
    expect(again.attributesOf("a", NOW_MS + 43 * HOUR_MS)).toEqual(OF_ANNA);
    expect(again.attributesOf("a", NOW_MS + 44 * HOUR_MS)).toEqual({});
    // What is over leaves the disk with the next word.
    again.learn([BERT], NOW_MS + 44 * HOUR_MS);
    expect(readFileSync(directory.identity, "utf8")).not.toContain("anna");
  });

  test("what is heard again every few seconds is written once an hour", () => {
    const { directory, identities, writes } = start({ learn: true });
    for (let second = 0; second < 7200; second += 5) identities.learn([ANNA], NOW_MS + second * 1000);
    expect(writes()).toBe(2);
    expect(readFileSync(directory.identity, "utf8")).toContain("anna@x");
  });

  test("of more than 1,000 sessions the one heard longest ago goes", () => {
    const { directory, identities } = start({ learn: true });
    for (let n = 0; n <= 1000; n += 1) identities.learn([{ sessionId: `s${n}`, userId: "u" }], NOW_MS + n);
    expect(identities.attributesOf("s0", NOW_MS + 1000)).toEqual({});
    expect(identities.attributesOf("s1", NOW_MS + 1000)).toEqual({ "user.id": "u" });
    expect(start({ learn: true }, { directory }).identities.attributesOf("s1000", NOW_MS + 1000)).toEqual({
      "user.id": "u",
    });
  });

  test("a damaged file is set aside, a newer one left alone, and a full disk does no harm", () => {
    const { directory } = start();
    writeFileSync(directory.identity, "{", { mode: 0o600 });
    const damaged = start({ learn: true }, { directory }).identities;
    expect(damaged.attributesOf("a", NOW_MS)).toEqual({});
    expect(readdirSync(directory.quarantine)).toHaveLength(1);

    writeFileSync(directory.identity, '{"v":2,"who":"knows"}', { mode: 0o600 });
    const older = start({ learn: true }, { directory }).identities;
    older.learn([ANNA], NOW_MS);
    expect(older.attributesOf("a", NOW_MS)).toEqual(OF_ANNA);
    expect(readFileSync(directory.identity, "utf8")).toBe('{"v":2,"who":"knows"}');

    const full = start({ learn: true }, { disk: failingDisk(realDisk, ["write"], "ENOSPC", 0, 1) }).identities;
    full.learn([ANNA], NOW_MS);
    expect(full.attributesOf("a", NOW_MS)).toEqual(OF_ANNA);
  });
});

describe("who waits for it", () => {
  test.each<[string, Partial<Config["identity"]>]>([
    ["off", { waitMs: 600_000 }],
    ["without a wait", { learn: true }],
    ["with a user configured", { learn: true, waitMs: 600_000, user: { email: "me@x" } }],
  ])("nobody, %s", (_, config) => expect(left(start(config).identities, 0)).toBe(0));

  test("a session of which nothing is known, until its time is up", () => {
    const { identities } = start({ learn: true, waitMs: 600_000 });
    expect([0, 599_999, 600_000, 700_000, -1].map((ageMs) => left(identities, ageMs))).toEqual([600_000, 1, 0, 0, 0]);
  });

  test("no longer than until its address is known; with less than that, half a minute", () => {
    const { identities } = start({ learn: true, waitMs: 600_000 });
    identities.learn([{ sessionId: "a", userId: "u" }], NOW_MS);
    expect(left(identities, 0)).toBe(30_000);
    identities.learn([{ sessionId: "a", userId: "u" }], NOW_MS + 20_000);
    expect(left(identities, 20_000, ["a"], NOW_MS + 20_000)).toBe(10_000);
    identities.learn([ANNA], NOW_MS + 21_000);
    expect(left(identities, 21_000, ["a"], NOW_MS + 21_000)).toBe(0);
    expect(left(identities, 0, ["a", "b"])).toBe(600_000);
  });

  test("what is news is counted, what is known already is not", () => {
    const { identities } = start({ learn: true });
    for (const one of [ANNA, ANNA, BERT]) identities.learn([one], NOW_MS);
    expect(identities.news()).toBe(2);
  });
});

function left(identities: Identities, ageMs: number, sessions = ["a"], atMs = NOW_MS): number {
  return identities.waitLeftMs(sessions, ageMs, atMs);
}

type Started = { directory: StateDirectory; identities: Identities; writes: () => number };

function start(
  config: Partial<Config["identity"]> = {},
  given: { directory?: StateDirectory; disk?: Disk; git?: { email?: string; name?: string } } = {},
): Started {
  const { directory = tempState(), disk = realDisk, git = {} } = given;
  let writes = 0;
  const counting: Disk = {
    ...disk,
    rename(from, to) {
      writes += 1;
      disk.rename(from, to);
    },
  };
  const bounds = {
    spoolBytes: 2 ** 29,
    outboxBytes: 2 ** 29,
    quarantineBytes: 2 ** 26,
    payloadBytes: 2 ** 25,
    ageMs: 1e9,
  };
  const identities = createIdentities({
    disk: counting,
    directory,
    config: { identity: { ...OFF, ...config }, bounds },
    host: "box",
    git: () => git,
    log: createLog({ level: "error", file: directory.log }),
  });
  return { directory, identities, writes: () => writes };
}
