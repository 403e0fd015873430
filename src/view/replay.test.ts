import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Recording } from "./load-recording.ts";
import { moveTimes, relocate, replay, replaySteps } from "./replay.ts";

const MS = 1_000_000n;
const START_NS = 1_795_196_717_000n * MS;
const TRANSCRIPT = "/home/user/.claude/projects/p/s.jsonl";
const META = "/home/user/.claude/projects/p/s/subagents/agent-1.meta.json";

const RECORDING: Recording = {
  startNs: START_NS,
  home: "/home/user",
  hooks: [
    { atNs: START_NS, event: "SessionStart", stdin: `{"transcript_path":"${TRANSCRIPT}"}\n` },
    { atNs: START_NS + 20n * MS, event: "Stop", stdin: '{"cwd":"/home/user/project"}\n' },
  ],
  transcripts: [
    {
      path: TRANSCRIPT,
      lines: [
        {
          atNs: START_NS + 10n * MS,
          text: '{"type":"user","timestamp":"2026-11-20T17:45:17.010Z"}',
        },
        {
          atNs: START_NS + 20n * MS,
          text: '{"type":"assistant","timestamp":"2026-11-20T17:45:17.020Z"}',
        },
        { atNs: START_NS + 30n * MS, text: '{"type":"cost-state","startTime":1795196716900}' },
      ],
    },
  ],
  metas: [{ path: META, atNs: START_NS + 10n * MS, text: "{}" }],
};

let root = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "hookspan-test-"));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

test("steps come in order of time, files before a hook of the same instant", () => {
  const steps = replaySteps(RECORDING).map((step) => (step.kind === "hook" ? step.event : step.kind));
  expect(steps).toEqual(["SessionStart", "meta", "line", "line", "Stop", "line"]);
});

test("hooks find the transcript as far as it was written then, moved to another place and to now", async () => {
  const beforeMs = Date.now();
  const calls: { event: string; stdin: string; cwd: string; lines: number }[] = [];
  const transcript = join(root, ".claude/projects/p/s.jsonl");
  await replay(RECORDING, {
    root,
    runHook: async (call) => {
      calls.push({ ...call, lines: existsSync(transcript) ? linesOf(transcript).length : 0 });
    },
  });
  const cwd = `${root}/project`;
  expect(calls).toEqual([
    { event: "SessionStart", stdin: `{"transcript_path":"${transcript}"}\n`, cwd, lines: 0 },
    { event: "Stop", stdin: `{"cwd":"${cwd}"}\n`, cwd, lines: 2 },
  ]);
  const times = linesOf(transcript).flatMap((line) =>
    (/"timestamp":"([^"]+)"/.exec(line) ?? []).slice(1).map((at) => Date.parse(at)),
  );
  expect(times.filter((at) => at >= beforeMs && at <= Date.now())).toHaveLength(2);
  expect(readFileSync(META.replace("/home/user", root), "utf8")).toBe("{}");
});

test("ends when it is told to", async () => {
  const controller = new AbortController();
  const runHook = async (): Promise<void> => controller.abort();
  await expect(replay(RECORDING, { root, runHook, signal: controller.signal })).rejects.toMatchObject({
    name: "AbortError",
  });
});

test.for<[string, string, string]>([
  ["a line", '{"timestamp":"2026-11-20T17:45:17.010Z","x":1}', '{"timestamp":"2026-11-20T17:45:18.010Z","x":1}'],
  [
    "every time in a line",
    '{"a":{"timestamp":"2026-11-20T17:45:17Z"},"timestamp":"2026-11-20T17:45:17Z"}',
    '{"a":{"timestamp":"2026-11-20T17:45:18.000Z"},"timestamp":"2026-11-20T17:45:18.000Z"}',
  ],
  [
    "a time inside a text stays",
    '{"text":"\\"timestamp\\":\\"2026-11-20T17:45:17.010Z\\""}',
    '{"text":"\\"timestamp\\":\\"2026-11-20T17:45:17.010Z\\""}',
  ],
  [
    "the start of a client",
    '{"type":"cost-state","startTime":1795196716900}',
    '{"type":"cost-state","startTime":1795196716905}',
  ],
  [
    "a startTime elsewhere stays",
    '{"type":"user","startTime":1795196716900}',
    '{"type":"user","startTime":1795196716900}',
  ],
])("moved times: %s", ([, text, moved]) => {
  expect(moveTimes(text, 1000n * MS, 5n * MS)).toBe(moved);
});

test("a home that needs escapes in JSON", () => {
  const moved = relocate('{"cwd":"/home/user/project"}', "/home/user", 'C:\\temp\\"x"');
  expect(JSON.parse(moved)).toEqual({ cwd: 'C:\\temp\\"x"/project' });
});

function linesOf(path: string): string[] {
  return readFileSync(path, "utf8").trimEnd().split("\n");
}
