/**
 * When to export: spans as soon as the outbox has some; totals 1 s after a change, and every 30 s while something is open,
 * for Prometheus forgets a series after 5 minutes of silence; the bridge's own series every 60 s. After a failure, backing off.
 */

import type { OpenBridge } from "./open-bridge.ts";

export type ExportClock = {
  /** Starts what is due. Exports run beside the steps, one at a time. */
  tick(nowMs: number): void;
  /** Milliseconds until something is due. */
  dueMs(nowMs: number): number;
  /** Something is not accepted yet. */
  isPending(): boolean;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
};

const AFTER_CHANGE_MS = 1000;
const WHILE_OPEN_MS = 30_000;
const OWN_MS = 60_000;

export function createExportClock(open: OpenBridge, onDone: () => void): ExportClock {
  const { bridge, delivery, outbox } = open;
  let running: Promise<void> | undefined;
  let notBeforeMs = 0;
  let changedMs: number | undefined;
  // At its start a bridge says everything once: the next step of a series then has a sample before it.
  let everything = true;
  let lastAllMs = Number.NEGATIVE_INFINITY;
  let lastOwnMs = Number.NEGATIVE_INFINITY;
  let hasSpans = true;

  return {
    tick(nowMs) {
      if (open.hasNews()) changedMs ??= nowMs;
      hasSpans ||= outbox.usage().items > 0;
      if (running !== undefined || nowMs < notBeforeMs) return;
      const metrics = metricsDue(nowMs);
      if (!hasSpans && metrics === undefined) return;
      running = run(nowMs, metrics).finally(() => {
        running = undefined;
        onDone();
      });
    },
    dueMs(nowMs) {
      if (running !== undefined) return Number.POSITIVE_INFINITY;
      const own = lastOwnMs + OWN_MS;
      const all = bridge.isBusy() ? lastAllMs + WHILE_OPEN_MS : Number.POSITIVE_INFINITY;
      const changed = changedMs === undefined ? Number.POSITIVE_INFINITY : changedMs + AFTER_CHANGE_MS;
      return Math.max(notBeforeMs, hasSpans ? nowMs : Math.min(own, all, changed)) - nowMs;
    },
    isPending: () => running !== undefined || hasSpans || changedMs !== undefined,
    settled: async () => running,
  };

  function metricsDue(nowMs: number): { everything: boolean; own: boolean } | undefined {
    const all = everything || (bridge.isBusy() && nowMs - lastAllMs >= WHILE_OPEN_MS);
    const changed = changedMs !== undefined && nowMs - changedMs >= AFTER_CHANGE_MS;
    const own = nowMs - lastOwnMs >= OWN_MS;
    // Our own series go along with an export and cause none, but for a sign of life each minute.
    return all || changed || own ? { everything: all, own } : undefined;
  }

  async function run(nowMs: number, metrics: { everything: boolean; own: boolean } | undefined): Promise<void> {
    const spansGone = hasSpans ? await delivery.sendSpans() : true;
    if (spansGone) hasSpans = false;
    if (metrics !== undefined) await sendMetrics(nowMs, metrics);
    notBeforeMs = Date.now() + delivery.backOffMs();
  }

  async function sendMetrics(nowMs: number, which: { everything: boolean; own: boolean }): Promise<void> {
    const nowNs = BigInt(Math.round(Date.now())) * 1_000_000n;
    const wasChangedMs = changedMs;
    changedMs = undefined;
    const own = which.own ? open.gauges(nowNs) : undefined;
    if (which.own) lastOwnMs = nowMs;
    if (await delivery.sendMetrics(nowNs, { everything: which.everything, own })) {
      if (which.everything) [everything, lastAllMs] = [false, nowMs];
    } else {
      changedMs ??= wasChangedMs ?? nowMs;
    }
  }
}
