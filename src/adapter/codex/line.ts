import type { AgentEvent, EventBase } from "../../event/event.ts";
import type { LineContext } from "../adapter.ts";
import type { DecoderState } from "./line-schema.ts";

/** One line of a rollout, with what is known when it is read. `base` is that of its events. */
export type Line = {
  payload: unknown;
  atNs: bigint;
  base: EventBase;
  context: LineContext;
  state: DecoderState;
  /** The line is of the main thread, not of a subagent's. */
  isMain: boolean;
};

/** What a line tells, and what the decoder remembers after it. */
export type LineEvents = { events: AgentEvent[]; state: DecoderState };
