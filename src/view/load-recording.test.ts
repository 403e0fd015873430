import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadRecording } from "./load-recording.ts";

const BUNDLED = join(import.meta.dirname, "recording");

let dir = "";

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "hookspan-test-"));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

test("the bundled recording: one session, four subagents", () => {
  const { hooks, home, transcripts, metas, startNs } = loadRecording(BUNDLED);
  expect({ home, startNs }).toEqual({ home: "/home/user", startNs: 1_795_196_716_821_868_000n });
  expect([hooks.length, hooks[0]?.event, hooks.at(-1)?.event]).toEqual([44, "SessionStart", "SessionEnd"]);
  expect(hooks[0]?.stdin).toMatch(/^\{"session_id":"8ca4fbb7-[^\n]*\}\n$/);
  expect(transcripts).toHaveLength(5);
  expect(transcripts.map(({ path }) => path)).toContain(JSON.parse(hooks[0]?.stdin ?? "").transcript_path);
  expect(metas.map(({ path }) => basename(dirname(path)))).toEqual(Array.from({ length: 4 }, () => "subagents"));
});

test("what says which call launched a subagent is there before the subagent's first tool", () => {
  const { hooks, metas } = loadRecording(BUNDLED);
  const late = metas.filter(({ path, atNs }) => {
    const id = basename(path).replace(/^agent-|\.meta\.json$/g, "");
    const first = hooks.find(({ event, stdin }) => event === "PreToolUse" && JSON.parse(stdin).agent_id === id);
    return first === undefined || first.atNs <= atNs;
  });
  expect(late).toEqual([]);
});

test("a line without a time has that of the line before; copied lines are not older than their file", () => {
  write("hooks.jsonl", hookLine("1795196717000000000", "/home/user/.claude/projects/p/s.jsonl"));
  write(
    "transcripts/p/s.jsonl",
    '{"timestamp":"2026-11-20T17:45:10.000Z"}',
    '{"x":1}',
    '{"timestamp":"2026-11-20T17:45:18.000Z"}',
    '{"type":"cost-state"}',
  );
  const [transcript] = loadRecording(dir).transcripts;
  expect(transcript?.lines.map(({ atNs }) => atNs)).toEqual([
    1_795_196_717_000_000_000n,
    1_795_196_717_000_000_000n,
    1_795_196_718_000_000_000n,
    1_795_196_718_000_000_000n,
  ]);
});

test.for<[string, string, string]>([
  ["Codex", "rollout-1.jsonl", "/home/user/.codex/sessions/2026/11/20/rollout-1.jsonl"],
  ["Gemini CLI", "chat-session-1.jsonl", "/home/user/.gemini/tmp/project/chats/session-1.jsonl"],
])("a transcript beside the hooks is the one that the payloads name: %s", ([, file, path]) => {
  write("hooks.jsonl", hookLine("1795196717000000000", path));
  write(file, '{"timestamp":"2026-11-20T17:45:18.000Z"}');
  write("driver.jsonl", "not looked at");
  expect(loadRecording(dir).transcripts.map((transcript) => transcript.path)).toEqual([path]);
});

test("a folder without hook calls", () => {
  write("hooks.jsonl");
  expect(() => loadRecording(dir)).toThrow("holds no hook call");
});

function write(file: string, ...lines: string[]): void {
  mkdirSync(dirname(join(dir, file)), { recursive: true });
  writeFileSync(join(dir, file), lines.map((line) => `${line}\n`).join(""));
}

function hookLine(ts_ns: string, transcript_path: string): string {
  return JSON.stringify({ ts_ns, event: "SessionStart", stdin: { transcript_path } });
}
