import { readFileSync } from "node:fs";

/**
 * Whether a process lives on this host. Only a process known to be gone is not alive: what cannot be told (a number that is
 * no pid of an agent, a process of another user) counts as alive, for silence alone never ends a run. A zombie is gone: in
 * a container nobody may ever collect it. A recycled pid is told from its predecessor by `birth`, where that is known.
 */
export function isAlive(pid: number, birth?: string): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 1) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
  const stat = statOf(pid);
  if (stat === undefined) return true;
  return !/^[ZX]$/.test(stat.state) && (birth === undefined || birth === stat.birth);
}

/** What tells a process from a later one with the same number. Undefined where only other programs could tell: not on Linux. */
export function birthOf(pid: number): string | undefined {
  return Number.isSafeInteger(pid) && pid > 1 ? statOf(pid)?.birth : undefined;
}

/** "pid (name) state ...": the name may hold anything, parentheses too. The start in ticks since boot is field 22. See proc(5). */
function statOf(pid: number): { state: string; birth: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    return { state: fields[0] ?? "", birth: `${boot} ${fields[19] ?? ""}` };
  } catch {
    return undefined;
  }
}
