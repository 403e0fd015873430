// What a bridge costs while nothing happens: nothing open, and 200 sessions open, each in the middle of a run, with a transcript
// that is followed. `node bench/idle.mjs [seconds]`. Both bridges live side by side, for the same time.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { figuresOf, putEnvelope, startBridge, until, verdict } from "./program.mjs";
import { startReceiver } from "./receiver.mjs";

const seconds = Number(process.argv[2] ?? 60);
const BUDGET = { cpuPercent: 0.5, rssMb: 90 };
/** Until start and first exports are over. */
const SETTLE_MS = 5000;

const root = mkdtempSync(join(tmpdir(), "hookspan-idle-"));
const receiver = await startReceiver(root);
const bridges = [];
try {
  for (const sessions of [0, 200]) bridges.push({ sessions, ...(await openWith(sessions)) });
  await sleep(SETTLE_MS);
  const before = bridges.map(({ pid }) => figuresOf(pid));
  const beginMs = performance.now();
  await sleep(seconds * 1000);
  const passedMs = performance.now() - beginMs;
  print(
    bridges.map(({ sessions, pid }, i) => {
      const { cpuMs, rssMb } = figuresOf(pid);
      return { sessions, cpuPercent: ((cpuMs - before[i].cpuMs) / passedMs) * 100, rssMb };
    }),
  );
} finally {
  for (const bridge of bridges) await bridge.stop();
  await receiver.stop();
  rmSync(root, { recursive: true, force: true });
}

/** A bridge that has taken in the beginning of so many sessions. */
async function openWith(sessions) {
  const home = join(root, `state-${sessions}`);
  mkdirSync(join(root, "transcripts"), { recursive: true });
  const bridge = await startBridge(home, receiver.url);
  for (let n = 0; n < sessions; n += 1) {
    const transcript = join(root, "transcripts", `s${n}.jsonl`);
    writeFileSync(transcript, "{}\n", { mode: 0o600 });
    const base = { session_id: `s${n}`, transcript_path: transcript, cwd: root, prompt_id: "p" };
    putEnvelope(home, `start-${n}`, { ...base, hook_event_name: "SessionStart", source: "startup" }, process.pid);
    putEnvelope(home, `prompt-${n}`, { ...base, hook_event_name: "UserPromptSubmit", prompt: "go" }, process.pid);
  }
  await until(() => readdirSync(join(home, "spool")).length === 0, "an empty spool");
  return bridge;
}

function print(rows) {
  console.log(`${seconds} s, into ${receiver.name}\n`);
  console.log("sessions open     CPU %    RSS MB");
  for (const { sessions, cpuPercent, rssMb } of rows) {
    console.log(
      `${String(sessions).padStart(13)} ${cpuPercent.toFixed(2).padStart(9)} ${rssMb.toFixed(0).padStart(9)}`,
    );
  }
  const [idle] = rows;
  console.log(`\nidle, CPU at most ${BUDGET.cpuPercent} %: ${verdict(idle.cpuPercent <= BUDGET.cpuPercent)}`);
  console.log(`idle, RSS at most ${BUDGET.rssMb} MB: ${verdict(idle.rssMb <= BUDGET.rssMb)}`);
}
