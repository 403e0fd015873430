import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const DEPTH = 64;

/** The pids of the processes that a process descends from, the nearest first. Init, which adopts, is none of them. */
export function ancestorsOf(pid: number): number[] {
  const found: number[] = [];
  for (let parent = parentOf(pid); parent !== undefined && found.length < DEPTH; parent = parentOf(parent)) {
    found.push(parent);
  }
  return found;
}

/** "pid (name) state ppid ...": the name may hold anything, parentheses too. See proc(5). */
function parentOf(pid: number): number | undefined {
  const told = process.platform === "linux" ? fromProc(pid) : fromPs(pid);
  const parent = Number(told);
  return Number.isSafeInteger(parent) && parent > 1 ? parent : undefined;
}

function fromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
  } catch {
    return undefined;
  }
}

function fromPs(pid: number): string | undefined {
  try {
    const env = { PATH: "/bin:/usr/bin", LC_ALL: "C" };
    return execFileSync("ps", ["-o", "ppid=", "-p", String(pid)], { env, stdio: ["ignore", "pipe", "ignore"] })
      .toString()
      .trim();
  } catch {
    return undefined;
  }
}
