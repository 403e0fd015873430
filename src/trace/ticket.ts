/**
 * Tickets: some agents give their tool calls no id. Such a call gets one here, made of the tool, its input and the time of
 * its first event, so that a replay gives the same. Which end belongs to which start, nobody can tell of two that run at
 * once: the first end goes to the first start. Durations may be swapped then; no call is lost and none is counted twice.
 *
 * The record of such an agent may have ids all the same. The first call in it of a tool with an input is the first that hooks
 * told of; one that is left over, no hook told of.
 */

import type { AgentEvent } from "../event/event.ts";
import { hasEnded, remember, type Draft } from "./draft.ts";
import type { OpenTool } from "./session.ts";

/** Ends that are remembered, for they may be told of twice, and calls of the record that are. */
const TICKETS_KEPT = 64;

/** Marks a call of the record among the ends, which begin with the name of a tool. */
const RECORDED = ":";

type ToolEvent = AgentEvent & { kind: "tool.started" | "tool.ended" | "tool.reported" };

/** A tool event whose call has an id: `ticket` if it is one of ours, which no span shows. */
export type Named<E> = E & { callId: string; ticket?: true };

/** The event with the id of its call. */
export function named<E extends ToolEvent>(draft: Draft, event: E): Named<E> {
  if (event.callId !== undefined) {
    if (event.kind !== "tool.reported" || event.idOfRecord !== true) return { ...event, callId: event.callId };
    const ticket = recordedTicket(draft, event, event.callId);
    return ticket === undefined ? { ...event, callId: event.callId } : { ...event, callId: ticket, ticket: true };
  }
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
  keep(draft, own, callId);
  return callId;
}

/** The ticket of a call of the record; undefined for one that no hook told of. */
function recordedTicket(draft: Draft, event: ToolEvent, callId: string): string | undefined {
  const { tickets, tools } = draft.session;
  const own = `${RECORDED}${callId}`;
  const before = tickets.find(([told]) => told === own)?.[1];
  if (before !== undefined) return before;
  if (hasEnded(draft.session, "tool", callId)) return undefined;
  const isRecords = ([told]: [string, string]): boolean => told.startsWith(RECORDED);
  const taken = new Set(tickets.filter(isRecords).map(([, ticket]) => ticket));
  const ended = tickets.filter((one) => !isRecords(one)).map(([, ticket]) => ticket);
  const open = tools.flatMap((one) => (one.ticket === true ? one.callId : []));
  const alike = `${ticketOf(event)}:`;
  const ticket = [...ended, ...open].find((one) => one.startsWith(alike) && !taken.has(one));
  if (ticket === undefined) return undefined;
  keep(draft, own, ticket);
  // However late it is told of again, it is no new call.
  if (hasEnded(draft.session, "tool", ticket)) remember(draft, "tool", callId);
  return ticket;
}

function keep(draft: Draft, told: string, ticket: string): void {
  draft.session.tickets = [...draft.session.tickets, [told, ticket] satisfies [string, string]].slice(-TICKETS_KEPT);
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

function newTicket(event: ToolEvent): string {
  return `${ticketOf(event)}:${event.atNs}`;
}

/** What the tickets of a tool's calls with one input begin with. */
function ticketOf({ tool, inputHash, subagentId }: ToolEvent): string {
  return [tool, inputHash ?? "", subagentId ?? ""].join(":");
}
