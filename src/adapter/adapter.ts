/**
 * Adapter: the pure decoder of one agent's dialect. It turns a hook's payload, and the lines of the agent's transcript, into
 * AgentEvents. It knows no disk, no clock and no session state.
 */

import type { Envelope } from "../event/envelope.ts";
import type { AgentEvent } from "../event/event.ts";

/**
 * What an adapter makes of one payload. `refused`: something in it was not followed; `ignored`: it is as it should be, and
 * nothing has happened, or to nobody. Both are a reason, in one word, to count.
 */
export type Decoded =
  | { status: "decoded"; events: AgentEvent[]; refused?: string; ignored?: string }
  | { status: "invalid"; reason: string };

/** Which file a line is from, and what the decoder remembered from the lines before it. */
export type LineContext = { sessionId: string; file: string; subagentId?: string; decoder: unknown };

/** The events of one line and the decoder's memory after it (plain JSON). `malformed`: not a line that it can read. */
export type DecodedLine = { events: AgentEvent[]; decoder: unknown; malformed?: true };

export type Adapter = {
  agent: string;
  decode: (envelope: Envelope) => Decoded;
  decodeLine?: (line: string, context: LineContext) => DecodedLine;
};
