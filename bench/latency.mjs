// How soon a run can be seen: from the agent's word that it is over for good until the receiver has accepted its spans.
// `node bench/latency.mjs [runs]`. The bridge lives, each event comes through the real hook, and the last word is a line of
// the transcript. Each run begins at another moment of the bridge's own second.
import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { program, quantile, startBridge, until, verdict } from "./program.mjs";
import { startGate, startReceiver } from "./receiver.mjs";

const runs = Number(process.argv[2] ?? 60);
const SESSION = "0b1c7d52-6f0e-4c8e-9d0a-1f2e3d4c5b6a";
const BUDGET_MS = 2000;

const root = mkdtempSync(join(tmpdir(), "hookspan-latency-"));
const home = join(root, "state");
const transcript = join(root, "transcripts", `${SESSION}.jsonl`);
const accepted = new Set();
const receiver = await startGate(await startReceiver(root), noteRuns);
let bridge;
try {
  mkdirSync(join(root, "transcripts"));
  bridge = await startBridge(home, receiver.url);
  console.log(`into ${receiver.name}; ${runs} runs of 4 events, one after the other\n`);
  const samples = [];
  for (let n = 0; n < runs; n += 1) {
    samples.push(await latencyOf(n));
    await sleep((n * 377) % 1000);
  }
  print(samples);
} finally {
  await bridge?.stop();
  await receiver.stop();
  rmSync(root, { recursive: true, force: true });
}

/** Milliseconds from the last word on a run to the acceptance of its root span. */
async function latencyOf(n) {
  const call = { tool_name: "Bash", tool_use_id: `t${n}`, tool_input: { command: "ls" } };
  await hook({ hook_event_name: "UserPromptSubmit", prompt: "go" }, n);
  await hook({ hook_event_name: "PreToolUse", ...call }, n);
  await hook({ hook_event_name: "PostToolUse", ...call, tool_response: { stdout: "" } }, n);
  await hook({ hook_event_name: "Stop" }, n);
  const before = accepted.size;
  const word = { type: "system", subtype: "stop_hook_summary", hookInfos: [], hookErrors: [] };
  const at = { timestamp: new Date().toISOString(), promptId: `p${n}`, uuid: `u${n}`, sessionId: SESSION };
  const beginMs = performance.now();
  appendFileSync(transcript, `${JSON.stringify({ ...word, ...at, version: "2.1.329" })}\n`);
  await until(() => accepted.size > before, `the spans of run ${n}`);
  return performance.now() - beginMs;
}

async function hook(payload, n) {
  const env = { PATH: process.env.PATH, HOME: root, HOOKSPAN_HOME: home, CLAUDE_PID: String(process.pid) };
  const child = spawn("sh", [program("hooks/hookspan.sh"), "claude-code"], {
    env,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const base = { session_id: SESSION, transcript_path: transcript, cwd: root, prompt_id: `p${n}` };
  child.stdin.end(JSON.stringify({ ...base, ...payload }));
  await new Promise((resolve) => child.once("close", resolve));
}

/** Root spans of runs, each once. */
function noteRuns(body) {
  const spans = (JSON.parse(body).resourceSpans ?? []).flatMap((one) => one.scopeSpans).flatMap((one) => one.spans);
  for (const { name, spanId } of spans) if (name.startsWith("invoke_agent")) accepted.add(spanId);
}

function print(samples) {
  const [p50, p95, worst] = [0.5, 0.95, 1].map((share) => quantile(samples, share));
  console.log("    runs    p50 ms    p95 ms  worst ms");
  console.log([samples.length, p50, p95, worst].map((one) => one.toFixed(0).padStart(8)).join("  "));
  console.log(`\nrun settled to spans accepted, p95 at most ${BUDGET_MS} ms: ${verdict(p95 <= BUDGET_MS)}`);
}
