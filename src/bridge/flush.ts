/**
 * Flush: takes everything in and gets everything out, in the foreground, for CI jobs, containers and tests. Stops a living
 * bridge first; the next hook starts a new one.
 */

import { setTimeout as sleep } from "node:timers/promises";

import type { Log } from "../log.ts";
import type { Disk } from "../store/disk.ts";
import { acquireLock, type LockResult } from "../store/lock.ts";
import { ownIdentity } from "../store/process-identity.ts";
import type { StateDirectory } from "../store/state-directory.ts";
import type { OpenBridge } from "./open-bridge.ts";

export type FlushEnd =
  | { status: "flushed" }
  /** The time is up. What is left stays on disk. */
  | { status: "timeout"; reason: string };

export type FlushOptions = {
  disk: Disk;
  directory: StateDirectory;
  open: () => OpenBridge;
  timeoutMs: number;
  /** Also end what is still open. */
  close: boolean;
  log: Log;
};

const RETRY_MS = 50;

export async function flush(options: FlushOptions): Promise<FlushEnd> {
  const deadlineMs = Date.now() + options.timeoutMs;
  const lock = await takeLock(options, deadlineMs);
  if (lock === undefined) return { status: "timeout", reason: "another bridge does not leave" };
  try {
    return await drain(options.open(), options, deadlineMs);
  } finally {
    lock.release();
  }
}

/** A bridge that is asked to leave commits and exports first, so it may take a while. */
async function takeLock(
  { disk, directory }: FlushOptions,
  deadlineMs: number,
): Promise<(LockResult & { status: "held" }) | undefined> {
  const self = ownIdentity();
  let asked: number | undefined;
  for (;;) {
    const lock = acquireLock(disk, directory, self);
    if (lock.status === "held") return lock;
    const { pid, host } = lock.owner;
    if (pid !== asked && host === self.host) askToLeave(pid);
    asked = pid;
    if (Date.now() >= deadlineMs) return undefined;
    await sleep(RETRY_MS);
  }
}

async function drain(open: OpenBridge, { close }: FlushOptions, deadlineMs: number): Promise<FlushEnd> {
  const { bridge, delivery } = open;
  let reason = "envelopes are left in the spool";
  let closed = false;
  for (;;) {
    const { progress, backlog } = bridge.step(now(), { commitNow: true });
    // On a full disk there is a backlog of which nothing can be taken in; what is sent makes room.
    if (!progress && (!backlog || open.isCommitPending())) {
      if (close && !closed) {
        bridge.closeAll(now());
        closed = true;
      }
      const left = await send(open, deadlineMs);
      // Once what can be sent is sent: what a bound drops is the rest.
      open.enforceBounds(now());
      if (left === undefined) {
        bridge.commit(now(), "own");
        return { status: "flushed" };
      }
      reason = left;
      const waitMs = Math.min(
        Math.max(RETRY_MS, Math.min(delivery.backOffMs("span"), 5000)),
        Math.max(0, deadlineMs - Date.now()),
      );
      await sleep(waitMs);
    }
    // Signals get their turn.
    await sleep(0);
    if (Date.now() >= deadlineMs) return { status: "timeout", reason };
  }
}

/** Commits and sends; what is left and why, or undefined if nothing is. */
async function send(open: OpenBridge, deadlineMs: number): Promise<string | undefined> {
  const { bridge, delivery, outbox } = open;
  try {
    const isCommitted = bridge.commit(now());
    const isTimeUp = (): boolean => Date.now() >= deadlineMs;
    const isSent = await delivery.sendSpans(isTimeUp);
    if (!isCommitted) return "the state directory cannot be written";
    if (!isSent || outbox.usage().items > 0) return `spans are left in the outbox${because(delivery.trouble("span"))}`;
    if (!(await delivery.sendMetrics(now(), { everything: true, own: open.gauges(now()) })))
      return `the totals were not accepted${because(delivery.trouble("metric_point"))}`;
    return undefined;
  } catch (error) {
    // The disk's word: marks of what is sent are written before the request leaves.
    return `the state directory cannot be written: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function because(trouble: string | undefined): string {
  return trouble === undefined ? "" : `: ${trouble}`;
}

function askToLeave(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch {
    // It has left by itself.
  }
}

function now(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
