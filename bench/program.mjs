// The built program as the benches run it, what the system says of its process, and how a figure is told from its budget.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** Clock ticks of /proc are of 10 ms on every Linux that Node runs on. */
const TICK_MS = 10;

/** A path in the project. */
export function program(path) {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}

/** A bridge in the foreground over a state directory, once it has its lease. */
export async function startBridge(home, url) {
  mkdirSync(join(home, "spool"), { recursive: true, mode: 0o700 });
  const env = { PATH: process.env.PATH, HOME: home, HOOKSPAN_HOME: home, HOOKSPAN_ENDPOINT: url };
  const child = spawn(process.execPath, [program("dist/hookspan.cjs"), "bridge"], { env, stdio: "ignore" });
  await until(() => existsSync(join(home, "lease")), "the lease");
  return {
    pid: child.pid,
    stop: async () => {
      child.kill("SIGTERM");
      await new Promise((resolve) => child.once("close", resolve));
    },
  };
}

/** CPU time in ms and resident memory in MB, from proc(5). */
export function figuresOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
    rssMb: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024,
  };
}

/** One envelope of Claude Code, put as a whole. `pid` is the agent's. */
export function putEnvelope(home, id, payload, pid) {
  const draft = join(home, `${id}.draft`);
  const time = (Date.now() / 1000).toFixed(3);
  const header = `v=1\nid=${id}\nagent=claude-code\ntime=${time}\nenv.CLAUDE_PID=${pid}\n`;
  writeFileSync(draft, `${header}\n${JSON.stringify(payload)}\nend=${id}\n`, { mode: 0o600 });
  renameSync(draft, join(home, "spool", `${id}.evt`));
}

/** Waits until `isSo`; a minute at most. */
export async function until(isSo, what) {
  for (let tries = 0; tries < 12_000; tries += 1) {
    if (isSo()) return;
    await sleep(5);
  }
  throw new Error(`${what} did not come`);
}

export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

export function verdict(isOk) {
  return isOk ? "ok" : "OVER";
}
