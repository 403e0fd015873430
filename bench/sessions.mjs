// Whether one event costs the same with 200 sessions open as with one: the bridge's CPU time per event, commits and exports
// included. The events come one at a time, each far enough from the last to be a step of its own.
// `node bench/sessions.mjs [events] [rounds]`. The rounds of both take turns, and the median of the ratios counts.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { figuresOf, putEnvelope, quantile, startBridge, until, verdict } from "./program.mjs";
import { startReceiver } from "./receiver.mjs";

const events = Number(process.argv[2] ?? 200);
const rounds = Number(process.argv[3] ?? 7);
const BUDGET = 1.3;
/** Longer than the bridge waits for more to come before it takes a step. */
const PAUSE_MS = 30;

const root = mkdtempSync(join(tmpdir(), "hookspan-sessions-"));
const receiver = await startReceiver(root);
const bridges = [];
let made = 0;
try {
  mkdirSync(join(root, "transcripts"));
  for (const sessions of [1, 200]) bridges.push(await openWith(sessions));
  const ratios = [];
  console.log(`into ${receiver.name}; ${rounds} rounds of ${events} events, one at a time\n`);
  console.log("1 session, ms    200 sessions, ms    ratio");
  for (let round = 0; round < rounds; round += 1) {
    const [one, many] = [await costOf(bridges[0]), await costOf(bridges[1])];
    ratios.push(many / one);
    console.log(
      `${one.toFixed(3).padStart(13)} ${many.toFixed(3).padStart(19)} ${(many / one).toFixed(2).padStart(8)}`,
    );
  }
  const ratio = quantile(ratios, 0.5);
  console.log(
    `\nCPU time per event, 200 sessions against one, median: ${ratio.toFixed(2)}, at most ${BUDGET}: ${verdict(ratio <= BUDGET)}`,
  );
} finally {
  for (const { bridge } of bridges) await bridge.stop();
  await receiver.stop();
  rmSync(root, { recursive: true, force: true });
}

/** A bridge with so many sessions in the middle of a run, each with a transcript that is followed. */
async function openWith(sessions) {
  const home = join(root, `state-${sessions}`);
  const bridge = await startBridge(home, receiver.url);
  for (let n = 0; n < sessions; n += 1) {
    const transcript = join(root, "transcripts", `s${n}.jsonl`);
    writeFileSync(transcript, "{}\n", { mode: 0o600 });
    put(home, n, { hook_event_name: "SessionStart", source: "startup" });
    put(home, n, { hook_event_name: "UserPromptSubmit", prompt: "go" });
  }
  await until(() => readdirSync(join(home, "spool")).length === 0, "an empty spool");
  return { home, bridge };
}

/** Milliseconds of CPU time per event. */
async function costOf({ home, bridge }) {
  const before = figuresOf(bridge.pid).cpuMs;
  for (let n = 0; n < events; n += 2) {
    const call = { tool_name: "Bash", tool_use_id: `t${made}`, tool_input: { command: "ls" } };
    put(home, 0, { hook_event_name: "PreToolUse", ...call });
    await pause();
    put(home, 0, { hook_event_name: "PostToolUse", ...call, tool_response: { stdout: "" } });
    await pause();
  }
  await until(() => readdirSync(join(home, "spool")).length === 0, "an empty spool");
  return (figuresOf(bridge.pid).cpuMs - before) / events;
}

function put(home, session, payload) {
  const base = { session_id: `s${session}`, transcript_path: join(root, "transcripts", `s${session}.jsonl`) };
  made += 1;
  putEnvelope(
    home,
    `e${String(made).padStart(9, "0")}`,
    { ...base, cwd: root, prompt_id: "p", ...payload },
    process.pid,
  );
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
