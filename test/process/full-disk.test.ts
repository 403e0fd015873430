// A real disk that fills up, runs out of names or turns read-only under hooks and a living bridge.
import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test, vi } from "vitest";

import { QUIET } from "../support/hook-tree.ts";
import { install, kill, newestIn, WAIT, type Installed } from "../support/installed.ts";
import { runShortSession, SHORT_SESSION } from "../support/short-session.ts";
import { canMount, mountSmallDisk, type SmallDisk } from "../support/tmpfs.ts";

const FIRST = "7b1d0000-0000-4000-8000-000000000001";
const SECOND = "7b1d0000-0000-4000-8000-000000000002";
const LOST = { session_id: FIRST, prompt_id: "lost", hook_event_name: "UserPromptSubmit", prompt: "x".repeat(8192) };

/** What befalls the disk, and how it passes; `takes`: whether a hook still gets a file made. */
const ROWS: [name: string, options: string, befall: (state: string, disk: SmallDisk) => () => void][] = [
  ["full", "size=512k", fill],
  ["without a name left", "size=4m,nr_inodes=96", useAllNames],
  [
    "read-only",
    "size=4m",
    (_state, disk) => {
      disk.remount("ro");
      return () => disk.remount("rw");
    },
  ],
];

describe.runIf(canMount())("a disk that is", () => {
  test.for(ROWS)("%s: hooks do not notice, and the bridge goes on by itself when it is over", async (row) => {
    const [, options, befall] = row;
    const installed = await install();
    const disk = mountSmallDisk(installed.state, options, () => bridgesEnded(installed));
    const start = { session_id: SECOND, hook_event_name: "SessionStart", source: "startup" };
    expect(await installed.hook(start)).toEqual(QUIET);
    const pid = await installed.bridge();
    await vi.waitFor(() => expect(installed.counted("hookspan.session.count")).toBe(1), WAIT);

    // The bridge does not look until there is no more space for what it would write.
    kill(pid, "SIGSTOP");
    await runShortSession(installed, { id: FIRST });
    const taken = installed.spool();
    const readBefore = bytesRead(pid);
    const pass = befall(installed.state, disk);
    kill(pid, "SIGCONT");
    await vi.waitFor(() => expect(bytesRead(pid)).toBeGreaterThan(readBefore + 1000), WAIT);
    expect(await installed.hook(LOST)).toEqual(QUIET);
    expect(await installed.hook({ ...LOST, hook_event_name: "Stop" })).toEqual(QUIET);
    // Nothing is deleted that is not safe elsewhere.
    expect(installed.spool()).toEqual(expect.arrayContaining(taken));
    expect(installed.spans()).toEqual([]);
    expect((await installed.run(["status"])).stdout).toContain(`running, pid ${pid}`);
    const other = await installed.run(["bridge"]);
    expect(other.code).toBe(1);
    expect(other.stderr).toMatch(/^hookspan: .*(ENOSPC|EROFS|another bridge).*\n$/);

    pass();
    await vi.waitFor(() => expect(totalsOf(installed)).toEqual(EXPECTED), LONG);
    await vi.waitFor(() => expect(installed.spans()).toHaveLength(SHORT_SESSION.spans.length), LONG);
    expect(await installed.bridge()).toBe(pid);
    const ids = installed.spans().map(({ spanId }) => spanId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(await installed.hook({ ...start, hook_event_name: "SessionEnd", reason: "other" })).toEqual(QUIET);
    await vi.waitFor(() => expect(installed.spans()).toHaveLength(SHORT_SESSION.spans.length + 1), LONG);
    expect(totalsOf(installed)).toEqual(EXPECTED);
  });

  test("full before any bridge: none can start, hooks do not notice, and the next one's bridge takes it all", async () => {
    const installed = await install();
    mountSmallDisk(installed.state, "size=512k", () => bridgesEnded(installed));
    await runShortSession(installed, { id: FIRST, env: { HOOKSPAN_AUTOSTART: "0" } });
    const pass = fill(installed.state);
    for (let i = 0; i < 3; i += 1) expect(await installed.hook(LOST)).toEqual(QUIET);
    const flushed = await installed.run(["flush", "--timeout", "1"]);
    expect(flushed).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/^hookspan: .*ENOSPC.*\n$/) });
    await vi.waitFor(async () => expect(await installed.bridges()).toEqual([]), WAIT);
    pass();
    const start = { session_id: SECOND, hook_event_name: "SessionStart", source: "startup" };
    expect(await installed.hook(start)).toEqual(QUIET);
    await vi.waitFor(() => expect(installed.spans()).toHaveLength(SHORT_SESSION.spans.length), LONG);
    await vi.waitFor(() => expect(totalsOf(installed)).toEqual(EXPECTED), LONG);
  });
});

/** The second session is there for the bridge to be. */
const EXPECTED = { ...SHORT_SESSION.totals, "hookspan.session.count": 2 };
const LONG = { ...WAIT, timeout: 60_000 };

function fill(state: string): () => void {
  const ballast = join(state, "ballast");
  const fd = openSync(ballast, "w");
  untilNoSpace(() => writeSync(fd, Buffer.alloc(4096)));
  closeSync(fd);
  return () => rmSync(ballast);
}

function useAllNames(state: string): () => void {
  const names: string[] = [];
  untilNoSpace(() => {
    const name = join(state, `ballast-${names.length}`);
    writeFileSync(name, "");
    names.push(name);
  });
  return () => names.forEach((name) => rmSync(name));
}

function untilNoSpace(take: () => void): void {
  for (;;) {
    try {
      take();
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOSPC") return;
      throw error;
    }
  }
}

function totalsOf({ recorder }: Installed): Record<string, number> {
  return Object.fromEntries(Object.keys(EXPECTED).map((name) => [name, newestIn(recorder.requests, name)]));
}

/** From /proc: how many bytes a process has read from files so far. */
function bytesRead(pid: number): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1]);
}

async function bridgesEnded(installed: Installed): Promise<void> {
  const bridges = (): Promise<number[]> => installed.bridges();
  for (const pid of await bridges()) kill(pid, "SIGTERM");
  await vi.waitFor(async () => expect(await bridges()).toEqual([]), WAIT);
}
