// What the intake sustains: payloads of 2 KB over 16 kept connections, at 1,000 a second, then as fast as they are answered.
// `node bench/intake.mjs [seconds]`. Each is on disk before it is answered, and the same process folds, commits and exports.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { figuresOf, quantile, startBridge, until, verdict } from "./program.mjs";
import { startReceiver } from "./receiver.mjs";

const seconds = Number(process.argv[2] ?? 30);
const RATE = 1000;
const CONNECTIONS = 16;
const BYTES = 2048;
/** In the second half of the paced time: what grows for ever shows there. */
const GROWTH = 1.3;

const root = mkdtempSync(join(tmpdir(), "hookspan-intake-"));
const receiver = await startReceiver(root);
const home = join(root, "state");
const bridge = await startBridge(home, receiver.url);
try {
  await until(() => announced()?.url !== undefined, "the intake");
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const post = poster(announced(), agent);
  for (const event of ["SessionStart", "UserPromptSubmit"]) await post(event, 0);
  console.log(`into ${receiver.name}\n`);
  console.log("                    requests/s    p50 ms    p99 ms    CPU %    RSS MB, half way    at the end");
  const paced = await measure((n) => pacedAt(RATE, seconds, (k) => post(toolEvent(n + k), n + k)), 0);
  print(`${RATE}/s for ${seconds} s`, paced);
  const full = await measure((n) => unpaced(seconds / 3, (k) => post(toolEvent(n + k), n + k)), RATE * seconds);
  print("as fast as it goes", full);
  agent.destroy();
  console.log(`\n${RATE}/s held: ${verdict(paced.rate >= RATE * 0.99 && paced.cpuPercent <= 100)}`);
  console.log(`memory does not grow: ${verdict(paced.endMb <= paced.halfMb * GROWTH)}`);
} finally {
  await bridge.stop();
  await receiver.stop();
  rmSync(root, { recursive: true, force: true });
}

async function measure(load, from) {
  const latencies = [];
  const before = figuresOf(bridge.pid);
  const beginMs = performance.now();
  let halfMb = before.rssMb;
  const half = setTimeout(() => (halfMb = figuresOf(bridge.pid).rssMb), (seconds / 2) * 1000);
  for (const latency of await load(from)) latencies.push(latency);
  clearTimeout(half);
  const passedMs = performance.now() - beginMs;
  const after = figuresOf(bridge.pid);
  return {
    rate: (latencies.length / passedMs) * 1000,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    cpuPercent: ((after.cpuMs - before.cpuMs) / passedMs) * 100,
    halfMb,
    endMb: after.rssMb,
  };
}

/** A request that is due is sent, whether or not those before it were answered; a late one counts its wait. */
async function pacedAt(rate, forSeconds, send) {
  const total = rate * forSeconds;
  const beginMs = performance.now();
  const ends = [];
  for (let n = 0; n < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - beginMs) / 1000) * rate));
    for (; n < due; n += 1) ends.push(send(n));
    await sleep(5);
  }
  return Promise.all(ends);
}

async function unpaced(forSeconds, send) {
  const latencies = [];
  const endMs = performance.now() + forSeconds * 1000;
  let n = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (performance.now() < endMs) latencies.push(await send(n++));
    }),
  );
  return latencies;
}

function poster({ url, token }, agent) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return (event, n) =>
    new Promise((resolve, reject) => {
      const beginMs = performance.now();
      const sent = request(`${url}/v1/hooks/claude-code`, { method: "POST", agent, headers }, (response) => {
        response.resume().on("end", () => {
          if (response.statusCode === 202) resolve(performance.now() - beginMs);
          else reject(new Error(`answered ${response.statusCode}`));
        });
      });
      sent.on("error", reject).end(payloadOf(event, n));
    });
}

/** Tool calls of one run, each with a start and an end. */
function toolEvent(n) {
  return n % 2 === 0 ? "PreToolUse" : "PostToolUse";
}

function payloadOf(event, n) {
  const base = {
    session_id: "bench",
    prompt_id: "p",
    cwd: root,
    hook_event_name: event,
    tool_name: "Bash",
    tool_use_id: `toolu_${n >> 1}`,
  };
  const rest = BYTES - JSON.stringify({ ...base, tool_input: { command: "" } }).length;
  return JSON.stringify({ ...base, tool_input: { command: "x".repeat(rest) } });
}

function announced() {
  try {
    return JSON.parse(readFileSync(join(home, "bridge.json"), "utf8"));
  } catch {
    return undefined;
  }
}

function print(name, { rate, p50, p99, cpuPercent, halfMb, endMb }) {
  const cells = [
    rate.toFixed(0),
    p50.toFixed(1),
    p99.toFixed(1),
    cpuPercent.toFixed(0),
    halfMb.toFixed(0),
    endMb.toFixed(0),
  ];
  const widths = [12, 10, 10, 9, 20, 14];
  console.log(`${name.padEnd(18)}${cells.map((cell, i) => cell.padStart(widths[i])).join("")}`);
}
