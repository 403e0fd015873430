/**
 * What the first line of a transcript says of its session, known before the first run opens. Codex tells there, and nowhere
 * else, that nobody sits in front of it, and the place of a run in a surrounding trace hangs on that. The line was written
 * before any hook ran, so to read it early lets nothing overtake; it is read again, in its turn, and says the same.
 */

import { adapterFor } from "../adapter/registry.ts";
import type { AgentEvent } from "../event/event.ts";
import { readLines } from "../transcript/reader.ts";
import type { Folding } from "./folding.ts";

type Named = AgentEvent & { kind: "transcript.named" };

/** Folds an event, and with the first word of a session's own transcript what stands at the head of that. */
export function createHeadReading(folding: Pick<Folding, "fold" | "session">): Folding["fold"] {
  return (event) => {
    const isNew =
      event.kind === "transcript.named" &&
      event.subagentId === undefined &&
      folding.session(event.agent, event.sessionId)?.transcripts[event.file] === undefined;
    const isFolded = folding.fold(event);
    if (isNew && isFolded) for (const fact of headOf(event)) folding.fold(fact);
    return isFolded;
  };
}

function headOf({ agent, sessionId, atNs, file }: Named): AgentEvent[] {
  const line = firstLine(file);
  if (line === undefined) return [];
  const decoded = adapterFor(agent)?.decodeLine?.(line, { sessionId, file, decoder: undefined });
  return (decoded?.events ?? [])
    .filter(({ kind }) => kind === "session.described")
    .map((event) => ({ ...event, atNs }));
}

/** Undefined where it cannot be read, or not yet: whoever follows the file says so. */
function firstLine(file: string): string | undefined {
  try {
    const read = readLines(file, undefined, { maxBytes: 1 });
    return read.status === "read" ? read.lines[0]?.text : undefined;
  } catch {
    return undefined;
  }
}
