/** How a run ended, as far as its facts tell. */

import type { Run } from "./session.ts";

export type Verdict = {
  endNs: bigint;
  outcome: "success" | "error" | "interrupted" | "blocked" | "superseded" | "abandoned";
  reason: string;
  errorType?: string;
};

/** Events that arrive out of order, and transcript lines that come after the hook, come within this. */
export const GRACE_NS = 2_000_000_000n;

/**
 * The facts decide, not the moment at which they are looked at: with a backlog a run may be judged long after it was due,
 * and an end that came later still is none. `closedBy` says why a run ends of which no fact tells an end.
 */
export function judge(run: Run, closedBy: "expired" | "closed"): Verdict {
  const cut = cutShort(run);
  const own = ownEnd(run);
  if (own !== undefined && (cut === undefined || own.endNs <= cut.atNs + GRACE_NS)) return own;
  return cut?.verdict ?? { endNs: run.lastNs, outcome: "abandoned", reason: closedBy };
}

/** A Stop hook said no to the last stop. */
export function isBlocked({ stoppedNs, continuedNs }: Run): boolean {
  return stoppedNs !== undefined && continuedNs !== undefined && continuedNs > stoppedNs;
}

/** The agent did not go on after its failure. */
export function isFailed({ failed, calledNs }: Run): boolean {
  if (failed === undefined) return false;
  return failed.tentative !== true || calledNs === undefined || calledNs <= failed.atNs;
}

/** An end that the source told of. */
function ownEnd(run: Run): Verdict | undefined {
  // A stop that was blocked is none, if the run went on.
  const wentOn = isBlocked(run) && run.lastNs > (run.continuedNs ?? 0n);
  const stoppedNs = wentOn ? undefined : run.stoppedNs;
  const isLast = (ns: bigint): boolean => stoppedNs === undefined || ns > stoppedNs;
  if (run.interruptedNs !== undefined && isLast(run.interruptedNs)) {
    return { endNs: run.interruptedNs, outcome: "interrupted", reason: "interrupt" };
  }
  if (run.failed !== undefined && isFailed(run) && isLast(run.failed.atNs)) {
    return { endNs: run.failed.atNs, outcome: "error", reason: "failure", errorType: run.failed.errorType };
  }
  if (stoppedNs !== undefined) return { endNs: stoppedNs, outcome: "success", reason: "stop" };
  return run.blockedNs === undefined ? undefined : { endNs: run.blockedNs, outcome: "blocked", reason: "blocked" };
}

/** The first thing that ended the run from outside. */
function cutShort(run: Run): { atNs: bigint; verdict: Verdict } | undefined {
  const { cutNs, sessionEndedNs, abandonedNs, supersededNs } = run;
  const cuts: [bigint | undefined, (atNs: bigint) => Verdict][] = [
    [cutNs, (endNs) => ({ endNs, outcome: "interrupted", reason: "interrupt" })],
    [sessionEndedNs, (endNs) => ({ endNs, outcome: "success", reason: "session_end" })],
    [abandonedNs, () => ({ endNs: run.lastNs, outcome: "abandoned", reason: "process_gone" })],
    [supersededNs, (endNs) => ({ endNs, outcome: "superseded", reason: "superseded" })],
  ];
  return cuts
    .flatMap(([atNs, verdict]) => (atNs === undefined ? [] : [{ atNs, verdict: verdict(atNs) }]))
    .reduce<{ atNs: bigint; verdict: Verdict } | undefined>(
      (first, cut) => (first === undefined || cut.atNs < first.atNs ? cut : first),
      undefined,
    );
}
