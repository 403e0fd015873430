/** Events of stories about cost: processes of a client that begin, spend, show and state totals, and end. Times are seconds. */

import type { AgentEvent } from "../../src/event/event.ts";
import { at, called, usage } from "./folded.ts";

/** Time passes between any two events that lie apart, as it does for a bridge. */
export function timed(events: readonly AgentEvent[]): AgentEvent[] {
  return events.flatMap((event, i) => {
    const lastNs = events[i - 1]?.atNs ?? event.atNs;
    const isApart = event.atNs - lastNs > 70_000_000_000n;
    return isApart ? [{ ...at(0), atNs: event.atNs - 1_000_000_000n, kind: "time.passed" }, event] : [event];
  });
}

export function began(seconds: number, source: "startup" | "resume" | "fork" | "clear"): AgentEvent {
  return { ...at(seconds), kind: "session.started", source };
}

/** A resumed process in which 5 USD were estimated. */
export function resumed(seconds: number): AgentEvent[] {
  return [began(seconds, "resume"), spent(seconds + 5, 5)];
}

export function spent(seconds: number, usd: number): AgentEvent {
  return called(seconds, `m${seconds}`, { usage: usage(usd, 0) });
}

export function shown(seconds: number, totalUsd: number | undefined, durationMs?: number): AgentEvent {
  const totals = totalUsd === undefined ? {} : { totalUsd };
  return { ...at(seconds), kind: "cost.shown", ...totals, ...(durationMs === undefined ? {} : { durationMs }) };
}

export function stated(
  seconds: number,
  totalUsd: number,
  previousUsd?: number,
  startS = 0,
): AgentEvent & { kind: "cost.stated" } {
  const lines = { linesAdded: 0, linesRemoved: 0 };
  const previous = previousUsd === undefined ? {} : { previous: { totalUsd: previousUsd, ...lines } };
  return { ...at(seconds), kind: "cost.stated", startTimeMs: millis(startS), totalUsd, ...lines, ...previous };
}

export function gone(seconds: number): AgentEvent {
  return { ...at(seconds), kind: "process.gone" };
}

export function ended(seconds: number): AgentEvent {
  return { ...at(seconds), kind: "session.ended", reason: "other" };
}

export function alive(seconds: number): AgentEvent {
  return { ...at(seconds), kind: "noted", nativeEvent: "Notification", known: true };
}

export function passed(seconds: number): AgentEvent {
  return { ...at(seconds), kind: "time.passed" };
}

/** A client begins a moment before its first hook. */
export function millis(seconds: number): number {
  return Number(at(seconds - 0.1).atNs / 1_000_000n);
}
