/** What every wrapper must do, whatever it is written in: the hook is as without it, and its run is reported. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { describe, expect, test, vi } from "vitest";

import type { Envelope } from "../../src/event/envelope.ts";
import { parseEnvelope } from "../../src/event/envelope.ts";
import { tempDirectory } from "../support/temp-state.ts";

/** A program that keeps the wrapper's contract. */
export type Wrapper = {
  name: string;
  /** Files of the package that it needs: from, and where they lie in it. */
  files: readonly (readonly [from: string, to: string])[];
  /** Makes of such a file what another system would make of it. */
  edit?: (text: string) => string;
  /** Program and arguments that make a wrapper of the package in `root`. */
  runner: (root: string) => string[];
};

type Run = { code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string };

const MEGABYTE = 1024 * 1024;
const PAYLOAD = '{"session_id":"s","hook_event_name":"PreToolUse"}\n';

/** Registers the contract for one wrapper. */
export function testWrapper(wrapper: Wrapper): void {
  describe.for([
    ["the hook is as without it", testSameness],
    ["the report", testReport],
  ] as const)(`${wrapper.name}: %s`, ([, register]) => {
    register(wrapper);
  });
}

function testSameness(wrapper: Wrapper): void {
  test.for<[string, string, string | Uint8Array]>([
    ["success", "exit 0", PAYLOAD],
    ["a no", "echo because >&2; exit 2", PAYLOAD],
    ["another code", "exit 77", PAYLOAD],
    ["both streams", "cat; echo told >&2", PAYLOAD],
    ["stdin that is not read", "exec <&-; echo done", Buffer.alloc(MEGABYTE, "x")],
    ["no stdin", "wc -c", ""],
    ["megabytes through", "cat", Buffer.alloc(5 * MEGABYTE, "line\n")],
    ["stdout that is closed", "exec >&-; echo told >&2", PAYLOAD],
    ["death by SIGKILL", "kill -KILL $$", PAYLOAD],
    ["death by SIGTERM", "kill -TERM $$", PAYLOAD],
    ["its environment", "env | grep -i -e hs_ -e hookspan_wrap; umask; pwd; exit 0", PAYLOAD],
    ["its descriptors", "ls /proc/self/fd", PAYLOAD],
    ["arguments", `printf '<%s>' "$@"`, PAYLOAD],
  ])("%s", async ([, script, input]) => {
    const tree = createTree(wrapper);
    const command = ["sh", "-c", script, "sh", "a b", "", "$HOME *", "--help"];
    const wrapped = await ended(tree.start(command), input);
    expect(wrapped).toEqual(await ended(tree.bare(command), input));
    await tree.report();
  });

  test("a command that is not there", async () => {
    const tree = createTree(wrapper);
    expect(await ended(tree.start(["no-such-hook"]), PAYLOAD)).toMatchObject({ code: 127, stdout: "" });
    expect((await tree.report()).wrap).toMatchObject({ code: "127" });
  });

  test("what comes is passed on as it comes, both ways", async () => {
    const tree = createTree(wrapper);
    const child = tree.start(["cat"]);
    for (const word of ["one", "two"]) {
      child.stdin?.write(word);
      const [chunk] = await once(child.stdout ?? child, "data");
      expect(String(chunk)).toBe(word);
    }
    expect(await ended(child, "")).toMatchObject({ code: 0 });
    expect(Buffer.from((await tree.report()).payload).toString()).toBe("onetwo");
  });

  test("an agent that does not end stdin does not wait for more than the hook", async () => {
    const tree = createTree(wrapper);
    const child = tree.start(["sh", "-c", "exit 3"]);
    child.stdin?.write(PAYLOAD);
    await once(child, "exit");
    expect(child.exitCode).toBe(3);
    expect((await tree.report()).wrap).toMatchObject({ code: "3" });
    child.stdin?.destroy();
  });

  test.for(["SIGTERM", "SIGINT", "SIGHUP"] as const)("%s to the wrapper alone reaches the hook", async (signal) => {
    const tree = createTree(wrapper);
    const word = signal.slice(3);
    const script = `trap 'echo got; exit 7' ${word}; echo up; while :; do sleep 0.05; done`;
    const child = tree.start(["sh", "-c", script]);
    const run = collected(child);
    child.stdin?.end(PAYLOAD);
    await once(child.stdout ?? child, "data");
    child.kill(signal);
    expect(await run).toMatchObject({ code: 7, stdout: "up\ngot\n" });
    expect((await tree.report()).wrap).toMatchObject({ code: "7" });
  });

  test("SIGTERM to the whole group ends the hook and is reported", async () => {
    const tree = createTree(wrapper);
    const child = tree.start(["sh", "-c", "echo up; exec sleep 100"]);
    const run = collected(child);
    child.stdin?.end(PAYLOAD);
    await once(child.stdout ?? child, "data");
    process.kill(-(child.pid ?? 0), "SIGTERM");
    expect(await run).toMatchObject({ signal: "SIGTERM" });
    expect((await tree.report()).wrap).toMatchObject({ code: "143" });
  });

  test("a child that the hook leaves behind holds up nobody", async () => {
    const tree = createTree(wrapper);
    const child = tree.start(["sh", "-c", "sleep 100 & echo $!"]);
    const [left] = await once((child.stdin?.end(PAYLOAD), child.stdout ?? child), "data");
    await once(child, "exit");
    expect(child.exitCode).toBe(0);
    process.kill(Number(String(left)));
    await tree.report();
  });

  test.for<[string, (tree: Tree) => NodeJS.ProcessEnv]>([
    ["no home", () => ({ HOOKSPAN_HOME: undefined, HOME: undefined })],
    ["a state directory below a file", (tree) => ({ HOOKSPAN_HOME: join(tree.file, "state") })],
    ["disabled", () => ({ HOOKSPAN_DISABLED: "1" })],
  ])("%s: the hook runs all the same", async ([, variables]) => {
    const tree = createTree(wrapper);
    const env = { ...tree.env, ...variables(tree) };
    const run = await ended(tree.start(["sh", "-c", "cat; exit 2"], [], env), PAYLOAD);
    expect(run).toEqual({ code: 2, signal: null, stdout: PAYLOAD, stderr: "" });
    expect(existsSync(join(tree.state, "spool"))).toBe(false);
  });

  test.for(["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])("what is closed with %s is no reason to say no", async (closed) => {
    const tree = createTree(wrapper);
    const through = ["/bin/sh", "-c", `exec "$@" ${closed}`, "sh"];
    expect(await ended(tree.start(["sh", "-c", "exit 4"], through), PAYLOAD)).toMatchObject({ code: 4 });
  });

  test("no other program is to be found: the hook runs all the same", async () => {
    const tree = createTree(wrapper);
    mkdirSync(join(tree.state, "wrap"), { recursive: true, mode: 0o700 });
    writeFileSync(join(tree.state, "wrap", "env-resets"), "");
    const command = ["/bin/sh", "-c", 'read -r line; echo "$line $PATH"; exit 2'];
    const run = await ended(tree.start(command, [], { ...tree.env, PATH: "/nowhere" }), PAYLOAD);
    expect(run).toEqual({ code: 2, signal: null, stdout: `${PAYLOAD.trim()} /nowhere\n`, stderr: "" });
  });

  test("a disk that takes nothing: the hook runs all the same", async () => {
    const tree = createTree(wrapper);
    const through = ["/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "sh"];
    // What it has for itself is nobody's word.
    const run = await ended(tree.start(["sh", "-c", "cat; exit 2"], through), PAYLOAD);
    expect(run).toEqual({ code: 2, signal: null, stdout: PAYLOAD, stderr: "" });
  });

  test("a mistake in its own arguments is no hook's no", async () => {
    const tree = createTree(wrapper);
    const child = spawn(tree.runner[0] ?? "", [...tree.runner.slice(1), "--event", "Stop"], { env: tree.env });
    expect(await ended(child, PAYLOAD)).toMatchObject({ code: 1, stdout: "" });
  });
}

function testReport(wrapper: Wrapper): void {
  test("says who, how and how long, with the payload as it came", async () => {
    const tree = createTree(wrapper);
    await ended(tree.start(["sh", "-c", "exit 5"]), PAYLOAD);
    const { agent, event, wrap, payload } = await tree.report();
    expect({ agent, event }).toEqual({ agent: "codex", event: "PreToolUse" });
    expect(wrap).toMatchObject({ name: "guard", settings: "/etc/codex/hooks.json", code: "5", home: tree.env["HOME"] });
    expect(Number(wrap?.["ended"]) - Number(wrap?.["began"])).toBeGreaterThanOrEqual(0);
    expect(Buffer.from(payload).toString()).toBe(PAYLOAD);
    await vi.waitFor(() => expect(leftovers(tree)).toEqual([]), 10_000);
  });

  test.for([
    ["decision", '{"decision": "block", "reason": "x"}', "block"],
    ["permission, over lines", '{\n "hookSpecificOutput": {\n  "permissionDecision" : "deny" }\n}', "block"],
    ["an end", ' {"continue":false}', "stop"],
    ["an end and a no", '{"decision":"block","continue": false}', "stop"],
    ["a yes", '{"decision":"approve","continue":true}', undefined],
    ["in a text", String.raw`{"reason":"\"decision\":\"block\""}`, undefined],
    ["not JSON", 'say {"decision":"block"}', undefined],
  ] as const)("what was printed: %s", async ([, printed, decision]) => {
    const tree = createTree(wrapper);
    await ended(tree.start(["printf", "%s", printed]), PAYLOAD);
    expect((await tree.report()).wrap?.["decision"]).toBe(decision);
  });
}

type Tree = ReturnType<typeof createTree>;

function createTree(wrapper: Wrapper) {
  const root = join(tempDirectory(), `it's a "tree" $HOME *`);
  const state = join(root, "state");
  for (const [from, to] of wrapper.files) {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    if (wrapper.edit === undefined) cpSync(from, join(root, to));
    else writeFileSync(join(root, to), wrapper.edit(readFileSync(from, "utf8")));
  }
  const file = join(root, "file");
  writeFileSync(file, "");
  const runner = wrapper.runner(root);
  const env: NodeJS.ProcessEnv = {
    PATH: process.env["PATH"],
    HOME: join(root, "home"),
    HOOKSPAN_HOME: state,
    HOOKSPAN_AUTOSTART: "0",
  };
  const own = ["--agent", "codex", "--event", "PreToolUse", "--name", "guard", "--settings", "/etc/codex/hooks.json"];
  const start = (command: string[], through: string[] = [], environment = env): ChildProcess => {
    const [program = "", ...args] = [...through, ...runner, ...own, "--", ...command];
    return spawn(program, args, { cwd: root, env: environment, detached: true });
  };
  return {
    root,
    state,
    file,
    env,
    runner,
    start,
    bare: ([program = "", ...args]: string[]) => spawn(program, args, { cwd: root, env, detached: true }),
    /** The one envelope, when it is whole. */
    report: () => vi.waitFor(() => onlyEnvelope(join(state, "spool")), 20_000),
  };
}

function onlyEnvelope(spool: string): Envelope {
  const [name = "", ...more] = readdirSync(spool);
  const parsed = parseEnvelope(readFileSync(join(spool, name)), BigInt(Date.now()) * 1_000_000n);
  if (parsed.status !== "whole" || more.length > 0) throw new Error(`not one whole envelope: ${parsed.status}`);
  return parsed.envelope;
}

/** What a wrapper keeps beside is for a moment only. */
function leftovers(tree: Tree): string[] {
  const folder = join(tree.state, "wrap");
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.includes(".")) : [];
}

function ended(child: ChildProcess, input: string | Uint8Array): Promise<Run> {
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  return collected(child);
}

async function collected(child: ChildProcess): Promise<Run> {
  const run = { stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk: Buffer) => (run.stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (run.stderr += chunk.toString()));
  await once(child, "close");
  return { code: child.exitCode, signal: child.signalCode, ...run };
}
