// Situations of Codex that no recording has, made out of recorded ones: what is left out, cut off, told twice or not at all.
import { describe, expect, test } from "vitest";
import * as z from "zod";

import { codex } from "../src/adapter/codex.ts";
import type { AgentEvent } from "../src/event/event.ts";
import { loadRecording } from "../src/view/load-recording.ts";
import { foldToEnd, lines, total, type Folded } from "./support/folded.ts";
import { recordedSessions } from "./support/recordings.ts";

type Fields = Record<string, unknown>;
type Moment = { atNs: bigint; hook?: Fields; line?: Fields };

const fields = z.record(z.string(), z.unknown());
const SECOND = 1_000_000_000n;
const OUTCOMES = ["hookspan.run.outcome", "hookspan.tool.outcome", "error.type", "process.exit.code"];
const ROLLOUT = "/home/user/.codex/sessions/2026/11/20/rollout-2026-11-20T17-51-05-s.jsonl";

describe("recorded, and", () => {
  test("killed in the middle of a call: nothing tells the end", () => {
    const all = story("one-shell");
    const cut = all.slice(0, all.findIndex(({ hook }) => hook?.["hook_event_name"] === "PreToolUse") + 1);
    const folded = fold(cut);
    expect(names(folded)).toEqual([
      "chat gpt-5.5",
      "execute_tool Bash unknown",
      "invoke_agent codex abandoned",
      "session codex",
    ]);
    expect(tokens(folded)).toBe(11_234 + 212);
  });

  test("met in its second process: what the first one did is history", () => {
    const all = story("resume");
    const second = all.find(({ hook }) => hook?.["source"] === "resume")?.atNs ?? 0n;
    const met = all.filter(({ hook, atNs }) => hook === undefined || atNs >= second);
    // The bridge reads the whole file once it knows of it.
    const folded = fold([...met.filter(({ hook }) => hook), ...met.filter(({ line }) => line)]);
    expect(names(folded).filter((name) => name.startsWith("invoke_agent"))).toEqual([
      "invoke_agent codex success",
      "invoke_agent codex success",
    ]);
    expect(tokens(folded)).toBe(11_602 + 164 + 12_040 + 305 + 12_588 + 96);
  });

  test("without a rollout: no tokens, and of a command nobody knows how it ended", () => {
    const hooks = story("failing-command").flatMap(({ hook, atNs }) =>
      hook === undefined ? [] : [{ atNs, hook: { ...hook, transcript_path: null } }],
    );
    expect(names(fold(hooks))).toEqual([
      "execute_tool Bash unknown",
      "execute_tool Bash unknown",
      "invoke_agent codex success",
      "session codex",
    ]);
  });

  test.each(["Stop", "PostToolUse", "SessionEnd", "SubagentStop"])(
    "without %s hooks: the rollout has the same to say",
    (name) => {
      for (const folder of ["failing-command", "subagent", "hook-outcomes"]) {
        const all = story(folder);
        const without = all.filter(({ hook }) => hook?.["hook_event_name"] !== name);
        expect(names(fold(without)).sort()).toEqual(names(fold(all)).sort());
      }
    },
  );

  test.each(recordedSessions("codex").map(({ folder }) => folder))("everything told twice: %s", (folder) => {
    const all = story(folder);
    const twice = all.flatMap((one) => [one, one]);
    expect(counts(fold(twice))).toEqual(counts(fold(all)));
    const again = [...all, ...all.filter(({ line }) => line)];
    expect(counts(fold(again))).toEqual(counts(fold(all)));
  });

  test.each(recordedSessions("codex").map(({ folder }) => folder))("cut off anywhere: %s", (folder) => {
    const all = story(folder);
    for (let end = 0; end <= all.length; end += 1) {
      const { spans, increments } = fold(all.slice(0, end));
      expect(spans.filter(({ startNs, endNs }) => endNs < startNs)).toEqual([]);
      expect(increments.filter(({ value }) => !Number.isFinite(value) || value < 0)).toEqual([]);
    }
  });
});

describe("made up:", () => {
  test("a manual compaction is a run of its own, without a prompt and a stop", () => {
    const folded = fold([
      hookAt(1, "SessionStart", { source: "startup" }),
      hookAt(2, "PreCompact", { turn_id: "t1", trigger: "manual" }),
      lineAt(3, "token_usage_record", {
        turn_id: "t1",
        response_id: "r1",
        usage: { input_tokens: 100, output_tokens: 10 },
      }),
      hookAt(4, "PostCompact", { turn_id: "t1", trigger: "manual" }),
      lineAt(5, "event_msg", { type: "task_complete", turn_id: "t1" }),
      hookAt(9, "SessionEnd", { reason: "other" }),
    ]);
    expect(names(folded)).toEqual(["compact codex", "chat unknown", "invoke_agent codex success", "session codex"]);
    expect(new Set(folded.spans.slice(0, 3).map(({ traceId }) => traceId)).size).toBe(1);
    expect(total(folded, "hookspan.compaction.count")).toBe(1);
  });

  test("a long command, looked after by polls, ends when its process ends", () => {
    const running = "Chunk ID: a\nWall time: 10 seconds\nProcess running with session ID 7\nOutput:\n";
    const folded = fold([
      hookAt(1, "UserPromptSubmit", { turn_id: "t1", prompt: "Go" }),
      lineAt(2, "response_item", { type: "function_call", name: "exec_command", call_id: "c1" }),
      hookAt(3, "PreToolUse", { turn_id: "t1", tool_name: "Bash", tool_use_id: "c1", tool_input: { command: "make" } }),
      lineAt(13, "response_item", { type: "function_call_output", call_id: "c1", output: running }),
      lineAt(14, "response_item", { type: "function_call", name: "write_stdin", call_id: "c2" }),
      lineAt(20, "event_msg", {
        type: "item_completed",
        turn_id: "t1",
        item: { type: "CommandExecution", id: "c1", status: "failed", exit_code: 2 },
      }),
      hookAt(21, "PostToolUse", { turn_id: "t1", tool_name: "Bash", tool_use_id: "c1", tool_response: "" }),
      lineAt(22, "response_item", {
        type: "function_call_output",
        call_id: "c2",
        output: "Wall time: 6 seconds\nProcess exited with code 2\n",
      }),
      lineAt(23, "event_msg", { type: "task_complete", turn_id: "t1" }),
    ]);
    expect(names(folded)).toEqual([
      "execute_tool Bash error command_failed 2",
      "invoke_agent codex success",
      "session codex",
    ]);
    expect(spanSeconds(folded, "execute_tool Bash")).toBe(17);
  });

  test("a call that the user declined, after a question", () => {
    const folded = fold([
      hookAt(1, "UserPromptSubmit", { turn_id: "t1", prompt: "Go" }),
      lineAt(2, "response_item", { type: "function_call", name: "exec_command", call_id: "c1" }),
      hookAt(3, "PreToolUse", { turn_id: "t1", tool_name: "Bash", tool_use_id: "c1", tool_input: { command: "rm" } }),
      hookAt(4, "PermissionRequest", {
        turn_id: "t1",
        tool_name: "Bash",
        tool_input: { command: "rm", description: "why" },
      }),
      lineAt(9, "response_item", {
        type: "function_call_output",
        call_id: "c1",
        output: "exec command rejected by user",
      }),
      lineAt(10, "event_msg", { type: "turn_aborted", turn_id: "t1", reason: "interrupted" }),
    ]);
    expect(names(folded)).toEqual(["execute_tool Bash denied", "invoke_agent codex interrupted", "session codex"]);
    expect(folded.spans[0]?.attributes["hookspan.tool.wait"]).toBe(5);
    expect(total(folded, "hookspan.tool.decision.count", { "hookspan.tool.decision": "deny" })).toBe(1);
  });

  test("a fork names the session that it is from, and counts only its own calls", () => {
    const folded = fold([
      hookAt(1, "SessionStart", { source: "fork" }),
      hookAt(2, "UserPromptSubmit", { turn_id: "t1", prompt: "Go" }),
      lineAt(0, "session_meta", { id: "s", forked_from_id: "s0", cli_version: "0.169.0" }),
      lineAt(3, "token_usage_record", {
        turn_id: "t1",
        response_id: "r9",
        usage: { input_tokens: 7, output_tokens: 1 },
      }),
      lineAt(4, "event_msg", { type: "task_complete", turn_id: "t1" }),
      hookAt(5, "SessionEnd", { reason: "other" }),
    ]);
    expect(tokens(folded)).toBe(8);
    expect(folded.spans.at(-1)?.attributes).toMatchObject({
      "session.previous_id": "s0",
      "hookspan.session.source": "fork",
    });
  });
});

/** Hooks and lines of a recording in the order of their time; what a file says comes after a hook of the same instant. */
function story(folder: string): Moment[] {
  const [path = ""] = recordedSessions("codex").flatMap((one) => (one.folder === folder ? one.path : []));
  const { hooks, transcripts } = loadRecording(path);
  const moments: (Moment & { file?: string })[] = [
    ...hooks.map(({ atNs, stdin }) => ({ atNs, hook: fields.parse(JSON.parse(stdin)) })),
    ...transcripts.flatMap((one) =>
      one.lines.map(({ atNs, text }) => ({ atNs, line: { ...fields.parse(JSON.parse(text)), file: one.path } })),
    ),
  ];
  return moments.sort((a, b) => (a.atNs < b.atNs ? -1 : a.atNs > b.atNs ? 1 : 0));
}

function hookAt(seconds: number, event: string, more: Fields): Moment {
  const common = { session_id: "s", transcript_path: ROLLOUT, cwd: "/home/user/project" };
  return { atNs: BigInt(seconds) * SECOND, hook: { ...common, hook_event_name: event, ...more } };
}

function lineAt(seconds: number, type: string, payload: Fields): Moment {
  const timestamp = new Date(seconds * 1000).toISOString();
  return { atNs: BigInt(seconds) * SECOND, line: { timestamp, type, payload, file: ROLLOUT } };
}

/** As a bridge would, but for waiting: lines are decoded with what their file's decoder remembers. */
function fold(moments: readonly Moment[]): Folded {
  const memories = new Map<string, unknown>();
  const known = new Map<string, { sessionId: string; subagentId?: string }>();
  const hooks = moments.flatMap(({ atNs, hook: payload }) => (payload === undefined ? [] : decodeHook(payload, atNs)));
  for (const event of hooks) {
    if (event.kind !== "transcript.named") continue;
    const { sessionId, subagentId } = event;
    known.set(event.file, { sessionId, ...(subagentId === undefined ? {} : { subagentId }) });
  }
  const events = moments.flatMap((one): AgentEvent[] => {
    if (one.hook !== undefined) return decodeHook(one.hook, one.atNs);
    const { file = "", ...json } = { ...one.line };
    const whose = known.get(String(file));
    if (whose === undefined) return [];
    const context = { ...whose, file: String(file), decoder: memories.get(String(file)) };
    const decoded = codex.decodeLine?.(JSON.stringify(json), context);
    memories.set(String(file), decoded?.decoder);
    return decoded?.events ?? [];
  });
  return foldToEnd(events);
}

function decodeHook(payload: Fields, timeNs: bigint): AgentEvent[] {
  const bytes = Buffer.from(JSON.stringify(payload));
  const decoded = codex.decode({ id: "e", agent: "codex", timeNs, env: {}, payload: bytes });
  return decoded.status === "decoded" ? decoded.events : [];
}

/** Spans by name and outcome. */
function names(folded: Folded): string[] {
  return lines(folded, ...OUTCOMES).map((text) => text.replace(/ -?[\d.e+]+\.\.-?[\d.e+]+/, "").replace(/ 0$/, ""));
}

/** The sum of every metric but durations. */
function counts(folded: Folded): Record<string, number> {
  const metrics = [...new Set(folded.increments.map(({ metric }) => metric))].filter(
    (one) => !one.endsWith("duration"),
  );
  return Object.fromEntries([
    ...metrics.sort().map((one): [string, number] => [one, total(folded, one)]),
    ["spans", folded.spans.length],
  ]);
}

function tokens(folded: Folded): number {
  return total(folded, "hookspan.token.usage");
}

function spanSeconds({ spans }: Folded, name: string): number {
  const span = spans.find((one) => one.name === name);
  return span === undefined ? Number.NaN : Number(span.endNs - span.startNs) / 1e9;
}
