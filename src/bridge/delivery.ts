/**
 * Delivery: what is committed goes out. Spans go oldest first and are deleted only after the receiver's word; metrics are
 * never queued, an export is the newest committed totals. While a commit is pending nothing of it is sent, and no metrics.
 */

import type { Log } from "../log.ts";
import { markSent, pointsToSend, takeBack, type ExportPlan } from "../metric/export-points.ts";
import type { MetricPoints } from "../metric/point.ts";
import type { Totals } from "../metric/totals.ts";
import type { Exporter } from "../otlp/exporter.ts";
import type { Outcome } from "../otlp/outcome.ts";
import type { Outbox, Send } from "../store/outbox.ts";
import type { Increment } from "../trace/record.ts";
import { BRIDGE, exported } from "./health.ts";

export type Signal = "span" | "metric_point";

export type Delivery = {
  /**
   * Sends what lies in the outbox until it is empty, the receiver will not, or `isTimeUp`. True if it is empty, but for what
   * waits for the identity of its user.
   */
  sendSpans(isTimeUp?: () => boolean): Promise<boolean>;
  /**
   * Sends the totals of agents that have changed, or all of them. `own`: the bridge's own series too. True if accepted, or
   * if there was nothing to say.
   */
  sendMetrics(nowNs: bigint, which: { everything: boolean; own: MetricPoints[] | undefined }): Promise<boolean>;
  /** How long the receiver asked to be left alone, or our own back-off: milliseconds; 0 after a success. */
  backOffMs(signal: Signal): number;
  /** How long what lies in the outbox and was left there waits for the identity of its user: milliseconds, infinite if nothing does. */
  waitLeftMs(): number;
  /** Why the last request of a signal was not accepted; undefined if it was. */
  trouble(signal: Signal): string | undefined;
};

type Deps = {
  exporter: Exporter;
  outbox: Outbox;
  totals: Totals;
  isPending: () => boolean;
  untouchedBelow: () => number;
  /** How long spans should stay in the outbox for the identity of their user: milliseconds. */
  waitLeftMs?: (send: Pick<Send, "batch" | "writtenNs">) => number;
  /**
   * Commits what is folded; with `own`, also where only our own counters have moved. Only committed totals are sent: after
   * a crash the rest would be counted again.
   */
  commit: (nowNs: bigint, own?: "own") => boolean;
  /** The marks of a plan, on disk before the request leaves. */
  saveSent: (plan: ExportPlan) => void;
  count: (increments: readonly Increment[]) => void;
  /** Tells `status` what became of the last request of a signal. */
  noteTrouble: (signal: Signal, text: string | undefined) => void;
  /** Has the next commit write these series. */
  touch: (keys: Iterable<string>) => void;
  /** 0 to 1, to spread the retries of many machines. */
  jitter: () => number;
  log: Log;
};

const REQUEST_SPANS = 512;
const REQUEST_BYTES = 1_000_000;
const FIRST_BACK_OFF_MS = 1000;
const LONGEST_BACK_OFF_MS = 60_000;
/** A receiver that asks for more would be a receiver that nobody hears of again. */
const LONGEST_ASKED_MS = 3_600_000;

const ITEMS = { span: "spans", metric_point: "totals" } as const satisfies Record<Signal, string>;

export function createDelivery(deps: Deps): Delivery {
  const { exporter, outbox, totals, log } = deps;
  const failures: Record<Signal, number> = { span: 0, metric_point: 0 };
  const askedMs: Record<Signal, number> = { span: 0, metric_point: 0 };
  let metricsFailed = false;
  let waitLeftMs = Number.POSITIVE_INFINITY;
  const troubles: Record<Signal, string | undefined> = { span: undefined, metric_point: undefined };

  return {
    async sendSpans(isTimeUp = () => false) {
      for (;;) {
        const end = await sendListing(isTimeUp);
        if (end !== "again") return end === "empty" && !deps.isPending();
        if (isTimeUp()) return outbox.usage().items === 0;
      }
    },
    async sendMetrics(nowNs, { everything, own }) {
      if (!deps.commit(nowNs, own === undefined ? undefined : "own")) return false;
      // What was not accepted last time is said again, changed or not.
      const plan = planFor(nowNs, everything || metricsFailed, own !== undefined);
      const points = [...plan.points, ...(own ?? [])];
      if (points.length === 0) return true;
      deps.saveSent(plan);
      markSent(totals, plan);
      const outcome = await exporter.sendMetrics(points);
      note(
        outcome,
        "metric_point",
        points.reduce((sum, one) => sum + one.points.length, 0),
      );
      if ("unseen" in outcome && outcome.unseen) forget(plan);
      metricsFailed = outcome.status !== "accepted" && outcome.status !== "partly_rejected";
      return !metricsFailed;
    },
    backOffMs(signal) {
      if (failures[signal] === 0) return 0;
      const grown = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (failures[signal] - 1));
      return Math.max(Math.min(askedMs[signal], LONGEST_ASKED_MS), grown * (0.5 + deps.jitter() / 2));
    },
    waitLeftMs: () => waitLeftMs,
    trouble: (signal) => troubles[signal],
  };

  /**
   * Nobody has seen the request. Not written here: by the time of an answer another bridge may have the directory. Until a
   * commit brings it there the disk says too much, and a restart compares the next step with what was never said.
   */
  function forget(plan: ExportPlan): void {
    takeBack(totals, plan);
    deps.touch(plan.before.keys());
  }

  /** The bridge's own series are no cause of an export: left out, they are as if they had not changed. */
  function planFor(nowNs: bigint, everything: boolean, withOwn: boolean): ExportPlan {
    const series = withOwn ? totals.series : new Map([...totals.series].filter(([, one]) => one.agent !== BRIDGE));
    return pointsToSend({ series, lastExportNs: totals.lastExportNs }, nowNs, { everything });
  }

  /** Works off one listing of the outbox, which is costly with a backlog. `again`: there may be more by now. */
  async function sendListing(isTimeUp: () => boolean): Promise<"empty" | "again" | "stopped"> {
    let isEmpty = true;
    waitLeftMs = Number.POSITIVE_INFINITY;
    for (const request of requestsOf(outbox.sends(deps.untouchedBelow(), isDue))) {
      if (!isEmpty && isTimeUp()) return "stopped";
      isEmpty = false;
      const end = await sendRequest(request);
      if (end !== "next") return end;
    }
    return isEmpty ? "empty" : "again";
  }

  function isDue(read: Pick<Send, "batch" | "writtenNs">): boolean {
    const leftMs = deps.waitLeftMs?.(read) ?? 0;
    if (leftMs > 0) waitLeftMs = Math.min(waitLeftMs, leftMs);
    return leftMs <= 0;
  }

  async function sendRequest(request: readonly Send[]): Promise<"next" | "again" | "stopped"> {
    const spans = request.reduce((sum, send) => sum + send.batch.spans.length, 0);
    const outcome = await exporter.sendSpans(request.map(({ batch }) => batch));
    note(outcome, "span", spans);
    switch (outcome.status) {
      case "accepted":
      case "partly_rejected":
        for (const send of request) outbox.ack(send);
        return "next";
      case "too_large":
      case "refused":
        return apart(request, outcome);
      case "retry":
      case "unauthorized":
        return "stopped";
    }
  }

  /** Of several traces in one request one may be to blame: each is sent alone, and the culprit is taken apart. */
  async function apart(request: readonly Send[], outcome: Outcome & { reason: string }): Promise<"again" | "stopped"> {
    // That needs room on the disk, of which there is none.
    if (deps.isPending()) return "stopped";
    const [only, ...others] = request;
    if (only !== undefined && others.length === 0) {
      const isolated = outbox.isolate(
        only,
        outcome.status === "refused" ? "refused by the receiver" : "too large for the receiver",
      );
      if (isolated.status === "quarantined")
        log.error("the receiver refused a span; it is in quarantine", { reason: outcome.reason });
      return "again";
    }
    for (const send of request) if ((await sendRequest([send])) === "stopped") return "stopped";
    return "again";
  }

  function note(outcome: Outcome, signal: Signal, items: number): void {
    const rejected = outcome.status === "partly_rejected" ? outcome.rejected : 0;
    // A refused request for spans is taken apart at once; one for metrics can only wait for other totals.
    const isRefused = outcome.status === "refused" || outcome.status === "too_large";
    const isFailure =
      outcome.status === "retry" || outcome.status === "unauthorized" || (isRefused && signal === "metric_point");
    deps.count([
      ...(items - rejected > 0
        ? [exported(signal, outcome.status === "partly_rejected" ? "accepted" : outcome.status, items - rejected)]
        : []),
      ...(rejected > 0 ? [exported(signal, "rejected", rejected)] : []),
    ]);
    failures[signal] = isFailure ? failures[signal] + 1 : 0;
    askedMs[signal] = outcome.status === "retry" ? (outcome.afterMs ?? 0) : 0;
    tell(outcome, signal);
  }

  /** Said once, until something else is to be said: a Collector may be away for a day. Both signals fail alike: said once. */
  function tell(outcome: Outcome, signal: Signal): void {
    const before = troubles[signal];
    const text = outcome.status === "accepted" ? undefined : outcome.reason;
    const isKnown = text === before || Object.values(troubles).includes(text);
    troubles[signal] = text;
    if (text === undefined) {
      if (before !== undefined && Object.values(troubles).every((trouble) => trouble === undefined))
        log.info("the receiver accepts again");
    } else if (!isKnown) {
      if (outcome.status === "retry")
        log.warn(`the receiver does not take ${ITEMS[signal]}; they are kept and sent again`, { reason: text });
      else log.error(`the receiver does not take ${ITEMS[signal]}`, { reason: text });
    }
    deps.noteTrouble(signal, text);
  }
}

/** Traces share a request as far as they fit: a drain of many small runs would be many small requests. */
function* requestsOf(sends: Iterable<Send>): Generator<Send[]> {
  let request: Send[] = [];
  let spans = 0;
  let sizeBytes = 0;
  for (const send of sends) {
    const fits = spans + send.batch.spans.length <= REQUEST_SPANS && sizeBytes + send.sizeBytes <= REQUEST_BYTES;
    if (request.length > 0 && !fits) {
      yield request;
      [request, spans, sizeBytes] = [[], 0, 0];
    }
    request.push(send);
    spans += send.batch.spans.length;
    sizeBytes += send.sizeBytes;
  }
  if (request.length > 0) yield request;
}
