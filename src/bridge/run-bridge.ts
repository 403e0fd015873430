/**
 * The bridge as a process: lock, lease, wake-ups, exports, and how it leaves. One per state directory; a second one leaves
 * quietly.
 */

import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { IntakeAddress } from "../intake/discovery.ts";
import type { Intake } from "../intake/intake.ts";
import type { Log } from "../log.ts";
import { watchSpool } from "../spool/watch.ts";
import { ifPresent, type Disk } from "../store/disk.ts";
import { createLease } from "../store/lease.ts";
import { acquireLock } from "../store/lock.ts";
import { ownIdentity } from "../store/process-identity.ts";
import type { StateDirectory } from "../store/state-directory.ts";
import { announce, withdraw } from "./announcement.ts";
import { createExportClock } from "./export-clock.ts";
import type { OpenBridge } from "./open-bridge.ts";

export type RunEnd =
  /** Asked to leave, or idle. */
  | { status: "left" }
  /** Another bridge has the directory. */
  | { status: "busy"; pid: number };

export type RunOptions = {
  disk: Disk;
  directory: StateDirectory;
  /** Opens the bridge once the lock is held. */
  open: () => OpenBridge;
  /** Takes events by HTTP while the bridge works. */
  intake?: Intake;
  /** Leave after 10 minutes with nothing open, held or unsent. */
  untilIdle: boolean;
  /** Aborts when the process is asked to leave. */
  signal: AbortSignal;
  version: string;
  log: Log;
};

const LEASE_MS = 20_000;
const IDLE_MS = 600_000;
const BOUNDS_MS = 60_000;

/** Steps without an event of the file system: the more is expected, the closer together. */
const AWAITING_WORD_MS = 100;
const BUSY_MS = 1000;
const QUIET_MS = 5000;

/** What a bridge that leaves still gives to its exports. */
const FAREWELL_MS = 3000;

export async function runBridge(options: RunOptions): Promise<RunEnd> {
  const { disk, directory, log } = options;
  const lock = acquireLock(disk, directory, ownIdentity());
  if (lock.status === "busy") return { status: "busy", pid: lock.owner.pid };
  const lease = createLease(disk, directory.lease, { pid: process.pid, host: hostname() });
  try {
    const open = options.open();
    lease.refresh();
    // Hooks leave this mark where they find no node; that is mended now.
    ifPresent(() => disk.unlink(join(directory.home, "no-node")));
    const announcement = { pid: process.pid, startedAt: new Date().toISOString(), version: options.version };
    announce(disk, directory.bridge, announcement);
    log.info("bridge started", { pid: process.pid, state: directory.home });
    // A bridge that leaves looks once more after its lease is gone: a hook may have put an event and seen the lease still.
    do {
      lease.refresh();
      let requests = 0;
      let unannounced: IntakeAddress | undefined;
      const announceIntake = (): void => {
        if (unannounced === undefined || !lock.isOurs()) return;
        announce(disk, directory.bridge, announcement, unannounced);
        unannounced = undefined;
      };
      const intake = options.intake?.open({
        onListening: (address) => {
          unannounced = address;
          attempt(announceIntake, "the intake cannot be announced yet", log);
        },
        onActivity: () => (requests += 1),
      });
      try {
        await work(open, options, {
          isOurs: () => lock.isOurs(),
          refreshLease: () => {
            lease.refresh();
            announceIntake();
          },
          requests: () => requests,
        });
      } finally {
        // Before the last look at the spool: what it has answered 202 lies there by now.
        await intake?.close();
      }
      lease.remove();
      // Who took it over has the state now: nothing of ours may be written any more.
      if (!lock.isOurs()) break;
      await leave(open, log);
    } while (!options.signal.aborted && !open.isEmpty());
    withdraw(disk, directory.bridge, process.pid);
    log.info("bridge left");
    return { status: "left" };
  } finally {
    lease.remove();
    lock.release();
  }
}

/** Steps and exports until asked to leave, idle, or robbed of the lock. */
async function work(
  open: OpenBridge,
  options: RunOptions,
  { isOurs, refreshLease, requests }: { isOurs: () => boolean; refreshLease: () => void; requests: () => number },
): Promise<void> {
  const { directory, signal, untilIdle, log } = options;
  const wake = createWake(signal);
  const watcher = watchSpool(directory.spool, wake.now);
  const exports = createExportClock(open, {
    onDone: wake.now,
    nowMs: () => performance.now(),
    wallNs: () => nanoseconds(Date.now()),
    isLeaving: () => signal.aborted,
    log,
  });
  let leaseMs = Date.now();
  let boundsMs = 0;
  let lastActiveMs = Date.now();
  let lastRequests = 0;
  try {
    while (!signal.aborted) {
      const nowMs = Date.now();
      // After a machine slept, too: its lease had run out, and another host may have the directory by now.
      if (nowMs - leaseMs >= LEASE_MS || nowMs < leaseMs) {
        if (!isOurs()) {
          log.error("another bridge has taken this state directory over; leaving it alone");
          return;
        }
        attempt(refreshLease, "the lease cannot be renewed", log);
        leaseMs = nowMs;
      }
      if (nowMs - boundsMs >= BOUNDS_MS || nowMs < boundsMs) {
        attempt(() => open.enforceBounds(nanoseconds(nowMs)), "the bounds cannot be kept", log);
        boundsMs = nowMs;
      }
      const { progress, backlog } = open.bridge.step(nanoseconds(nowMs));
      exports.tick();
      const isAsked = requests() !== lastRequests;
      lastRequests = requests();
      if (progress || isAsked || open.bridge.isBusy() || exports.isPending()) lastActiveMs = nowMs;
      if (untilIdle && nowMs - lastActiveMs >= IDLE_MS && open.isEmpty()) return;
      // With a backlog the next step comes at once, but not before requests and signals had their turn.
      await wake.wait(backlog && progress ? 0 : pauseMs(open, exports.dueMs(), nowMs));
    }
  } finally {
    watcher.close();
    await exports.settled();
    wake.close();
  }
}

/**
 * What a disk may refuse for a while: it is done again later. Without the lease hooks start another bridge, which finds the
 * lock and leaves: that costs time and loses nothing.
 */
function attempt(action: () => void, failure: string, log: Log): void {
  try {
    action();
  } catch (error) {
    log.error(failure, { error: String(error) });
  }
}

function pauseMs(open: OpenBridge, exportDueMs: number, nowMs: number): number {
  // A disk that would not have the last commit is asked again each second.
  if (open.isCommitPending()) return BUSY_MS;
  const awaitsWord = open.bridge.awaitsWord(nanoseconds(nowMs));
  const usual = awaitsWord ? AWAITING_WORD_MS : open.bridge.isBusy() ? BUSY_MS : QUIET_MS;
  const dueNs = open.bridge.dueNs();
  const due = dueNs === undefined ? usual : Number(dueNs / 1_000_000n) + 1 - nowMs;
  return Math.max(1, Math.min(usual, due, exportDueMs));
}

/** The last commit, and one try to send what is there. What is not accepted stays on disk for the next bridge. */
async function leave(open: OpenBridge, log: Log): Promise<void> {
  const nowNs = nanoseconds(Date.now());
  open.bridge.step(nowNs, { commitNow: true });
  const farewell = async (): Promise<void> => {
    if (await open.delivery.sendSpans()) await open.delivery.sendMetrics(nowNs, { everything: false, own: undefined });
  };
  try {
    await Promise.race([farewell(), sleep(FAREWELL_MS, undefined, { ref: false })]);
    open.bridge.commit(nanoseconds(Date.now()), "own");
  } catch (error) {
    log.error("the state directory held up the last export; nothing is lost", { error: String(error) });
  }
}

/** Waiting that an event can cut short. */
function createWake(signal: AbortSignal): { now: () => void; wait: (ms: number) => Promise<void>; close: () => void } {
  let woken = false;
  let resolve: (() => void) | undefined;
  const now = (): void => {
    woken = true;
    resolve?.();
  };
  signal.addEventListener("abort", now);
  return {
    now,
    wait(ms) {
      return new Promise((done) => {
        const timer = setTimeout(finish, woken ? 0 : ms);
        resolve = finish;
        function finish(): void {
          clearTimeout(timer);
          resolve = undefined;
          woken = false;
          // Even when woken at once, other work gets its turn.
          setImmediate(done);
        }
      });
    },
    close: () => signal.removeEventListener("abort", now),
  };
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms)) * 1_000_000n;
}
