/**
 * Who a process is, so that another process can tell later whether it still lives. A pid alone does not say: it is given
 * to another process after the first one's end, and means another process in another container or on another machine.
 */

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

import { codeOf } from "./disk.ts";

export type ProcessIdentity = {
  pid: number;
  host: string;
  /** Where the pid is valid, beyond the host name: boot and pid namespace on Linux, else empty. */
  space: string;
  /** When the process started, in the words of its system; compared for equality only. Empty if unknown. */
  startedAt: string;
};

/** `elsewhere`: in another container, on another machine, or before a reboot; the pid says nothing here. */
export type Liveness = "alive" | "dead" | "elsewhere";

export function ownIdentity(): ProcessIdentity {
  const { pid } = process;
  return { pid, host: hostname(), space: pidSpace(), startedAt: startOf(pid) ?? "" };
}

export function livenessOf(identity: ProcessIdentity): Liveness {
  if (identity.host !== hostname() || identity.space !== pidSpace()) return "elsewhere";
  return startOf(identity.pid) === identity.startedAt ? "alive" : "dead";
}

/** Undefined if there is no such process. One that has died and waits for its parent holds nothing any more. */
function startOf(pid: number): string | undefined {
  if (process.platform === "linux") return startFromProc(pid);
  if (process.platform === "win32") return withoutStart(pid);
  return startFromPs(pid);
}

/** `/proc/<pid>/stat`: state is field 3, start in ticks since boot field 22; field 2 is the name, which may hold anything. */
function startFromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return existsSync("/proc/self/stat") ? undefined : withoutStart(pid);
  }
}

/** Locale and time zone are fixed, for two processes must get the same words. */
function startFromPs(pid: number): string | undefined {
  try {
    const env = { PATH: "/bin:/usr/bin", LC_ALL: "C", TZ: "UTC" };
    const out = execFileSync("ps", ["-o", "state=,lstart=", "-p", String(pid)], {
      env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [state = "Z", ...start] = out.toString().trim().split(/\s+/);
    return state.startsWith("Z") ? undefined : start.join(" ");
  } catch (error) {
    // `ps` says by its exit status that there is no such process; no `ps` at all says nothing.
    return codeOf(error) === "ENOENT" ? withoutStart(pid) : undefined;
  }
}

/** Where nothing tells the start, a recycled pid goes unnoticed; taking over from a living bridge would be worse. */
function withoutStart(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return "";
  } catch (error) {
    return codeOf(error) === "EPERM" ? "" : undefined;
  }
}

/** Host names repeat (containers, cloned machines), so the boot and the namespace must agree too. */
function pidSpace(): string {
  if (process.platform !== "linux") return "";
  try {
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}
