/**
 * When to export: spans as soon as the outbox has some; totals 1 s after a change, and every 30 s while something is open,
 * for Prometheus forgets a series after 5 minutes of silence; the bridge's own series every 60 s. Each signal backs off by
 * itself. Times are of a monotonic clock: one that is set back must not stop the exports.
 */

import type { Log } from "../log.ts";
import type { Signal } from "./delivery.ts";
import type { OpenBridge } from "./open-bridge.ts";

export type ExportClock = {
  /** Starts what is due. Exports run beside the steps, one of each signal at a time. */
  tick(): void;
  /** Milliseconds until something is due; infinite while requests are under way, for their end is an event of its own. */
  dueMs(): number;
  /** Something is not accepted yet. */
  isPending(): boolean;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
};

const AFTER_CHANGE_MS = 1000;
const WHILE_OPEN_MS = 30_000;
const OWN_MS = 60_000;

/** After an error of the disk: it is asked again, but not at once. */
const DISK_ERROR_MS = 5000;

/** `nowMs` is a monotonic clock in milliseconds; `wallNs`, nanoseconds since the epoch, is stamped on the points. */
export function createExportClock(
  open: OpenBridge,
  deps: {
    onDone: () => void;
    nowMs: () => number;
    wallNs: () => bigint;
    isLeaving: () => boolean;
    log: Log;
  },
): ExportClock {
  const { bridge, delivery, outbox } = open;
  const { nowMs } = deps;
  const running = new Map<Signal, Promise<void>>();
  const notBefore = new Map<Signal, number>();
  let changedMs: number | undefined;
  // At its start a bridge says everything once: the next step of a series then has a sample before it.
  let everything = true;
  let lastAllMs = Number.NEGATIVE_INFINITY;
  let lastOwnMs = Number.NEGATIVE_INFINITY;
  let hasSpans = true;
  let seenIdentities = 0;

  return {
    tick() {
      if (open.hasNews()) changedMs ??= nowMs();
      hasSpans ||= outbox.usage().items > 0;
      const identities = open.identityNews();
      // What waited for it need wait no longer; a receiver that asked to be left alone is.
      if (identities !== seenIdentities && delivery.backOffMs("span") === 0) notBefore.delete("span");
      seenIdentities = identities;
      if (hasSpans) start("span", sendSpans);
      // While the disk holds a commit back, only what was committed before goes out, and makes room.
      if (open.isCommitPending()) return;
      const metrics = metricsDue();
      if (metrics !== undefined) start("metric_point", () => sendMetrics(metrics));
    },
    dueMs() {
      if (open.isCommitPending()) return Number.POSITIVE_INFINITY;
      const own = lastOwnMs + OWN_MS;
      const all = bridge.isBusy() ? lastAllMs + WHILE_OPEN_MS : Number.POSITIVE_INFINITY;
      const changed = changedMs === undefined ? Number.POSITIVE_INFINITY : changedMs + AFTER_CHANGE_MS;
      return Math.min(
        due("span", hasSpans ? 0 : Number.POSITIVE_INFINITY),
        due("metric_point", Math.min(own, all, changed)),
      );
    },
    isPending: () => running.size > 0 || hasSpans || changedMs !== undefined,
    settled: async () => void (await Promise.all(running.values())),
  };

  function due(signal: Signal, wantedMs: number): number {
    if (running.has(signal)) return Number.POSITIVE_INFINITY;
    return Math.max(0, Math.max(notBefore.get(signal) ?? 0, wantedMs) - nowMs());
  }

  function start(signal: Signal, send: () => Promise<void>): void {
    if (running.has(signal) || nowMs() < (notBefore.get(signal) ?? 0)) return;
    const sending = send()
      .then(() => {
        notBefore.set(signal, Math.max(notBefore.get(signal) ?? 0, nowMs() + delivery.backOffMs(signal)));
      })
      .catch((error: unknown) => {
        deps.log.error("an export was held up by the state directory; nothing is lost, trying again", {
          error: String(error),
        });
        notBefore.set(signal, nowMs() + DISK_ERROR_MS);
      })
      .finally(() => {
        running.delete(signal);
        deps.onDone();
      });
    running.set(signal, sending);
  }

  function metricsDue(): { everything: boolean; own: boolean } | undefined {
    const all = everything || (bridge.isBusy() && nowMs() - lastAllMs >= WHILE_OPEN_MS);
    const changed = changedMs !== undefined && nowMs() - changedMs >= AFTER_CHANGE_MS;
    const own = nowMs() - lastOwnMs >= OWN_MS;
    // Our own series go along with an export and cause none, but for a sign of life each minute.
    return all || changed || own ? { everything: all, own } : undefined;
  }

  async function sendSpans(): Promise<void> {
    hasSpans = !(await delivery.sendSpans(deps.isLeaving));
    // What lies there and cannot be read (a newer version's), or waits for an identity, is no reason to ask again and again.
    if (!hasSpans && outbox.usage().items > 0)
      notBefore.set("span", nowMs() + Math.min(OWN_MS, Math.ceil(delivery.waitLeftMs())));
  }

  async function sendMetrics(which: { everything: boolean; own: boolean }): Promise<void> {
    const nowNs = deps.wallNs();
    const wasChangedMs = changedMs;
    changedMs = undefined;
    const own = which.own ? open.gauges(nowNs) : undefined;
    if (which.own) lastOwnMs = nowMs();
    if (await delivery.sendMetrics(nowNs, { everything: which.everything, own })) {
      if (which.everything) [everything, lastAllMs] = [false, nowMs()];
    } else {
      changedMs ??= wasChangedMs ?? nowMs();
    }
  }
}
