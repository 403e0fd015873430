/**
 * Taking in: one envelope of the spool becomes events, and the events are folded. Whatever becomes of an envelope is said with
 * a word, and counted; a poison one goes to quarantine and never stops the rest.
 */

import { recognise } from "../adapter/recognise.ts";
import { adapterFor } from "../adapter/registry.ts";
import { wrappedHook } from "../adapter/wrapped-hook.ts";
import type { Envelope } from "../event/envelope.ts";
import type { AgentEvent } from "../event/event.ts";
import type { IsExcluded } from "../event/exclude.ts";
import type { EnvelopeRead } from "../spool/spool.ts";

export type TakenIn =
  | { status: "folded"; noted?: "known" | "unknown"; refused?: string }
  /** Nothing has happened in it, for a reason that is counted. */
  | { status: "ignored"; reason: string }
  /** Nothing of this directory or agent is recorded. */
  | { status: "excluded" }
  | { status: "quarantined"; reason: string }
  | { status: "dropped"; reason: "payload_too_large" }
  /** Not whole yet, or the state of its session is not ours to touch. */
  | { status: "left" };

type Deps = {
  fold: (event: AgentEvent) => boolean;
  isExcluded: IsExcluded;
};

/** Never throws for what is in an envelope: what we cannot digest, a mistake of ours included, is set aside. */
export function takeIn(deps: Deps, read: EnvelopeRead): TakenIn {
  try {
    return take(deps, read);
  } catch (error) {
    // Only the kind of the error: its text may quote the payload.
    return { status: "quarantined", reason: `not digested ${error instanceof Error ? error.name : ""}` };
  }
}

function take(deps: Deps, read: EnvelopeRead): TakenIn {
  switch (read.status) {
    case "whole":
      return decode(deps, read.envelope);
    case "malformed":
      return { status: "quarantined", reason: `envelope ${read.reason}` };
    case "incomplete":
      return { status: "quarantined", reason: "envelope incomplete" };
    case "too_large":
      return { status: "dropped", reason: "payload_too_large" };
    case "waiting":
    case "gone":
      return { status: "left" };
  }
}

function decode(deps: Deps, envelope: Envelope): TakenIn {
  const agent = recognise(envelope);
  if (deps.isExcluded(agent)) return { status: "excluded" };
  const adapter = adapterFor(agent);
  if (adapter === undefined) return { status: "quarantined", reason: "unknown agent" };
  const decoded = adapter.decode(envelope);
  // Any program may be wrapped, and what it was given need not be a hook's payload.
  if (decoded.status === "invalid" && envelope.wrap !== undefined) return { status: "ignored", reason: "unjoined" };
  if (decoded.status === "invalid") return { status: "quarantined", reason: decoded.reason };
  const { events, refused, ignored } = decoded;
  if (ignored !== undefined) return { status: "ignored", reason: ignored };
  const cwd = events.find((event) => event.kind === "session.described")?.cwd;
  if (deps.isExcluded(agent, cwd)) return { status: "excluded" };
  if (envelope.wrap !== undefined) return takeWrapped(deps, envelope, events);
  for (const event of events) if (!deps.fold(event)) return { status: "left" };
  const noted = events.find((event) => event.kind === "noted");
  return {
    status: "folded",
    ...(noted === undefined ? {} : { noted: noted.known ? "known" : "unknown" }),
    ...(refused === undefined ? {} : { refused }),
  };
}

/** What the agent told that hook, it tells ours too, if it is asked: here only the hook's own run is new. */
function takeWrapped(deps: Deps, envelope: Envelope, events: readonly AgentEvent[]): TakenIn {
  const run = wrappedHook(envelope, events);
  if (run === undefined) return { status: "ignored", reason: "unjoined" };
  return deps.fold(run) ? { status: "folded" } : { status: "left" };
}
