// The status line tap: the user's own status line sees and says what it would without it, and one small file is kept.
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { once } from "node:events";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { programPath } from "../support/hook-tree.ts";
import { tempDirectory } from "../support/temp-state.ts";

const SCRIPT = join(import.meta.dirname, "..", "..", "hooks", "hookspan-statusline.sh");

const SHELLS: { name: string; runner: string[] }[] = [
  { name: "dash", runner: ["dash"] },
  { name: "busybox sh", runner: ["busybox", "sh"] },
  { name: "bash", runner: ["bash"] },
  { name: "bash --posix", runner: ["bash", "--posix"] },
];

const COST = {
  total_cost_usd: 0.5,
  total_duration_ms: 45_000,
  total_api_duration_ms: 2300,
  total_lines_added: 1,
  total_lines_removed: 2,
};
const PAYLOAD = {
  hook_event_name: "Status",
  session_id: "6f0e0000-0000-4000-8000-000000000001",
  transcript_path: "/home/user/.claude/projects/p/s.jsonl",
  cwd: '/home/user/a "session_id":"forged" \\"cost\\":{"total_cost_usd":99}',
  model: { id: "claude-opus-5-5", display_name: "Opus é" },
  cost: COST,
  exceeds_200k_tokens: false,
};
const FILE = `${PAYLOAD.session_id}.json`;

describe.for(SHELLS)("under $name", ({ runner }) => {
  test.for<[string, string | Uint8Array]>([
    ["one line", `${JSON.stringify(PAYLOAD)}\n`],
    ["no newline at its end", JSON.stringify(PAYLOAD)],
    ["newlines at its end", `${JSON.stringify(PAYLOAD)}\n\n\n`],
    ["nothing", ""],
    ["1 MB", `${JSON.stringify({ ...PAYLOAD, text: "x".repeat(2 ** 20) })}\n`],
    ["bytes that are no text", Buffer.from([0xff, 0xfe, 0x78, 0xc3, 0x0a])],
    ["what a shell would expand", "$(exit 9) `exit 9` \\n %s * ~ $HOME '\""],
  ])("the command gets its stdin as it came: %s", async ([, input]) => {
    const tap = createTap(runner);
    expect(await tap.run(input, ["--", "cat"])).toEqual({
      code: 0,
      signal: null,
      stdout: Buffer.from(input).toString("latin1"),
      stderr: "",
    });
  });

  test.for<[string, string[], object]>([
    [
      "says what it says",
      ["sh", "-c", "echo out; echo err >&2; exit 3"],
      { code: 3, stdout: "out\n", stderr: "err\n" },
    ],
    ["reads nothing", ["sh", "-c", "exec <&-; echo out"], { stdout: "out\n" }],
    ["has arguments with blanks and stars", ["printf", "<%s>", "a b", "*", ""], { stdout: "<a b><*><>" }],
    ["dies of a signal", ["sh", "-c", "kill -TERM $$"], { code: null, signal: "SIGTERM" }],
    ["is killed", ["sh", "-c", "kill -KILL $$"], { code: null, signal: "SIGKILL" }],
    ["ends with a large code", ["sh", "-c", "exit 255"], { code: 255 }],
    [
      "has its own umask and variables",
      ["sh", "-c", "umask; echo $id $file $rest"],
      { stdout: "0027\nmine mine mine\n" },
    ],
  ])("a command that %s", async ([, command, expected]) => {
    const tap = createTap(runner);
    const quiet = { code: 0, signal: null, stdout: "", stderr: "" };
    expect(await tap.run(`${JSON.stringify(PAYLOAD)}\n`, ["--", ...command])).toEqual({ ...quiet, ...expected });
    expect(tap.kept()).toEqual([FILE]);
  });

  test("a command that is not there", async () => {
    const run = await createTap(runner).run("{}\n", ["--", "no-such-command"]);
    expect(run).toMatchObject({ code: 127, stdout: "", stderr: expect.stringContaining("no-such-command") });
  });

  test("without a command it says nothing, and keeps the cost and the id, and nothing else", async () => {
    const tap = createTap(runner);
    expect(await tap.run(`${JSON.stringify(PAYLOAD)}\n`)).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
    expect(tap.kept()).toEqual([FILE]);
    expect(JSON.parse(tap.content())).toEqual({ v: 1, session_id: PAYLOAD.session_id, cost: COST });
    const modes = [tap.directory, join(tap.directory, FILE)].map((path) => statSync(path).mode & 0o777);
    expect(modes).toEqual([0o700, 0o600]);
  });

  test("the file is replaced when a total has changed, and only then", async () => {
    const tap = createTap(runner);
    const inodeOf = async (cost: object): Promise<number> => {
      await tap.run(`${JSON.stringify({ ...PAYLOAD, cost: { ...COST, ...cost } })}\n`);
      return statSync(join(tap.directory, FILE)).ino;
    };
    const first = await inodeOf({});
    // A file that was replaced has another inode while this name holds the old one.
    expect(await inodeOf({ total_duration_ms: 46_000 })).toBe(first);
    expect(JSON.parse(tap.content()).cost).toEqual(COST);
    for (const change of [{ total_cost_usd: 0.75 }, { total_lines_added: 9 }, { total_lines_removed: 9 }]) {
      await inodeOf(change);
      expect(JSON.parse(tap.content()).cost).toEqual({ ...COST, ...change });
    }
    expect(tap.kept()).toEqual([FILE]);
  });

  test.for<[string, object]>([
    ["no session", { session_id: undefined }],
    ["a session id that is a path", { session_id: "../../x" }],
    ["an empty session id", { session_id: "" }],
    ["a session id that is too long", { session_id: "x".repeat(129) }],
    ["no cost", { cost: undefined }],
    ["cost: null", { cost: null }],
    ["a cost that is text", { cost: "12" }],
    ["a cost with text in it", { cost: { total_cost_usd: "a`b" } }],
  ])("%s: nothing is kept", async ([, change]) => {
    const tap = createTap(runner);
    expect(await tap.run(`${JSON.stringify({ ...PAYLOAD, ...change })}\n`)).toMatchObject({ code: 0, stderr: "" });
    expect(tap.kept()).toEqual([]);
  });

  test.for<[string, (tap: Tap) => NodeJS.ProcessEnv]>([
    ["is not there", ({ state }) => ({ HOOKSPAN_HOME: join(state, "none") })],
    ["is a relative path", () => ({ HOOKSPAN_HOME: "state" })],
    ["is a file", ({ root }) => (writeFileSync(join(root, "file"), ""), { HOOKSPAN_HOME: join(root, "file") })],
    ["is a link", ({ root, state }) => (symlinkSync(state, join(root, "link")), { HOOKSPAN_HOME: join(root, "link") })],
    ["has something else in its place", ({ directory }) => (writeFileSync(directory, ""), {})],
    ["has a link in its place", ({ root, directory }) => (symlinkSync(root, directory), {})],
    ["is full", ({ directory }) => (fill(directory), {})],
    ["is not known", () => ({ HOOKSPAN_HOME: undefined, HOME: undefined })],
    ["is switched off", () => ({ HOOKSPAN_DISABLED: "yes" })],
  ])("the status line lives where the state directory %s", async ([, arrange]) => {
    const tap = createTap(runner);
    const env = arrange(tap);
    const input = `${JSON.stringify(PAYLOAD)}\n`;
    expect(await tap.run(input, ["--", "cat"], env)).toEqual({
      code: 0,
      signal: null,
      stdout: Buffer.from(input).toString("latin1"),
      stderr: "",
    });
    expect(existsSync(join(tap.directory, FILE))).toBe(false);
  });
});

type Tap = ReturnType<typeof createTap>;

function createTap(runner: readonly string[]) {
  const root = tempDirectory();
  const state = join(root, `it's a "state" $HOME *`);
  const directory = join(state, "statusline");
  mkdirSync(state, { mode: 0o700 });
  const env = { PATH: process.env["PATH"], HOME: root, HOOKSPAN_HOME: state, id: "mine", file: "mine", rest: "mine" };
  return {
    root,
    state,
    directory,
    kept: () => (existsSync(directory) ? readdirSync(directory) : []),
    content: () => readFileSync(join(directory, FILE), "utf8"),
    run: async (input: string | Uint8Array, args: string[] = [], more: NodeJS.ProcessEnv = {}) => {
      const [shell = "", ...rest] = runner;
      const command = [programPath(shell), ...rest, SCRIPT, ...args];
      const child = spawn("sh", ["-c", 'umask 027; exec "$@"', "sh", ...command], {
        env: { ...env, ...more },
        cwd: root,
      });
      const output = { stdout: "", stderr: "" };
      child.stdout.on("data", (chunk: Buffer) => (output.stdout += chunk.toString("latin1")));
      child.stderr.on("data", (chunk: Buffer) => (output.stderr += chunk.toString("latin1")));
      // Who reads nothing may be gone before all is written.
      child.stdin.on("error", () => {});
      child.stdin.end(input);
      await once(child, "close");
      return { code: child.exitCode, signal: child.signalCode, ...output };
    },
  };
}

/** As many files as the tap makes at most. */
function fill(directory: string): void {
  mkdirSync(directory);
  for (let i = 0; i < 1000; i++) writeFileSync(join(directory, `${i}.json`), "");
  chmodSync(directory, 0o700);
}
