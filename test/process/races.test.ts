// Many processes at once over one state directory, or several; what another version, or another process of the same pid, left.
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

import { describe, expect, test, vi } from "vitest";

import { ownIdentity } from "../../src/store/process-identity.ts";
import { QUIET } from "../support/hook-tree.ts";
import { install, kill, WAIT, type Installed } from "../support/installed.ts";

const NO_BRIDGE = { HOOKSPAN_AUTOSTART: "0" };
const FLUSHED = { code: 0, stdout: "", stderr: "" };

test("200 hooks at once, of 20 sessions: one bridge, and each event once", async () => {
  const installed = await install();
  const calls = Array.from({ length: 200 }, (_, i) => call(`session-${i % 20}`, i));
  expect(await Promise.all(calls.map((payload) => installed.hook(payload)))).toEqual(calls.map(() => QUIET));
  const pid = await installed.bridge();
  await vi.waitFor(async () => expect(await installed.bridges()).toEqual([pid]), WAIT);
  expect(await installed.run(["flush", "--close"])).toEqual(FLUSHED);
  expect(callIds(installed)).toEqual(calls.map(({ tool_use_id: id }) => id).sort());
  expect(installed.counted("hookspan.session.count")).toBe(20);
});

test("several state directories at once: a bridge for each, and none takes another's events", async () => {
  const users = await Promise.all([install(), install(), install()]);
  await Promise.all(
    users.flatMap((user, u) => Array.from({ length: 20 }, (_, i) => user.hook(call(`session-${u}`, u * 100 + i)))),
  );
  expect(new Set(await Promise.all(users.map((user) => user.bridge()))).size).toBe(3);
  for (const [u, user] of users.entries()) {
    expect(await user.run(["flush", "--close"])).toEqual(FLUSHED);
    expect(callIds(user)).toEqual(Array.from({ length: 20 }, (_, i) => `toolu_${u * 100 + i}`).sort());
  }
});

describe("twelve bridges at once", () => {
  test("started by hand: exactly one stays, the others say which and leave with 1", async () => {
    const installed = await install();
    const started = Array.from({ length: 12 }, () => installed.start(["bridge"]));
    const pid = await installed.bridge();
    const others = await Promise.all(started.filter(({ child }) => child.pid !== pid).map(({ ended }) => ended));
    expect(others).toHaveLength(11);
    for (const { code, stdout, stderr } of others) {
      expect([code, stdout]).toEqual([1, ""]);
      // The lock is taken a moment before the lease tells of it.
      expect(stderr).toBe(
        `hookspan: another bridge (pid ${pid}) has ${installed.state}; stop it, or set HOOKSPAN_HOME\n`,
      );
    }
    kill(pid, "SIGTERM");
    expect(await started.find(({ child }) => child.pid === pid)?.ended).toMatchObject({ code: 0 });
  });

  test("started as hooks do: exactly one stays, the others leave without a word", async () => {
    const installed = await install();
    const started = Array.from({ length: 12 }, () => installed.start(["bridge", "--until-idle"]));
    const pid = await installed.bridge();
    const others = await Promise.all(started.filter(({ child }) => child.pid !== pid).map(({ ended }) => ended));
    expect(others).toEqual(Array.from({ length: 11 }, () => FLUSHED));
    expect(await installed.bridges()).toEqual([pid]);
  });
});

test("killed while it holds the lock, over and over: the next has it at once, and nothing is counted twice", async () => {
  const installed = await install();
  for (let i = 0; i < 8; i += 1) {
    await installed.hook(call("session", i), NO_BRIDGE);
    const { child, ended } = installed.start(["bridge"]);
    await vi.waitFor(() => expect(holder(installed)).toBe(child.pid), WAIT);
    child.kill("SIGKILL");
    await ended;
  }
  expect(await installed.run(["flush", "--close"])).toEqual(FLUSHED);
  expect([...new Set(callIds(installed))]).toHaveLength(8);
  expect(installed.counted("hookspan.session.count")).toBe(1);
  expect(readdirSync(installed.state).filter((name) => /^lock\.\d+$/.test(name))).toHaveLength(1);
});

describe("the pid of a bridge that was killed belongs to another process now", () => {
  test("its lock holds nobody up, though the lease lies in the future", async () => {
    const installed = await install();
    await leaveBehind(installed);
    expect(await installed.hook(call("session", 1), NO_BRIDGE)).toEqual(QUIET);
    const { child, ended } = installed.start(["bridge"]);
    await vi.waitFor(
      () => expect(readFileSync(join(installed.state, "lease"), "utf8")).toMatch(`${child.pid}\n`),
      WAIT,
    );
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: 0 });
    expect(await installed.run(["flush", "--close"])).toEqual(FLUSHED);
    expect(callIds(installed)).toEqual(["toolu_1"]);
  });

  test("a hook sees through the lease once it has run out", async () => {
    const installed = await install();
    await leaveBehind(installed, -1);
    expect(await installed.hook(call("session", 1))).toEqual(QUIET);
    const pid = await installed.bridge();
    expect(pid).not.toBe(process.pid);
    expect(await installed.run(["flush", "--close"])).toEqual(FLUSHED);
    expect(callIds(installed)).toEqual(["toolu_1"]);
  });
});

describe("a state that a newer hookspan wrote", () => {
  test.each([["commit.json"], ["totals.json"], ["index.json"]])(
    "%s: bridge and flush leave it byte for byte, and say so; hooks go on",
    async (name) => {
      const installed = await install();
      await installed.hook(call("session", 1), NO_BRIDGE);
      // What is there from an earlier life.
      expect(await installed.run(["flush"])).toEqual(FLUSHED);
      await installed.hook(call("session", 2), NO_BRIDGE);
      writeFileSync(join(installed.state, name), JSON.stringify({ v: 99, tomorrow: "unknown" }));
      const before = digest(installed.state);
      for (const args of [["bridge"], ["flush", "--close", "--timeout", "5"]]) {
        const { code, stdout, stderr } = await installed.run(args);
        expect([code, stdout]).toEqual([1, ""]);
        expect(stderr).toBe(
          `hookspan: ${join(installed.state, name)} has version 99, written by a newer hookspan; upgrade hookspan, nothing was touched\n`,
        );
        expect(digest(installed.state)).toEqual(before);
      }
      // Hooks start bridges that leave again; the events wait for the newer hookspan.
      expect(await installed.hook(call("session", 3))).toEqual(QUIET);
      await vi.waitFor(async () => expect(await installed.bridges()).toEqual([]), WAIT);
      expect(digest(installed.state)).toMatchObject(before);
      expect(installed.spool()).toHaveLength(2);
    },
  );

  test("of one session alone: it is left, and its events wait in the spool; the other sessions go on", async () => {
    const installed = await install();
    await installed.hook(call("session-1", 1), NO_BRIDGE);
    expect(await installed.run(["flush"])).toEqual(FLUSHED);
    const [name = ""] = readdirSync(join(installed.state, "sessions"));
    const file = join(installed.state, "sessions", name);
    const own = readFileSync(file);
    writeFileSync(file, JSON.stringify({ v: 99, tomorrow: "unknown" }));
    for (const payload of [call("session-1", 2), call("session-2", 3)]) await installed.hook(payload, NO_BRIDGE);
    const { stderr } = await installed.run(["flush", "--close"]);
    expect(stderr).toContain("the state of a session cannot be used reason=newer");
    expect(readFileSync(file, "utf8")).toBe(JSON.stringify({ v: 99, tomorrow: "unknown" }));
    expect(callIds(installed)).toEqual(["toolu_3"]);
    expect(installed.spool()).toHaveLength(1);
    writeFileSync(file, own);
    expect(await installed.run(["flush", "--close"])).toEqual(FLUSHED);
    expect(callIds(installed)).toEqual(["toolu_1", "toolu_2", "toolu_3"]);
  });

  test("once it is gone, or hookspan is upgraded, what waited is delivered", async () => {
    const installed = await install();
    const totals = join(installed.state, "totals.json");
    await installed.hook(call("session", 1), NO_BRIDGE);
    expect(await installed.run(["flush"])).toEqual(FLUSHED);
    const own = readFileSync(totals);
    await installed.hook(call("session", 2), NO_BRIDGE);
    writeFileSync(totals, JSON.stringify({ v: 99 }));
    expect(await installed.run(["flush"])).toMatchObject({ code: 1 });
    writeFileSync(totals, own);
    expect(await installed.run(["flush", "--close"])).toEqual(FLUSHED);
    expect(callIds(installed)).toEqual(["toolu_1", "toolu_2"]);
    expect(installed.counted("hookspan.session.count")).toBe(1);
  });
});

function call(session: string, i: number) {
  return {
    session_id: session,
    cwd: "/nowhere",
    prompt_id: `${session}-p`,
    hook_event_name: "PreToolUse",
    tool_name: "Bash",
    tool_use_id: `toolu_${i}`,
  };
}

/** Of every tool span that arrived. */
function callIds(installed: Installed): string[] {
  const spans = installed.spans().filter(({ name }) => name === "execute_tool Bash");
  return spans
    .flatMap(({ attributes }) => attributes ?? [])
    .flatMap(({ key, value }) => (key === "gen_ai.tool.call.id" ? [value.stringValue ?? ""] : []))
    .sort();
}

/** Who has the lock, by its highest generation. */
function holder({ state }: Installed): unknown {
  const locks = existsSync(state) ? readdirSync(state).filter((name) => /^lock\.\d+$/.test(name)) : [];
  const highest = locks.sort((a, b) => Number(b.slice(5)) - Number(a.slice(5)))[0];
  if (highest === undefined) return undefined;
  const { pid, released }: { pid: number; released: boolean } = JSON.parse(readFileSync(join(state, highest), "utf8"));
  return released ? undefined : pid;
}

/** Lock and lease as of a bridge that had this very process's pid, but started at another time. */
async function leaveBehind(installed: Installed, aheadS = 50): Promise<void> {
  expect(await installed.run(["flush"])).toEqual(FLUSHED);
  const owner = { v: 1, ...ownIdentity(), startedAt: "1", released: false };
  for (const name of readdirSync(installed.state).filter((one) => one.startsWith("lock.")))
    writeFileSync(join(installed.state, name), JSON.stringify(owner));
  const lease = join(installed.state, "lease");
  writeFileSync(lease, `${process.pid}\n${hostname()}\n`);
  utimesSync(lease, Date.now() / 1000 + aheadS, Date.now() / 1000 + aheadS);
}

/** Every file of the state by its hash; a lock may change hands, and a log may grow. */
function digest(state: string): Record<string, string> {
  const files = readdirSync(state, { recursive: true, encoding: "utf8" });
  return Object.fromEntries(
    files
      .filter((name) => lstatSync(join(state, name)).isFile() && !/^(lock|log|lease)/.test(name))
      .map((name) => [
        name,
        createHash("sha256")
          .update(readFileSync(join(state, name)))
          .digest("hex"),
      ]),
  );
}
