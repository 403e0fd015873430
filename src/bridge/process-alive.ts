import { readFileSync } from "node:fs";

/**
 * Whether a process lives on this host. Only a process known to be gone is not alive: what cannot be told (a number that is
 * no pid of an agent, a process of another user) counts as alive, for silence alone never ends a run. A zombie is gone: in
 * a container nobody may ever collect it. A recycled pid cannot be told from its predecessor.
 */
export function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 1) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
  return !isZombie(pid);
}

function isZombie(pid: number): boolean {
  try {
    // "pid (name) state ...": the name may hold anything, parentheses too. See proc(5).
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return /^[ZX]$/.test(stat.charAt(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}
