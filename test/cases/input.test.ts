// What comes in: many hooks at once, odd clocks, odd bytes, unknown words, and hooks that can put nothing down.
import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { createHookTree, programPath, QUIET } from "../support/hook-tree.ts";
import { createStage, EPOCH_S } from "../support/stage.ts";

const EVENTS = "hookspan.bridge.event.count";
const COUNTED = "hookspan.event.outcome";
const TOOL = "hookspan.tool.outcome";
const SKEWED = "hookspan.span.clock_skewed";

const HOOK = {
  name: "sh",
  place: "hooks/hookspan.sh",
  source: fileURLToPath(new URL("../../hooks/hookspan.sh", import.meta.url)),
  runner: [programPath("sh")],
} as const;

const bash = { tool_name: "Bash", tool_input: { command: "true" } };
const inRun = { run: "r1" };

test("15: fifty hook processes of one session at once: fifty tool spans, none torn, none lost, none twice", async () => {
  const stage = await createStage();
  const tree = createHookTree({ ...HOOK, runner: [...HOOK.runner] });
  const env = { ...tree.env, HOOKSPAN_HOME: stage.directory.home, CLAUDE_PID: String(process.pid) };
  const run = async (event: string, fields = {}): Promise<void> => {
    const payload = { session_id: "s1", prompt_id: "r1", cwd: "/p", hook_event_name: event, ...fields };
    expect(await tree.run(JSON.stringify(payload), { env })).toEqual(QUIET);
  };
  const calls = Array.from({ length: 50 }, (_, i) => ({ ...bash, tool_use_id: `t${i}` }));
  await run("UserPromptSubmit", { prompt: "one" });
  await Promise.all(calls.map((call) => run("PreToolUse", call)));
  stage.step(now());
  await Promise.all(calls.map((call) => run("PostToolUse", { ...call, duration_ms: 1 })));
  stage.step(now());
  await run("Stop");
  await run("SessionEnd", { reason: "other" });
  stage.step(now());
  stage.step(now() + 3);
  const all = await stage.sent();
  const root = all.spans.find(({ name }) => name === "invoke_agent claude-code");
  const tools = all.spans.filter(({ name }) => name === "execute_tool Bash");
  expect(new Set(tools.map(({ attributes }) => attributes["gen_ai.tool.call.id"])).size).toBe(50);
  expect(tools.filter(({ parentSpanId }) => parentSpanId === root?.spanId)).toHaveLength(50);
  expect(tools.filter(({ attributes }) => attributes[TOOL] !== "success")).toEqual([]);
  expect(root?.attributes["hookspan.run.tool_calls"]).toBe(50);
  expect(all.total("gen_ai.execute_tool.duration")).toBe(50);
  expect(all.total(EVENTS, { [COUNTED]: "folded" })).toBe(103);
  expect(readdirSync(stage.directory.spool)).toEqual([]);
}, 120_000);

test("28: an end before its start is clamped to it, and the span says that the clock lied", async () => {
  const { hook, settled, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  hook(4, "PreToolUse", { ...bash, tool_use_id: "t1" }, inRun);
  hook(3, "PostToolUse", { ...bash, tool_use_id: "t1" }, inRun);
  settled(6.1, "r1");
  hook(6, "Stop", {}, inRun);
  const all = await sent();
  expect(all.lines(SKEWED)).toEqual([
    "invoke_agent claude-code 1..6",
    "invoke_agent claude-code > execute_tool Bash 4..4 true",
  ]);
});

test("28: an event that claims to be of the future is of the time at which it was written", async () => {
  const { hook, put, step, directory, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  put(5, "SessionEnd", { reason: "other" });
  const [name = ""] = readdirSync(directory.spool);
  rewrite(join(directory.spool, name), (text) => text.replace(/\ntime=\d+/, "\ntime=1999999999"), 5);
  step(8);
  const [, session] = (await sent()).spans;
  expect(session?.end).toBeCloseTo(5, 2);
});

test("28: a line of a transcript from the far future is taken for now, and no time runs backwards", async () => {
  const { hook, answer, settled, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  answer(3000, "m1", "r1");
  settled(6.1, "r1");
  hook(6, "Stop", {}, inRun);
  const all = await sent();
  for (const { start, end } of all.spans) expect(start).toBeLessThanOrEqual(end);
  expect(Math.max(...all.spans.map(({ end }) => end))).toBeLessThanOrEqual(66);
  expect(all.total("hookspan.token.usage")).toBe(11);
});

test.each<[string, string]>([
  ["a history of 8 MB", JSON.stringify({ conversation_history: "x".repeat(8_000_000) })],
  ["a lone surrogate", '{"tool_input":{"command":"\\ud800"}}'],
  ["ten thousand levels", `{"deep":${"[".repeat(10_000)}${"]".repeat(10_000)}}`],
  ["a key that JavaScript has a use for", '{"__proto__":{"session_id":"evil"},"constructor":1}'],
])("32: a payload with %s is taken in like any other, and what leaves is valid UTF-8", async (_, more) => {
  const { hook, putBytes, settled, step, sent, recorder } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  const payload = {
    session_id: "s1",
    prompt_id: "r1",
    hook_event_name: "PostToolUse",
    tool_name: "Bash",
    tool_use_id: "t1",
    duration_ms: 1000,
  };
  putBytes(4, Buffer.from(`${JSON.stringify(payload).slice(0, -1)},${more.slice(1)}`));
  step(4);
  settled(6.1, "r1");
  hook(6, "Stop", {}, inRun);
  const all = await sent();
  expect(all.lines("session.id")).toEqual([
    "invoke_agent claude-code 1..6 s1",
    "invoke_agent claude-code > execute_tool Bash 3..4 s1",
  ]);
  const text = JSON.stringify(recorder.requests.map(({ body }) => body));
  expect(Buffer.from(text).toString()).toBe(text);
  expect(text.length).toBeLessThan(100_000);
});

test.each<[string, Uint8Array]>([
  ["bytes that are no text", Uint8Array.from({ length: 4096 }, (_, i) => (i * 7919) % 256)],
  ["half a payload", Buffer.from('{"session_id":"s1","hook_ev')],
  ["nothing", new Uint8Array()],
])("32: %s goes to quarantine, is counted, and holds up nothing", async (_, bytes) => {
  const { hook, putBytes, settled, step, directory, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one" }, inRun);
  putBytes(2, bytes);
  step(2);
  settled(6.1, "r1");
  hook(6, "Stop", {}, inRun);
  const all = await sent();
  expect(all.lines()).toEqual(["invoke_agent claude-code 1..6"]);
  expect(all.total(EVENTS, { [COUNTED]: "quarantined" })).toBe(1);
  expect(readdirSync(directory.quarantine).length).toBeGreaterThan(0);
  expect(readdirSync(directory.spool)).toEqual([]);
});

test("32: a payload beyond its bound is dropped and counted, and holds up nothing", async () => {
  const stage = await createStage({ bounds: { payloadBytes: 10_000 } });
  stage.hook(1, "UserPromptSubmit", { prompt: "x".repeat(200_000) }, inRun);
  stage.hook(2, "UserPromptSubmit", { prompt: "two" }, { run: "r2" });
  stage.hook(3, "SessionEnd", { reason: "other" });
  stage.step(6);
  const all = await stage.sent();
  expect(all.lines()).toEqual(["session claude-code 2..3", "invoke_agent claude-code 2..3"]);
  expect(all.total("hookspan.bridge.dropped.count", { "hookspan.drop.reason": "payload_too_large" })).toBe(1);
});

test.each<[string, (tree: ReturnType<typeof createHookTree>) => NodeJS.ProcessEnv]>([
  ["the state directory cannot be made", (tree) => ({ ...tree.env, HOOKSPAN_HOME: "/proc/hookspan" })],
  ["a file stands where the state directory should be", (tree) => ({ ...tree.env, HOOKSPAN_HOME: tree.hookFile })],
  ["there is no HOME", ({ env: { PATH } }) => ({ PATH, HOOKSPAN_AUTOSTART: "0" })],
])("33: %s: the hook says nothing and succeeds", async (_, envOf) => {
  const tree = createHookTree({ ...HOOK, runner: [...HOOK.runner] });
  expect(await tree.run('{"session_id":"s1"}', { env: envOf(tree) })).toEqual(QUIET);
});

test("35: an unknown event and unknown fields are taken in and counted, and change nothing", async () => {
  const { hook, settled, sent } = await createStage();
  hook(1, "UserPromptSubmit", { prompt: "one", brand_new: { a: [1] } }, inRun);
  hook(2, "SomethingOfNextYear", { x: 1 }, inRun);
  settled(6.1, "r1");
  hook(6, "Stop", { also_new: null }, inRun);
  const all = await sent();
  expect(all.lines()).toEqual(["invoke_agent claude-code 1..6"]);
  expect(all.total(EVENTS, { [COUNTED]: "unknown" })).toBe(1);
  expect(all.total(EVENTS, { [COUNTED]: "folded" })).toBe(2);
});

test("34: what Hermes makes up to test a hook is known for it: counted, and nothing of it is sent", async () => {
  const { putBytes, step, sent } = await createStage();
  const file = new URL("../recordings/hermes/hooks-test/hooks.jsonl", import.meta.url);
  const made = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.includes('"session_id":"test-session"'));
  expect(made.length).toBeGreaterThan(1);
  for (const [i, line] of made.entries()) {
    const { stdin }: { stdin: unknown } = JSON.parse(line);
    putBytes(i, Buffer.from(JSON.stringify(stdin)));
  }
  step(100);
  const all = await sent();
  expect(all.lines()).toEqual([]);
  expect(all.total("hookspan.session.count")).toBe(0);
  expect(all.total(EVENTS, { [COUNTED]: "synthetic" })).toBe(made.length);
});

/** Seconds of the story, by the real clock. */
function now(): number {
  return Date.now() / 1000 - EPOCH_S;
}

function rewrite(path: string, change: (text: string) => string, seconds: number): void {
  writeFileSync(path, change(readFileSync(path, "utf8")));
  utimesSync(path, EPOCH_S + seconds, EPOCH_S + seconds);
}
