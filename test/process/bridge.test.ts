// The bridge as a process among processes: started by hooks, killed, asked to leave, flushed.
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test, vi } from "vitest";

import { QUIET } from "../support/hook-tree.ts";
import { install, kill, WAIT, type Installed } from "../support/installed.ts";

const SESSION = { session_id: "6f0e0000-0000-4000-8000-000000000001", cwd: "/nowhere" };
const TURN = { ...SESSION, prompt_id: "p1" };

const STARTED = { ...SESSION, hook_event_name: "SessionStart", source: "startup" };
const PROMPT = { ...TURN, hook_event_name: "UserPromptSubmit", prompt: "A secret prompt" };
const STOP = { ...TURN, hook_event_name: "Stop", last_assistant_message: "A secret answer" };
const ENDED = { ...SESSION, hook_event_name: "SessionEnd", reason: "other" };

describe("started by a hook", { timeout: 60_000 }, () => {
  test("it is a process of its own, and knows nothing of the project around it", async () => {
    const installed = await install();
    const project = {
      NODE_OPTIONS: "--no-such-option",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
      OTEL_EXPORTER_OTLP_HEADERS: "x-project=theirs",
      OTEL_SDK_DISABLED: "true",
      HOOKSPAN_CAPTURE: "full",
      API_KEY: "secret",
    };
    for (const payload of [STARTED, PROMPT, STOP, ENDED]) expect(await installed.hook(payload, project)).toEqual(QUIET);
    const pid = await installed.bridge();
    await vi.waitFor(async () => expect(await installed.bridges()).toEqual([pid]), WAIT);
    expect(processFacts(pid)).toEqual({ cwd: "/", isSessionLeader: true, descriptors: ["/dev/null"] });
    expect(
      Object.keys(environmentOf(pid)).filter(
        (name) => !/^(PATH|HOME|XDG_\w+|HOOKSPAN_(HOME|CONFIG|ENDPOINT)|PWD|SHLVL|_|OLDPWD)$/.test(name),
      ),
    ).toEqual([]);

    await vi.waitFor(() => expect(installed.spans()).toHaveLength(2), WAIT);
    const sent = JSON.stringify(installed.recorder.requests.map(({ headers, body }) => [headers, body]));
    expect(sent).not.toMatch(/x-project|secret|nowhere/);
  });

  test("fifty hooks at once on a cold directory end with one bridge and fifty events", async () => {
    const installed = await install();
    const calls = Array.from({ length: 50 }, (_, i) => ({
      ...TURN,
      hook_event_name: "PreToolUse",
      tool_name: "Bash",
      tool_use_id: `toolu_${i}`,
    }));
    const ends = await Promise.all(calls.map((payload) => installed.hook(payload)));
    expect(ends).toEqual(calls.map(() => QUIET));
    const pid = await installed.bridge();
    await vi.waitFor(async () => expect(await installed.bridges()).toEqual([pid]), WAIT);
    expect(await installed.run(["flush", "--close"])).toEqual({ code: 0, stdout: "", stderr: "" });
    const ids = installed
      .spans()
      .filter(({ name }) => name === "execute_tool Bash")
      .map(({ spanId }) => spanId);
    expect([ids.length, new Set(ids).size]).toEqual([50, 50]);
    expect(await status(installed)).toMatchObject({ events: { folded: 50 }, spool: { items: 0 }, held: { items: 0 } });
  });

  test("killed: the next hook starts another, which goes on where it was", async () => {
    const installed = await install();
    for (const payload of [STARTED, PROMPT]) await installed.hook(payload);
    const first = await installed.bridge();
    await vi.waitFor(() => expect(installed.counted("hookspan.session.count")).toBe(1), WAIT);
    kill(first, "SIGKILL");
    await vi.waitFor(() => expect(kill(first, 0)).toBe(false), WAIT);
    // The dead bridge's lease still lies there, its time in the future.
    expect(existsSync(join(installed.state, "lease"))).toBe(true);
    for (const payload of [STOP, ENDED]) expect(await installed.hook(payload)).toEqual(QUIET);
    await vi.waitFor(() => expect(installed.spans()).toHaveLength(2), WAIT);
    expect(await installed.bridge()).not.toBe(first);
    expect(
      installed
        .spans()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(["invoke_agent claude-code", "session claude-code"]);
    await vi.waitFor(() => expect(installed.counted("hookspan.run.count")).toBe(1), WAIT);
    expect(installed.counted("hookspan.session.count")).toBe(1);
  });

  test("asked to leave: it has taken everything in, says what it has to say, and takes its marks away", async () => {
    const installed = await install();
    for (const payload of [STARTED, PROMPT]) await installed.hook(payload);
    const pid = await installed.bridge();
    for (const payload of [STOP, ENDED]) await installed.hook(payload);
    kill(pid, "SIGTERM");
    await vi.waitFor(async () => expect(await installed.bridges()).toEqual([]), WAIT);
    expect(["lease", "bridge.json", "commit.json"].filter((name) => existsSync(join(installed.state, name)))).toEqual(
      [],
    );
    expect(installed.spool()).toEqual([]);
    expect(installed.counted("hookspan.session.count")).toBe(1);
    expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0 });
    expect(installed.spans()).toHaveLength(2);
  });

  test("switched off: the hook writes nothing and starts nothing, and a bridge leaves at once", async () => {
    const installed = await install();
    const off = { HOOKSPAN_DISABLED: "true" };
    expect(await installed.hook(PROMPT, off)).toEqual(QUIET);
    expect(existsSync(installed.state)).toBe(false);
    expect(await installed.run(["bridge"], off)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("HOOKSPAN_DISABLED"),
    });
    expect(await installed.bridges()).toEqual([]);
  });
});

describe("in the foreground", { timeout: 60_000 }, () => {
  test("it says that another has the directory, and which", async () => {
    const installed = await install();
    const { ended } = installed.start(["bridge"]);
    const pid = await installed.bridge();
    const second = await installed.run(["bridge"]);
    expect(second).toMatchObject({ code: 1, stdout: "" });
    expect(second.stderr).toContain(`another bridge (pid ${pid}) has ${installed.state}`);
    kill(pid, "SIGTERM");
    expect(await ended).toMatchObject({ code: 0 });
  });

  test("it takes what the hooks bring, and OTEL_* of the shell that it was started in", async () => {
    const installed = await install();
    const env = {
      HOOKSPAN_ENDPOINT: "",
      OTEL_EXPORTER_OTLP_ENDPOINT: installed.recorder.url,
      OTEL_EXPORTER_OTLP_HEADERS: "x-team=ours",
    };
    const { child, ended } = installed.start(["bridge"], env);
    await installed.bridge();
    for (const payload of [STARTED, PROMPT, STOP, ENDED]) expect(await installed.hook(payload)).toEqual(QUIET);
    await vi.waitFor(() => expect(installed.spans()).toHaveLength(2), WAIT);
    expect(installed.recorder.requests[0]?.headers).toMatchObject({ "x-team": "ours" });
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 0 });
  });
});

describe("flush", { timeout: 60_000 }, () => {
  test("delivers what has ended, keeps what has not, and with --close ends it", async () => {
    const installed = await install();
    const noBridge = { HOOKSPAN_AUTOSTART: "0" };
    for (const payload of [STARTED, PROMPT]) await installed.hook(payload, noBridge);
    expect(await installed.run(["flush"])).toEqual({ code: 0, stdout: "", stderr: "" });
    expect([installed.spans().length, installed.counted("hookspan.session.count")]).toEqual([0, 1]);
    expect(await installed.run(["flush", "--close"])).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(
      installed
        .spans()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(["invoke_agent claude-code", "session claude-code"]);
    expect(installed.spool()).toEqual([]);
    expect(await status(installed)).toMatchObject({
      held: { items: 0 },
      outbox: { items: 0 },
      bridge: { status: "not running" },
    });
  });

  test("with nobody listening it says so in time and keeps the data, for a later one to deliver", async () => {
    const installed = await install();
    for (const payload of [STARTED, PROMPT, STOP, ENDED]) await installed.hook(payload, { HOOKSPAN_AUTOSTART: "0" });
    const failed = await installed.run(["flush", "--close", "--timeout", "2", "--endpoint", "http://127.0.0.1:1"]);
    expect(failed).toMatchObject({ code: 1, stdout: "" });
    expect(failed.stderr).toMatch(
      /ECONNREFUSED 127\.0\.0\.1:1.*\nhookspan: not flushed within 2 s: spans are left in the outbox: .*ECONNREFUSED.*\n$/,
    );
    expect(await installed.run(["flush"])).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(installed.spans()).toHaveLength(2);
    expect(installed.counted("hookspan.run.count")).toBe(1);
  });

  test("stops a bridge that lives", async () => {
    const installed = await install();
    await installed.hook(STARTED);
    const pid = await installed.bridge();
    expect(await installed.run(["flush"])).toMatchObject({ code: 0 });
    await vi.waitFor(() => expect(kill(pid, 0)).toBe(false), WAIT);
  });
});

async function status(installed: Installed): Promise<unknown> {
  const { stdout } = await installed.run(["status", "--json"]);
  return JSON.parse(stdout);
}

/** From /proc: Linux alone tells so much of another process. */
function processFacts(pid: number): { cwd: string; isSessionLeader: boolean; descriptors: string[] } {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  const descriptors = new Set(["0", "1", "2"].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)));
  return {
    cwd: readlinkSync(`/proc/${pid}/cwd`),
    isSessionLeader: fields[3] === String(pid),
    descriptors: [...descriptors],
  };
}

function environmentOf(pid: number): Record<string, string> {
  const lines = readFileSync(`/proc/${pid}/environ`, "utf8")
    .split("\0")
    .filter((line) => line !== "");
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}
