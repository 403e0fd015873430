import type { Envelope } from "../event/envelope.ts";
import type { AgentEvent, EventBase } from "../event/event.ts";
import { optional } from "../event/optional.ts";

type Described = AgentEvent & { kind: "session.described" };

/** What a payload tells of its session. */
type Facts = Pick<Described, "cwd" | "agentVersion" | "permissionMode" | "headless">;

/** The facts of a payload, with what the hook's surroundings add. A CI job has nobody in front of it. */
export function described(envelope: Envelope, base: EventBase, facts: Facts): Described {
  const headless = envelope.env["CI"] === undefined ? {} : { headless: true };
  return { ...base, kind: "session.described", ...headless, ...facts, hook: surroundings(envelope) };
}

/** The context that the hook was given, and its parent for the agent's process; 1 is what has adopted it. */
export function surroundings({ traceparent, ppid }: Envelope): NonNullable<Described["hook"]> {
  const isParent = ppid !== undefined && ppid > 1;
  return { ...optional("traceparent", traceparent), ...(isParent ? { pid: ppid, pidSource: "parent" } : {}) };
}
