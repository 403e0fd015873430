/** What the doctor found at one hop of the way from an agent to the store. */

import type { AgentName } from "../agents.ts";

/**
 * `ok` works; `warn` works, and somebody should know; `fail` does not work; `unknown` could not be looked at. In the order of the
 * way, so that the first `fail` names the cause and later ones may be its effects.
 */
export type Finding = {
  hop: Hop;
  /** Whose hop it is, where each agent has its own. */
  agent?: AgentName;
  verdict: "ok" | "warn" | "fail" | "unknown";
  text: string;
  /** What to do, in one line. */
  fix?: string;
  /** What was measured, in milliseconds. */
  ms?: number;
};

/** Names that `--json` gives; they do not change. */
export type Hop =
  | "configuration"
  | "agent"
  | "hooks"
  | "levels"
  | "single"
  | "trust"
  | "native"
  | "node"
  | "hook"
  | "start"
  | "state"
  | "bridge"
  | "intake"
  | "traces"
  | "metrics"
  | "tempo"
  | "prometheus";
