/**
 * Totals that the client showed while it ran (to its status line, or with its last hook), for the process that goes without
 * stating its books. They are booked when the process is over and its transcript has been read, and only what is sure:
 *
 * - Where the process has stated its books (cost.ts), those hold, and what was shown is nothing. If they are read only later,
 *   what was booked before is their base.
 * - The totals are held against what the process found when it began: nothing, or the books as they were last put away. Where
 *   that cannot be told, nothing is booked.
 * - What was shown may be older than the last call, so it only ever adds. A process that may have had another beside it on the
 *   same session gets nothing booked, for the two have one status line file.
 */

import type { AgentEvent } from "../event/event.ts";
import { count, earlier, later, type Draft } from "./draft.ts";
import { ATTR } from "./semconv.ts";
import type { Segment, Session, Shown } from "./session.ts";

type Totals = Pick<Shown, "totalUsd" | "linesAdded" | "linesRemoved">;

/** A client process may be this much older than its first hook. */
const STARTING_NS = 60_000_000_000n;

/** After `/clear` the hook comes at once: the process has been running. */
const CLEARING_NS = 2_000_000_000n;

/** Differences below this are rounding of binary fractions. */
const ROUNDING_USD = 1e-10;

const NOTHING = { totalUsd: 0, linesAdded: 0, linesRemoved: 0 };

/** Keeps the newest totals. What the same process had shown before and does not show now, stays. */
export function noteShown(draft: Draft, event: AgentEvent & { kind: "cost.shown" }): void {
  const { session } = draft;
  const before = session.shown;
  if (before !== undefined && event.atNs < before.atNs) return;
  const isSame = before !== undefined && processOf(session, before.atNs) === processOf(session, event.atNs);
  const { atNs, totalUsd, linesAdded, linesRemoved, durationMs } = event;
  const kept: Partial<Shown> = isSame ? before : { beforeUsd: least(before?.beforeUsd, before?.totalUsd) };
  session.shown = {
    atNs,
    totalUsd: totalUsd ?? kept.totalUsd,
    linesAdded: linesAdded ?? kept.linesAdded,
    linesRemoved: linesRemoved ?? kept.linesRemoved,
    durationMs: durationMs ?? kept.durationMs,
    beforeUsd: kept.beforeUsd,
  };
}

/** To be called when a segment closes. */
export function bookShown(draft: Draft, segment: Segment): void {
  book(draft, segment);
  noteLife(draft.session, segment);
}

function book(draft: Draft, segment: Segment): void {
  const { session } = draft;
  const { shown } = session;
  const startNs = shown === undefined ? undefined : processOf(session, shown.atNs);
  if (shown === undefined || startNs === undefined || !isOfSegment(session, segment, startNs)) return;
  if (!isOver(session, segment) || segment.beside === true || !isOfOne(session, segment)) return;
  if (segment.stated === true || session.booked?.startNs === startNs) return;
  const base = baseOf(session, segment, shown, startNs);
  putAway(session, segment, shown);
  if (base === undefined) return;
  session.booked = {
    startNs,
    totalUsd: bookCost(draft, segment, shown, base),
    linesAdded: bookLines(draft, "added", shown.linesAdded, base.linesAdded),
    linesRemoved: bookLines(draft, "removed", shown.linesRemoved, base.linesRemoved),
  };
}

/** The process that lived at `atNs` has stated its books: what it showed is nothing. */
export function markStated(session: Session, atNs: bigint): void {
  const startNs = processOf(session, atNs);
  if (startNs === undefined) return;
  session.segments = session.segments.map((one) =>
    isOfSegment(session, one, startNs) ? { ...one, stated: true } : one,
  );
}

/** When the process began that lived at `atNs`: its native start. Undefined where it was met only later. */
export function processOf(session: Session, atNs: bigint): bigint | undefined {
  return session.processStarts.findLast((ns) => ns <= atNs);
}

/** Of a session that was met later than it began, nobody knows how short its processes were. */
function noteLife(session: Session, segment: Segment): void {
  const isFirst = session.previousSegment === undefined;
  const spanNs = later(segment.endedNs ?? segment.lastNs, segment.startNs) - segment.startNs;
  const lifeNs = isOfOne(session, segment) ? spanNs : 0n;
  const before = isFirst && segment.source === "startup" ? lifeNs : (session.briefestNs ?? 0n);
  session.briefestNs = earlier(before, lifeNs);
}

/** Between two starts nothing may have been heard of: then both are in one segment, and nobody knows how long each lived. */
function isOfOne(session: Session, segment: Segment): boolean {
  return session.processStarts.filter((ns) => isOfSegment(session, segment, ns)).length <= 1;
}

function isOfSegment(session: Session, segment: Segment, startNs: bigint): boolean {
  const next = session.segments.find((one) => one.startNs > segment.startNs);
  return segment.started && startNs >= segment.startNs && (next === undefined || startNs < next.startNs);
}

/** A process that was only replaced may still live; one that is gone is the last one that was heard of. */
function isOver(session: Session, segment: Segment): boolean {
  const isLast = session.segments.at(-1)?.startNs === segment.startNs;
  return segment.endedNs !== undefined || (isLast && session.processGoneNs !== undefined);
}

/** A process that ended by itself has put its books away; they are known if nothing was called after they were shown. */
function putAway(session: Session, segment: Segment, shown: Shown): void {
  const { atNs, totalUsd, linesAdded, linesRemoved } = shown;
  if (segment.endedNs === undefined || totalUsd === undefined) return;
  const nextNs = session.processStarts.find((ns) => ns > atNs);
  const isOld = session.unreconciled.some((one) => one.atNs > atNs && (nextNs === undefined || one.atNs < nextNs));
  if (!isOld) session.books = { atNs, totalUsd, linesAdded, linesRemoved };
}

/** What the totals were when the process began. Undefined where nobody can tell. */
function baseOf(session: Session, segment: Segment, shown: Shown, startNs: bigint): Totals | undefined {
  const { totalUsd, durationMs, beforeUsd } = shown;
  if (segment.source === "startup") return NOTHING;
  const beganNs = durationMs === undefined ? undefined : shown.atNs - BigInt(Math.round(durationMs * 1e6));
  const isNew = (olderNs: bigint): boolean => beganNs !== undefined && beganNs >= startNs - olderNs;
  if (segment.source === "clear") return isNew(CLEARING_NS) ? NOTHING : undefined;
  if (totalUsd === undefined) return undefined;
  const books = booksBefore(session, startNs);
  const before = books?.totalUsd ?? least(session.books?.totalUsd, beforeUsd);
  // Less than there ever was, and not older by as much as any process before has lived: it began anew.
  const olderNs = earlier(session.briefestNs ?? 0n, STARTING_NS);
  if (before !== undefined && totalUsd < before) return isNew(olderNs) ? NOTHING : undefined;
  return books;
}

/** The books that the process before this one put away: of one that lived in between nobody knows what it left. */
function booksBefore({ books, processStarts }: Session, startNs: bigint): Session["books"] {
  if (books === undefined) return undefined;
  const beforeNs = processStarts.findLast((ns) => ns < startNs);
  const writerNs = processStarts.findLast((ns) => ns <= books.atNs);
  return writerNs !== undefined && writerNs === beforeNs ? books : undefined;
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

/** Gives the total up to which all is counted; undefined if more was estimated than was shown. */
function bookCost(draft: Draft, segment: Segment, shown: Shown, base: Totals): number | undefined {
  const { session } = draft;
  const { totalUsd } = shown;
  if (totalUsd === undefined) return undefined;
  const covered = session.unreconciled.filter(({ atNs }) => atNs >= segment.startNs && atNs <= shown.atNs);
  const missing = totalUsd - (base.totalUsd ?? 0) - covered.reduce((sum, one) => sum + one.usd, 0);
  if (missing <= -ROUNDING_USD) return undefined;
  session.unreconciled = session.unreconciled.filter((one) => !covered.includes(one));
  if (missing < ROUNDING_USD) return totalUsd;
  const provider = covered[0]?.provider ?? "anthropic";
  const attributes = { [ATTR.agentName]: session.agent, [ATTR.provider]: provider };
  count(draft, "hookspan.cost", { ...attributes, [ATTR.costSource]: "reconciled" }, missing);
  return totalUsd;
}

function bookLines(
  draft: Draft,
  change: "added" | "removed",
  shown: number | undefined,
  base: number | undefined,
): number | undefined {
  if (shown === undefined || base === undefined || shown < base) return undefined;
  const attributes = { [ATTR.agentName]: draft.session.agent, [ATTR.codeChange]: change };
  if (shown > base) count(draft, "hookspan.code.line.count", attributes, shown - base);
  return shown;
}
