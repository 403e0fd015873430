/** Tool calls as the model made them, and what it was told about each: the one thing that every call has. */

import type { AgentEvent } from "../../event/event.ts";
import { optional } from "../../event/optional.ts";
import { toolName } from "../mcp-name.ts";
import type { Line, LineEvents } from "./line.ts";
import { callLine, outputLine } from "./line-schema.ts";
import { toldBy, type Told } from "./output-text.ts";

const CALLS_KEPT = 64;

/** The model's names of a shell; hooks call all of them Bash. */
const SHELLS = new Set(["exec_command", "shell", "shell_command", "local_shell", "container.exec"]);

/** Looks after a command that runs already: no call of its own, and it runs no hooks. */
const POLL = "write_stdin";

export function madeCall(line: Line): LineEvents {
  const { state } = line;
  const parsed = callLine.safeParse(line.payload);
  if (!parsed.success) return { events: [], state };
  const { call_id: id, name = "unknown", namespace } = parsed.data;
  return {
    events: [],
    state: {
      ...state,
      calls: [...state.calls, [id, hookName(name, namespace)] satisfies [string, string]].slice(-CALLS_KEPT),
    },
  };
}

export function gotOutput(line: Line): LineEvents {
  const state = { ...line.state, askedNs: line.atNs.toString() };
  const parsed = outputLine.safeParse(line.payload);
  if (!parsed.success) return { events: [], state };
  const { call_id: callId, output } = parsed.data;
  const name = state.calls.find(([id]) => id === callId)?.[1];
  const calls = state.calls.filter(([id]) => id !== callId);
  // An output without a call is none of the model's, as far as this file tells.
  if (name === undefined || name === POLL) return { events: [], state: { ...state, calls } };
  const text = textOf(output);
  const told = toldBy(text);
  const events = eventsOf(line, { callId, ...toolName(name) }, told, text);
  // A command that still runs is heard of again.
  return { events, state: told.status === "running" ? state : { ...state, calls } };
}

/** The name that hooks have for a tool of the model's. A model may ask for anything: what is no name is unknown. */
function hookName(name: string, namespace = ""): string {
  if (namespace === "" && SHELLS.has(name)) return "Bash";
  const full = namespace.startsWith("mcp__") ? `${namespace}__${name}` : `${namespace}${name}`;
  return /^[\w.:/-]{1,128}$/.test(full) ? full : "unknown";
}

function eventsOf(
  { base }: Line,
  call: { callId: string; tool: string; mcpServer?: string },
  told: Told,
  text: string,
): AgentEvent[] {
  const content = { output: text };
  switch (told.status) {
    case "ended": {
      const { status: _status, ...how } = told;
      const ended: AgentEvent = { ...base, ...call, kind: "tool.ended", recorded: true, ...how, content };
      const { callId, tool } = call;
      if (how.outcome === "denied")
        return [{ ...base, kind: "permission.decided", callId, tool, decision: "deny" }, ended];
      return how.outcome === "blocked" ? [ended, blockingHook(base, callId)] : [ended];
    }
    case "rejected": {
      const { errorType } = told;
      return [
        {
          ...base,
          ...call,
          kind: "tool.reported",
          outcome: "error",
          ...optional("errorType", errorType),
          opens: true,
          content,
        },
      ];
    }
    case "running":
      return [{ ...base, ...call, kind: "tool.reported", outcome: "unknown", ran: true }];
    case "unsaid":
      return [{ ...base, ...call, kind: "tool.reported", outcome: "unknown", content }];
  }
}

/** A hook that blocked a call leaves no other trace than what the model was told. */
function blockingHook(base: Line["base"], callId: string): AgentEvent {
  const hook = { hookEvent: "PreToolUse", hookName: "unknown", source: "unknown", status: "blocked" } as const;
  return { ...base, kind: "hook.ran", ...hook, callId, id: `${callId}:blocked` };
}

/** Images are left out: they are data, not text. */
function textOf(output: unknown): string {
  if (typeof output === "string") return output;
  if (!Array.isArray(output)) return "";
  return output
    .flatMap((part: unknown) =>
      typeof part === "object" && part !== null && "text" in part && typeof part.text === "string" ? part.text : [],
    )
    .join("\n");
}
