/**
 * Tickets: some agents give their tool calls no id. Such a call gets one here, made of the tool, its input and the time of
 * its first event, so that a replay gives the same. Which end belongs to which start, nobody can tell of two that run at
 * once: the first end goes to the first start. Durations may be swapped then; no call is lost and none is counted twice.
 */

import type { AgentEvent } from "../event/event.ts";
import { hasEnded, type Draft } from "./draft.ts";
import type { OpenTool } from "./session.ts";

/** Ends that are remembered, for they may be told of twice. */
const TICKETS_KEPT = 32;

type ToolEvent = AgentEvent & { kind: "tool.started" | "tool.ended" | "tool.reported" };

/** A tool event whose call has an id: `ticket` if it is one of ours, which no span shows. */
export type Named<E> = E & { callId: string; ticket?: true };

/** The event with the id of its call. */
export function named<E extends ToolEvent>(draft: Draft, event: E): Named<E> {
  if (event.callId !== undefined) return { ...event, callId: event.callId };
  const callId = event.kind === "tool.started" ? startTicket(draft, event) : endTicket(draft, event);
  return { ...event, callId, ticket: true };
}

/** A start whose end came first takes the ticket of that end. */
function startTicket(draft: Draft, event: ToolEvent): string {
  const { tools } = draft.session;
  const own = newTicket(event);
  if (tools.some(({ callId }) => callId === own) || hasEnded(draft.session, "tool", own)) return own;
  const waiting = tools.find(
    (one) => isAlike(one, event) && one.startNs === undefined && (one.ended?.atNs ?? 0n) >= event.atNs,
  );
  return waiting?.callId ?? own;
}

/** The same end told of twice must not take the next ticket: it is known by its time. */
function endTicket(draft: Draft, event: ToolEvent): string {
  const own = `${newTicket(event)}:${event.kind}`;
  const before = draft.session.tickets.find(([end]) => end === own)?.[1];
  if (before !== undefined) return before;
  const [first] = draft.session.tools
    .filter((one) => isAlike(one, event) && isUnended(one) && (one.startNs ?? event.atNs + 1n) <= event.atNs)
    .sort((a, b) => ((a.startNs ?? 0n) < (b.startNs ?? 0n) ? -1 : 1));
  const callId = first?.callId ?? own;
  draft.session.tickets = [...draft.session.tickets, [own, callId] satisfies [string, string]].slice(-TICKETS_KEPT);
  return callId;
}

function isAlike(one: OpenTool, event: ToolEvent): boolean {
  const { tool, mcpServer, subagentId, runKey, inputHash } = event;
  return (
    one.ticket === true &&
    one.tool === tool &&
    one.mcpServer === mcpServer &&
    one.subagentId === subagentId &&
    (runKey === undefined || one.runKey === runKey) &&
    (inputHash === undefined || one.inputHash === undefined || one.inputHash === inputHash)
  );
}

/** What was refused never runs, and takes no end. */
function isUnended({ ended, reported }: OpenTool): boolean {
  return ended === undefined && (reported === undefined || reported.outcome === "unknown");
}

function newTicket({ tool, inputHash, subagentId, atNs }: ToolEvent): string {
  return [tool, inputHash ?? "", subagentId ?? "", atNs].join(":");
}
