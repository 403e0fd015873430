// A Stop hook may run for long and then say no: the turn goes on and stops again. A run that was sent at the first stop could
// not be changed any more.
import { appendFileSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test, vi } from "vitest";

import { formatEnvelope } from "../../src/event/envelope.ts";
import type { SpanRecord } from "../../src/trace/record.ts";
import { runProgram } from "../../src/view/run-program.ts";
import { install, WAIT } from "../support/installed.ts";
import { openAt } from "../support/recorded-session.ts";
import { tempDirectory } from "../support/temp-state.ts";

const SESSION = "5768796a-5080-4458-b86f-2559d801364f";
const PROMPT = "72a28e9f-b64b-4321-ac8e-af80af56e375";
const GUARD = "./guard.sh --strict";
const SECOND = 1_000_000_000n;

/** Lines tell milliseconds, hooks tell more: within the same millisecond a line seems to come before the hook. */
const LATER_NS = 900_000n;

/** What Claude Code does: it calls hooks and writes lines. Seconds since the prompt. */
type Moment = [seconds: number, what: { hook: Record<string, unknown> } | { line: Record<string, unknown> }];

const TURN: Moment[] = [
  [0, { hook: { hook_event_name: "UserPromptSubmit", prompt: "Go." } }],
  [1, { line: answer("msg_1", "end_turn") }],
  [1, { hook: { hook_event_name: "Stop", stop_hook_active: false } }],
  [21, { line: summary([`[${GUARD}]: please go on\n`]) }],
  [22, { hook: { hook_event_name: "PreToolUse", tool_name: "Bash", tool_use_id: "toolu_1", tool_input: {} } }],
  [
    23,
    {
      hook: {
        hook_event_name: "PostToolUse",
        tool_name: "Bash",
        tool_use_id: "toolu_1",
        tool_input: {},
        tool_response: {},
      },
    },
  ],
  [24, { line: answer("msg_2", "end_turn") }],
  [24, { hook: { hook_event_name: "Stop", stop_hook_active: true } }],
  [24, { line: summary([]) }],
];

test("with a look at everything each second: one root, which ends with the second stop", async () => {
  const { spans, sentAt } = await lookEachSecond(TURN, 40);
  expect(shape(spans)).toEqual([
    "chat claude-opus-5-5 in invoke_agent claude-code",
    "chat claude-opus-5-5 in invoke_agent claude-code",
    "execute_hook Stop in invoke_agent claude-code",
    "execute_hook Stop in invoke_agent claude-code",
    "execute_tool Bash in invoke_agent claude-code",
    "invoke_agent claude-code in nothing",
  ]);
  expect(rootOf(spans)).toEqual({ seconds: [0, 24], outcome: "success" });
  expect(Math.min(...sentAt)).toBe(24);
});

test.each<[string, Moment[], number, { seconds: number[]; outcome: string }]>([
  [
    "a Stop hook that fails, stops nothing",
    [...TURN.slice(0, 3), [21, { line: { ...summary([`[${GUARD}]: no such file\n`]), failedHookErrorIndexes: [0] } }]],
    40,
    { seconds: [0, 1], outcome: "success" },
  ],
  [
    "an error of which nobody knows what it did: the stop stands, ten minutes after the last sign of life",
    [...TURN.slice(0, 3), [21, { line: summary(["JSON validation failed"]) }]],
    700,
    { seconds: [0, 1], outcome: "success" },
  ],
  [
    "the turn goes on for longer than ten minutes after the no",
    [...TURN.slice(0, 4), ...later(TURN.slice(4), 1200)],
    1300,
    { seconds: [0, 1224], outcome: "success" },
  ],
  [
    "no word ever, and the turn goes on",
    [...TURN.slice(0, 3), ...later(TURN.slice(4, 6), 500), ...later(TURN.slice(7, 9), 1000)],
    1300,
    { seconds: [0, 1024], outcome: "success" },
  ],
])("%s", async (_, turn, seconds, root) => {
  const { spans } = await lookEachSecond(turn, seconds);
  expect(rootOf(spans)).toEqual(root);
});

test(
  "in real time, with real processes: a Stop hook that sleeps 20 s beside ours and then blocks",
  { timeout: 60_000 },
  async () => {
    const installed = await install();
    const home = installed.env["HOME"] ?? "";
    const beganMs = Date.now();
    const play = async (moments: readonly Moment[]): Promise<void> => {
      for (const [, what] of moments) {
        if ("line" in what) appendLine(home, what.line, new Date());
        else await installed.hook(payload(home, what.hook));
      }
    };
    await play(TURN.slice(0, 2));
    // The agent runs all its Stop hooks side by side, and waits for the slowest.
    const guard = runProgram("sh", ["-c", "cat; sleep 20; echo please go on >&2; exit 2"], {
      env: { PATH: String(installed.env["PATH"]) },
      cwd: home,
      stdin: "{}",
    });
    await play(TURN.slice(2, 3));
    expect(await guard).toMatchObject({ code: 2 });
    expect(installed.spans()).toEqual([]);
    await play(TURN.slice(3));
    await vi.waitFor(() => expect(installed.spans()).toHaveLength(6), WAIT);
    const roots = installed.spans().filter(({ parentSpanId }) => parentSpanId === undefined);
    expect(roots.map(({ name }) => name)).toEqual(["invoke_agent claude-code"]);
    const [root] = roots;
    const lastedMs = (Number(root?.endTimeUnixNano) - Number(root?.startTimeUnixNano)) / 1e6;
    expect(lastedMs).toBeGreaterThan(20_000);
    expect(lastedMs).toBeLessThan(Date.now() - beganMs);
  },
);

/** Plays the turn against a bridge whose clock shows one second more at each step. */
async function lookEachSecond(
  turn: readonly Moment[],
  seconds: number,
): Promise<{ spans: SpanRecord[]; sentAt: number[] }> {
  const root = tempDirectory();
  const state = join(root, "state");
  const epochNs = BigInt(Math.floor(Date.now() / 1000) - 3600) * SECOND;
  const spans: SpanRecord[] = [];
  const sentAt: number[] = [];
  let second = 0;
  const accepted = Promise.resolve({ status: "accepted" } as const);
  const exporter = {
    sendSpans: (batches: readonly { spans: SpanRecord[] }[]) => {
      spans.push(...batches.flatMap((batch) => batch.spans));
      sentAt.push(second);
      return accepted;
    },
    sendMetrics: () => accepted,
    close: () => Promise.resolve(),
  };
  const { bridge, delivery } = openAt(state, exporter, "none");
  const waiting = [...turn];
  for (; second <= seconds; second += 1) {
    const nowNs = epochNs + BigInt(second) * SECOND;
    for (; waiting[0] !== undefined && waiting[0][0] <= second; waiting.shift()) {
      const [, what] = waiting[0];
      if ("line" in what) appendLine(root, what.line, new Date(Number(nowNs / 1_000_000n)));
      else putHook(state, payload(root, what.hook), nowNs + LATER_NS, waiting.length);
    }
    bridge.step(nowNs, { commitNow: true });
    await delivery.sendSpans();
  }
  return {
    spans: spans.map((span) => ({ ...span, startNs: span.startNs - epochNs, endNs: span.endNs - epochNs })),
    sentAt,
  };
}

function putHook(state: string, body: object, atNs: bigint, n: number): void {
  const id = `${String(atNs)}-${1000 - n}`;
  const path = join(state, "spool", `${id}.evt`);
  const env = { CLAUDE_PID: "4242", CLAUDE_CODE_ENTRYPOINT: "cli" };
  writeFileSync(
    path,
    formatEnvelope({ id, agent: "claude-code", timeNs: atNs, env, payload: Buffer.from(JSON.stringify(body)) }),
  );
  utimesSync(path, Number(atNs) / 1e9 + 0.001, Number(atNs) / 1e9 + 0.001);
}

function payload(home: string, fields: Record<string, unknown>): object {
  return { session_id: SESSION, transcript_path: transcriptOf(home), prompt_id: PROMPT, ...fields };
}

function appendLine(home: string, line: Record<string, unknown>, at: Date): void {
  const file = transcriptOf(home);
  mkdirSync(dirname(file), { recursive: true });
  const common = { sessionId: SESSION, version: "2.1.329", promptId: PROMPT, timestamp: at.toISOString() };
  appendFileSync(file, `${JSON.stringify({ ...common, uuid: `${at.getTime()}-${String(line["type"])}`, ...line })}\n`);
}

function transcriptOf(home: string): string {
  return join(home, ".claude", "projects", "p", `${SESSION}.jsonl`);
}

function answer(id: string, stopReason: string): Record<string, unknown> {
  const usage = { input_tokens: 10, output_tokens: 5 };
  return { type: "assistant", message: { id, model: "claude-opus-5-5", stop_reason: stopReason, usage, content: [] } };
}

function summary(hookErrors: string[]): Record<string, unknown> {
  const hookInfos = [{ command: GUARD, durationMs: 20_000 }];
  return {
    type: "system",
    subtype: "stop_hook_summary",
    hookCount: 1,
    hookInfos,
    hookErrors,
    failedHookErrorIndexes: [],
    preventedContinuation: false,
  };
}

function later(moments: readonly Moment[], seconds: number): Moment[] {
  return moments.map(([at, what]) => [at + seconds, what]);
}

function shape(spans: readonly SpanRecord[]): string[] {
  const nameOf = (spanId: string | undefined): string => spans.find((one) => one.spanId === spanId)?.name ?? "nothing";
  return spans.map(({ name, parentSpanId }) => `${name} in ${nameOf(parentSpanId)}`).sort();
}

/** Of the only root: when it began and ended, and how. */
function rootOf(spans: readonly SpanRecord[]): unknown {
  const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined);
  expect(roots).toHaveLength(1);
  const [root] = roots;
  const seconds = [root?.startNs, root?.endNs].map((ns) => Number((ns ?? 0n) - LATER_NS) / 1e9);
  return { seconds, outcome: root?.attributes["hookspan.run.outcome"] };
}
