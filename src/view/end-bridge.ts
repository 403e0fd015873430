import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Ends the bridge of a state directory that is about to be removed, if one lives: by SIGTERM, after 5 s by SIGKILL. */
export async function endBridge(home: string): Promise<void> {
  const pid = leasePid(home);
  if (pid === undefined || !tell(pid, "SIGTERM")) return;
  for (let waitedMs = 0; waitedMs < 5000; waitedMs += 50) {
    await sleep(50);
    if (!tell(pid, 0)) return;
  }
  tell(pid, "SIGKILL");
}

/** The lease's first line is the pid of the bridge that lives. */
function leasePid(home: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(home, "lease"), "utf8").split("\n")[0]);
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function tell(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
