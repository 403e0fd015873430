/**
 * Reconciliation with the client's own books. A statement is cumulative over all client processes that share its start
 * time; so what it adds to the last one with that start time is what this process spent, and it is held against what was
 * estimated for this process, over all models together (the client may book one model's calls under another).
 * A process that was killed leaves no statement: its part stays estimated.
 */

import type { AgentEvent } from "../event/event.ts";
import { count, type Draft } from "./draft.ts";
import { ATTR } from "./semconv.ts";
import type { Session } from "./session.ts";
import { markStated, processOf } from "./shown-cost.ts";

type Totals = { totalUsd: number; linesAdded: number; linesRemoved: number };

/** A client process may be this much older than its first hook. */
const STARTING_NS = 60_000_000_000n;

/** Differences below this are rounding of binary fractions. */
const ROUNDING_USD = 1e-10;

export function reconcile(draft: Draft, event: AgentEvent & { kind: "cost.stated" }): void {
  const { session } = draft;
  putAway(session, event);
  markStated(session, event.atNs);
  // Written before we met the session, or by a forked client whose earlier books we never saw: only a base for the next.
  if (event.atNs < session.startedNs || isUnknownBase(session, event)) return;
  const booked = bookedOf(session, event);
  // The process had shown more before it went: these are the books of another one, which has written no line of its own.
  if (booked !== undefined && event.totalUsd < (booked.totalUsd ?? 0) - ROUNDING_USD) return;
  const base = largest(event.previous ?? { totalUsd: 0, linesAdded: 0, linesRemoved: 0 }, booked);
  if (booked !== undefined) session.booked = { ...booked, ...totalsOf(event) };
  countLines(draft, "added", event.linesAdded - base.linesAdded);
  countLines(draft, "removed", event.linesRemoved - base.linesRemoved);

  const processNs = processStart(session, event);
  // The statement has no time of its own, only that of the line before, and a subagent may have spoken later than that.
  const nextNs = session.processStarts.find((ns) => ns > event.atNs);
  const covered = session.unreconciled.filter(
    ({ atNs }) => atNs >= processNs && (nextNs === undefined || atNs < nextNs),
  );
  session.unreconciled = session.unreconciled.filter((one) => !covered.includes(one));
  const estimated = covered.reduce((sum, one) => sum + one.usd, 0);
  const missing = event.totalUsd - base.totalUsd - estimated;
  if (Math.abs(missing) < ROUNDING_USD) return;
  const agent = { [ATTR.agentName]: session.agent };
  if (missing > 0) {
    const provider = covered[0]?.provider ?? "anthropic";
    count(draft, "hookspan.cost", { ...agent, [ATTR.provider]: provider, [ATTR.costSource]: "reconciled" }, missing);
    return;
  }
  // Too much was estimated. A counter never falls: the largest estimate's series gets a credit against its next ones.
  const dearest = covered.reduce<(typeof covered)[number] | undefined>(
    (a, b) => (a === undefined || b.usd > a.usd ? b : a),
    undefined,
  );
  if (dearest === undefined) return;
  const model = { [ATTR.provider]: dearest.provider, [ATTR.requestModel]: dearest.model };
  count(draft, "hookspan.cost", { ...agent, ...model, [ATTR.costSource]: "estimated" }, missing);
}

/** A process that resumes goes on from these books. */
function putAway(session: Session, event: AgentEvent & { kind: "cost.stated" }): void {
  const { books } = session;
  const isOlder = books !== undefined && event.atNs < books.atNs;
  if (isOlder && processOf(session, books.atNs) !== processOf(session, event.atNs)) return;
  session.books = { atNs: event.atNs, ...totalsOf(event) };
}

/** What was booked for the same process by what it had shown. */
function bookedOf(session: Session, event: AgentEvent): Session["booked"] {
  const { booked } = session;
  return booked?.startNs === processOf(session, event.atNs) ? booked : undefined;
}

function totalsOf({ totalUsd, linesAdded, linesRemoved }: AgentEvent & { kind: "cost.stated" }): Totals {
  return { totalUsd, linesAdded, linesRemoved };
}

function largest(base: Totals, booked: Session["booked"]): Totals {
  return {
    totalUsd: Math.max(base.totalUsd, booked?.totalUsd ?? 0),
    linesAdded: Math.max(base.linesAdded, booked?.linesAdded ?? 0),
    linesRemoved: Math.max(base.linesRemoved, booked?.linesRemoved ?? 0),
  };
}

function isUnknownBase(session: Session, event: AgentEvent & { kind: "cost.stated" }): boolean {
  const startNs = BigInt(Math.round(event.startTimeMs)) * 1_000_000n;
  return event.previous === undefined && startNs + STARTING_NS < session.startedNs;
}

/**
 * When the process that wrote the statement began: its own start; or, where it took over the books of an earlier one, the
 * last native start before the statement.
 */
function processStart(session: Session, event: AgentEvent & { kind: "cost.stated" }): bigint {
  const statedNs = BigInt(Math.round(event.startTimeMs)) * 1_000_000n;
  if (event.previous === undefined) return statedNs;
  const startedNs = session.processStarts.findLast((ns) => ns <= event.atNs) ?? 0n;
  return startedNs > statedNs ? startedNs : statedNs;
}

function countLines(draft: Draft, change: "added" | "removed", lines: number): void {
  const attributes = { [ATTR.agentName]: draft.session.agent, [ATTR.codeChange]: change };
  if (lines > 0) count(draft, "hookspan.code.line.count", attributes, lines);
}
