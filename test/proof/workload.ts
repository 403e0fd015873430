/**
 * A workload: sessions of Claude Code as a seed makes them, with runs, tools (some in parallel, some failing), subagents,
 * compactions, model calls told block by block, and the client's books. What must come of it is known without folding it.
 */

import {
  assistantMore,
  costStateMore,
  hookPayload,
  requestMore,
  stopSummaryMore,
  transcriptLine,
  transcriptPath,
  userMore,
  type Place,
  type Speaker,
  type Usage,
} from "./claude-shapes.ts";
import { createRandom, type Random } from "./random.ts";
import { bookMessage, bookSpan, emptyTruth, MODELS, type Truth } from "./truth.ts";

/** When something is done, and when its session began: milliseconds since the epoch. */
type Clock = { atMs: number; beganMs: number };

/** One thing that an agent does. What it writes holds the time of its doing. */
export type Item =
  | { kind: "hook"; payload: (place: Place) => string }
  | { kind: "line"; file: (place: Place) => string; text: (clock: Clock) => string }
  | { kind: "meta"; file: (place: Place) => string; text: string };

/** `sessions`: what each does, in its order. They run side by side. */
export type Workload = { sessions: Item[][]; truth: Truth };

type Writing = { random: Random; truth: Truth; items: Item[] };

/** At least `events` hook events in all, over so many sessions. */
export function createWorkload(options: { seed: number; events: number; sessions: number }): Workload {
  const random = createRandom(options.seed);
  const truth = emptyTruth();
  const each = options.events / options.sessions;
  const sessions = Array.from({ length: options.sessions }, (_, i) => {
    const items: Item[] = [];
    writeSession({ random, truth, items }, Math.ceil(each * (i + 1)) - Math.ceil(each * i));
    return items;
  });
  return { sessions, truth };
}

function writeSession(writing: Writing, events: number): void {
  const { random, truth, items } = writing;
  const session: Speaker = { sessionId: random.uuid() };
  truth.sessions.push(session.sessionId);
  bookSpan(truth, "session claude-code");
  const before = truth.usd;
  const hooks = (): number => items.filter(({ kind }) => kind === "hook").length;
  hook(writing, session, "SessionStart", { source: "startup" });
  while (hooks() < events - 1) {
    if (random.chance(0.05)) compact(writing, session);
    writeRun(writing, { ...session, promptId: random.uuid() });
  }
  // Some clients write no books, and some sessions never end.
  if (random.chance(0.5)) {
    const estimated = truth.usd - before;
    // The client may have spent on what no transcript tells.
    const untold = random.chance(0.5) ? random.int(1, 500) / 1000 : 0;
    truth.usd += untold;
    truth.linesAdded += 7;
    truth.linesRemoved += 2;
    lineAt(writing, session, ({ beganMs }) => costStateMore(beganMs - 300, estimated + untold));
  }
  if (random.chance(0.7)) hook(writing, session, "SessionEnd", { reason: "other" });
}

function writeRun(writing: Writing, turn: Speaker): void {
  const { random, truth } = writing;
  truth.prompts.push(turn.promptId ?? "");
  bookSpan(truth, "invoke_agent claude-code");
  hook(writing, turn, "UserPromptSubmit", { prompt: `Please ${random.word(random.int(10, 400))}.` });
  line(writing, turn, userMore(turn.promptId ?? "", "Please."));
  for (let round = random.int(1, 4); round > 0; round -= 1) {
    if (random.chance(0.2)) writeSubagent(writing, turn);
    else writeTools(writing, turn);
  }
  ask(writing, turn, "end_turn", [{ type: "text", text: "Done." }]);
  hook(writing, turn, "Stop", { stop_hook_active: false, last_assistant_message: "Done." });
  bookSpan(truth, "execute_hook Stop");
  line(writing, turn, stopSummaryMore(random.int(1, 50)));
}

/** One answer of the model that asks for one to three tools at once, and what becomes of them. */
function writeTools(writing: Writing, speaker: Speaker): void {
  const { random, truth } = writing;
  const calls = Array.from({ length: random.pick([1, 1, 2, 3]) }, () => ({
    tool_name: random.pick(["Bash", "Read", "Edit", "mcp__files__search"]),
    tool_use_id: `toolu_01${random.word(22)}`,
    tool_input: { command: random.word(random.int(5, 900)) },
  }));
  ask(
    writing,
    speaker,
    "tool_use",
    calls.map((call) => ({ type: "tool_use", id: call.tool_use_id, name: call.tool_name, input: call.tool_input })),
  );
  for (const call of calls) {
    truth.calls.push(call.tool_use_id);
    bookSpan(truth, `execute_tool ${call.tool_name.replace("mcp__files__", "")}`);
    hook(writing, speaker, "PreToolUse", call);
  }
  const results = random.chance(0.5) ? calls : calls.toReversed();
  const failed = results.map((call) => {
    const fails = random.chance(0.15);
    truth.failedCalls += fails ? 1 : 0;
    const end = fails
      ? { error: "Exit code 1", is_interrupt: false }
      : { tool_response: { stdout: random.word(random.int(1, 600)), stderr: "", interrupted: false } };
    hook(writing, speaker, fails ? "PostToolUseFailure" : "PostToolUse", {
      ...call,
      ...end,
      duration_ms: random.int(1, 3000),
    });
    return {
      type: "tool_result",
      tool_use_id: call.tool_use_id,
      is_error: fails,
      content: fails ? "Exit code 1" : "ok",
    };
  });
  for (const result of failed) line(writing, speaker, userMore(speaker.promptId ?? "", [result]));
}

/** A subagent in the foreground, with its own transcript, and the call that launched it. */
function writeSubagent(writing: Writing, turn: Speaker): void {
  const { random, truth } = writing;
  const type = random.pick(["general-purpose", "Explore"]);
  const subagent: Speaker = { ...turn, subagent: { id: `a${random.word(16)}`, type } };
  const id = `toolu_01${random.word(22)}`;
  const launch = { tool_name: "Agent", tool_use_id: id, tool_input: { prompt: "Look.", subagent_type: type } };
  ask(writing, turn, "tool_use", [{ type: "tool_use", id, name: "Agent", input: launch.tool_input }]);
  truth.calls.push(id);
  truth.subagents += 1;
  bookSpan(truth, "execute_tool Agent");
  bookSpan(truth, `invoke_agent ${type}`);
  hook(writing, turn, "PreToolUse", launch);
  writing.items.push({
    kind: "meta",
    file: (place) => transcriptPath(place, subagent).replace(/\.jsonl$/, ".meta.json"),
    text: JSON.stringify({ agentType: type, isBuiltIn: true, description: "Look", toolUseId: id, spawnDepth: 1 }),
  });
  hook(writing, subagent, "SubagentStart", {});
  line(writing, subagent, userMore(turn.promptId ?? "", "Look."));
  for (let round = random.int(1, 2); round > 0; round -= 1) writeTools(writing, subagent);
  ask(writing, subagent, "end_turn", [{ type: "text", text: "Seen." }]);
  hook(writing, subagent, "SubagentStop", { stop_hook_active: false, last_assistant_message: "Seen." });
  const response = { status: "completed", agentId: subagent.subagent?.id, agentType: type, totalDurationMs: 300 };
  hook(writing, turn, "PostToolUse", { ...launch, tool_response: response, duration_ms: random.int(100, 4000) });
  line(writing, turn, userMore(turn.promptId ?? "", [{ type: "tool_result", tool_use_id: id, content: "Seen." }]));
}

/** A model call: its request, then a line per block; the first may be written before all output is counted. */
function ask(writing: Writing, speaker: Speaker, stopReason: "tool_use" | "end_turn", blocks: object[]): void {
  const { random, truth } = writing;
  const model = random.pick(MODELS);
  const message = { id: `msg_01${random.word(22)}`, model, requestRef: random.uuid(), stopReason };
  const output = random.int(2, 900);
  const usage: Usage = {
    input: random.int(1, 60),
    cacheRead: random.int(0, 60_000),
    write5m: random.int(0, 9000),
    write1h: random.chance(0.2) ? random.int(1, 4000) : 0,
    output,
    thinking: random.chance(0.3) ? random.int(0, output - 1) : 0,
  };
  bookMessage(truth, message.id, model, usage);
  line(writing, speaker, requestMore(message.requestRef, model));
  if (random.chance(0.3)) {
    const early = { ...usage, output: 1, thinking: 0 };
    line(writing, speaker, assistantMore(message, { type: "text", text: "I look." }, early));
  }
  for (const block of blocks) line(writing, speaker, assistantMore(message, block, usage));
}

function compact(writing: Writing, session: Speaker): void {
  writing.truth.compactions += 1;
  bookSpan(writing.truth, "compact claude-code");
  hook(writing, session, "PreCompact", { trigger: "manual" });
  hook(writing, session, "PostCompact", { trigger: "manual" });
}

function hook({ truth, items }: Writing, speaker: Speaker, event: string, more: object): void {
  truth.events += 1;
  items.push({ kind: "hook", payload: (place) => hookPayload(place, speaker, event, more) });
}

function line(writing: Writing, speaker: Speaker, more: object): void {
  lineAt(writing, speaker, () => more);
}

function lineAt({ random, items }: Writing, speaker: Speaker, more: (clock: Clock) => object): void {
  const uuid = random.uuid();
  items.push({
    kind: "line",
    file: (place) => transcriptPath(place, speaker),
    text: (clock) => transcriptLine(speaker, clock.atMs, uuid, more(clock)),
  });
}
