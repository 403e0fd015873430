// How fast a backlog drains: synthetic sessions in a spool, `flush --close` into a real Collector. `node bench/drain.mjs
// [events ...]`, by default 10,000 and 100,000, whose cost per event shall be alike. Without a Collector
// (HOOKSPAN_COLLECTOR, or what test/support/build-collector.sh built) into a sink that says yes, and it says so.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { program, verdict } from "./program.mjs";
import { startReceiver } from "./receiver.mjs";

const SESSIONS = 20;
const CALLS_PER_RUN = 10;
const BUDGET = { perSecond: 5000, rssMb: 200, growth: 1.3 };

const root = mkdtempSync(join(tmpdir(), "hookspan-drain-"));
const receiver = await startReceiver(root);
try {
  console.log(`into ${receiver.name}; ${SESSIONS} sessions, runs of ${CALLS_PER_RUN} tool calls, 2 KB payloads\n`);
  const sizes = process.argv.slice(2).map(Number);
  const rows = [];
  for (const events of sizes.length > 0 ? sizes : [10_000, 100_000]) rows.push(await drain(events));
  print(rows);
} finally {
  await receiver.stop();
  rmSync(root, { recursive: true, force: true });
}

async function drain(events) {
  const home = join(root, `state-${events}`);
  mkdirSync(join(home, "spool"), { recursive: true, mode: 0o700 });
  fill(join(home, "spool"), events);
  const env = { PATH: process.env.PATH, HOME: root, HOOKSPAN_HOME: home, HOOKSPAN_ENDPOINT: receiver.url };
  const begin = process.hrtime.bigint();
  const rssMb = await run([program("dist/hookspan.cjs"), "flush", "--close", "--timeout", "600"], env);
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  return { events, seconds, perSecond: events / seconds, rssMb };
}

/** Runs node with these arguments to its end, and gives its peak memory in MB. */
async function run(args, env) {
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "inherit", "inherit"] });
  let peakKb = 0;
  const timer = setInterval(() => {
    const status = existsSync(`/proc/${child.pid}/status`) ? readFileSync(`/proc/${child.pid}/status`, "utf8") : "";
    peakKb = Math.max(peakKb, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
  }, 50);
  const code = await new Promise((resolve) => child.once("close", resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`flush ended with ${code}`);
  return peakKb / 1024;
}

/** Sessions take turns; each goes through runs of prompt, calls with start and end, and stop, a millisecond apart. */
function fill(spool, events) {
  const perRun = 2 * CALLS_PER_RUN + 2;
  const startUs = Date.now() * 1000 - events * 1000;
  const text = "x".repeat(900);
  for (let n = 0; n < events; n += 1) {
    const turn = Math.floor(n / SESSIONS);
    const phase = turn % perRun;
    const turnOfRun = Math.floor(turn / perRun);
    const call = { tool_name: "Bash", tool_use_id: `t${turnOfRun}-${(phase - 1) >> 1}`, tool_input: { command: text } };
    const body =
      phase === 0
        ? { hook_event_name: "UserPromptSubmit", prompt: text }
        : phase === perRun - 1
          ? { hook_event_name: "Stop", last_assistant_message: text }
          : phase % 2 === 1
            ? { hook_event_name: "PreToolUse", ...call }
            : { hook_event_name: "PostToolUse", ...call, tool_response: { stdout: text }, duration_ms: 1 };
    const payload = JSON.stringify({
      session_id: `s${n % SESSIONS}`,
      cwd: "/home/user/project",
      prompt_id: `p${turnOfRun}`,
      ...body,
    });
    const id = `${String(n).padStart(8, "0")}-bench`;
    const time = ((startUs + n * 1000) / 1e6).toFixed(6);
    const envelope = `v=1\nid=${id}\nagent=claude-code\ntime=${time}\n\n${payload}\nend=${id}\n`;
    writeFileSync(join(spool, `${id}.evt`), envelope, { mode: 0o600 });
  }
}

function print(rows) {
  console.log("  events   seconds  events/s  peak RSS MB");
  for (const { events, seconds, perSecond, rssMb } of rows) {
    console.log(
      `${String(events).padStart(8)} ${seconds.toFixed(1).padStart(9)} ${perSecond.toFixed(0).padStart(9)} ${rssMb.toFixed(0).padStart(12)}`,
    );
  }
  const [first] = rows;
  const last = rows.at(-1);
  const growth = first.perSecond / last.perSecond;
  console.log(`\nevents/s at least ${BUDGET.perSecond}: ${verdict(last.perSecond >= BUDGET.perSecond)}`);
  console.log(`peak RSS at most ${BUDGET.rssMb} MB: ${verdict(last.rssMb <= BUDGET.rssMb)}`);
  if (rows.length > 1)
    console.log(
      `cost per event, largest against smallest: ${growth.toFixed(2)}, at most ${BUDGET.growth}: ${verdict(growth <= BUDGET.growth)}`,
    );
}
