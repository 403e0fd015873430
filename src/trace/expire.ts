/**
 * Expiry: what no event will end, ends by rule. Silence alone never ends a run whose agent lives: a tool may run for hours
 * and a permission prompt stand open overnight.
 */

import type { Draft } from "./draft.ts";
import { closeCalls } from "./call.ts";
import { closeCompaction } from "./compaction.ts";
import { glimpsesDueNs, settleGlimpses } from "./glimpse.ts";
import { isReview } from "./run.ts";
import { closeSegment } from "./segment.ts";
import { settleRun, settleSubagent } from "./settle.ts";
import type { OpenSubagent, Run, Segment, Session } from "./session.ts";
import { bookShown } from "./shown-cost.ts";
import { closeTools } from "./tool.ts";
import { GRACE_NS, isBlocked, isFailed } from "./verdict.ts";

const SECOND = 1_000_000_000n;

/** A run that stopped, and whose source never says that it is over for good. */
const UNSAID_NS = 600n * SECOND;

/** A gone process may have left hooks and lines that are still on their way. */
const GONE_QUIET_NS = 60n * SECOND;

/** Where no process is known. */
const SILENT_NS = 86_400n * SECOND;

/** Asked of every open session after each event, and few of them have changed. A folded session never does. */
const known = new WeakMap<Session, { ns: bigint | undefined }>();

/** When `expire` will next have something to do: nanoseconds since the epoch; undefined where nothing is open. */
export function dueNs(session: Session): bigint | undefined {
  const due = known.get(session) ?? {
    ns: earliest([
      glimpsesDueNs(session),
      ...session.runs.map((run) => runDueNs(session, run)),
      ...session.subagents.map((one) => subagentDueNs(session, one)),
      ...session.segments.map((segment) => segmentDueNs(session, segment)),
    ]),
  };
  known.set(session, due);
  return due.ns;
}

/** Ends what is due at `nowNs`. */
export function expire(draft: Draft, nowNs: bigint): void {
  settleGlimpses(draft, nowNs);
  for (const run of draft.session.runs) {
    const due = runDueNs(draft.session, run);
    if (due !== undefined && due <= nowNs) settleRun(draft, run.key, "expired");
  }
  for (const one of draft.session.subagents) {
    const due = subagentDueNs(draft.session, one);
    if (due !== undefined && due <= nowNs) settleSubagent(draft, one.id, one.lastNs);
  }
  for (const segment of draft.session.segments) {
    const due = segmentDueNs(draft.session, segment);
    if (due !== undefined && due <= nowNs) endSegment(draft, segment, "expired");
  }
}

/** Ends everything now: nothing more will come. */
export function closeSession(draft: Draft): void {
  settleGlimpses(draft);
  for (const run of draft.session.runs) settleRun(draft, run.key, "closed");
  for (const one of draft.session.subagents) settleSubagent(draft, one.id, one.lastNs);
  for (const segment of draft.session.segments) endSegment(draft, segment, "closed");
  closeTools(draft, () => true, draft.session.lastNs);
  closeCalls(draft, () => true);
}

/** The end of a session is the end of all that ran in it, in the background too. */
function endSegment(draft: Draft, segment: Segment, reason: "expired" | "closed"): void {
  const endNs = segment.endedNs ?? segment.lastNs;
  const isLast = draft.session.segments.at(-1)?.startNs === segment.startNs;
  if (isLast) {
    for (const one of draft.session.subagents) settleSubagent(draft, one.id, endNs);
    const reviews = new Set(draft.session.runs.filter(isReview).map(({ key }) => key));
    closeTools(draft, ({ runKey }) => !reviews.has(runKey), endNs);
    closeCalls(draft, () => true);
    closeCompaction(draft);
    draft.session.permissions = [];
    draft.session.compaction = undefined;
  }
  const current = draft.session.segments.find((one) => one.startNs === segment.startNs) ?? segment;
  bookShown(draft, current);
  closeSegment(draft, current, reason);
}

function runDueNs(session: Session, run: Run): bigint | undefined {
  const stoppedNs = isBlocked(run) ? undefined : run.stoppedNs;
  const answered = run.answeredNs === undefined ? undefined : stoppedNs;
  return earliest([
    // What happens after it shows that the run goes on all the same.
    plus(lastOf(run, run.interruptedNs), GRACE_NS),
    failureDueNs(run),
    plus(run.cutNs, GRACE_NS),
    run.closesNs,
    plus(run.blockedNs, GRACE_NS),
    plus(run.supersededNs, GRACE_NS),
    plus(run.sessionEndedNs, GRACE_NS),
    plus(run.abandonedNs, GRACE_NS),
    plus(answered === undefined ? undefined : latest([answered, run.answeredNs, run.lastNs]), GRACE_NS),
    // What happens after a stop that was none, shows that the run goes on.
    plus(stoppedNs === undefined ? undefined : latest([stoppedNs, run.lastNs]), UNSAID_NS),
    silenceDueNs(session),
  ]);
}

/** While an agent may try another model, nobody can tell whether it will. */
function failureDueNs(run: Run): bigint | undefined {
  if (run.failed === undefined || !isFailed(run)) return undefined;
  return plus(lastOf(run, run.failed.atNs), run.failed.tentative === true ? UNSAID_NS : GRACE_NS);
}

/** A subagent that outlives its run ends by its own stop, which may repeat; one that does not, ends with the run. */
function subagentDueNs(session: Session, one: OpenSubagent): bigint | undefined {
  const runIsOpen = session.runs.some((run) => run.key === one.runKey);
  return runIsOpen ? undefined : earliest([plus(one.endNs, GRACE_NS), silenceDueNs(session)]);
}

function segmentDueNs(session: Session, segment: Segment): bigint | undefined {
  const index = session.segments.indexOf(segment);
  const next = session.segments[index + 1];
  const replaced = segment.endedNs === undefined ? next?.startNs : undefined;
  const glimpses = glimpsesDueNs(session);
  const ownNs = earliest([plus(segment.endedNs, GRACE_NS), plus(replaced, GRACE_NS), silenceDueNs(session)]);
  // Runs of which there are only glimpses are yet to be booked with it.
  return ownNs === undefined || glimpses === undefined ? ownNs : latest([ownNs, glimpses]);
}

function silenceDueNs(session: Session): bigint {
  const gone = session.processGoneNs;
  const knowsProcess = session.pid !== undefined && session.pidTrusted === true;
  if (gone !== undefined) return session.lastNs + GONE_QUIET_NS;
  return session.lastNs + (knowsProcess ? SILENT_NS * 365n : SILENT_NS);
}

function lastOf(run: Run, ns: bigint | undefined): bigint | undefined {
  return ns === undefined ? undefined : latest([ns, run.lastNs]);
}

function plus(ns: bigint | undefined, more: bigint): bigint | undefined {
  return ns === undefined ? undefined : ns + more;
}

function earliest(times: (bigint | undefined)[]): bigint | undefined {
  return times.reduce((min, ns) => (ns !== undefined && (min === undefined || ns < min) ? ns : min), undefined);
}

function latest(times: (bigint | undefined)[]): bigint | undefined {
  return times.reduce((max, ns) => (ns !== undefined && (max === undefined || ns > max) ? ns : max), undefined);
}
