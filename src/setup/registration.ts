/** One agent's hooks in one file of settings: what stands there, and how the file would look with and without ours. */

import { isDeepStrictEqual } from "node:util";

import { AGENT_SETUPS, type AgentName, hookFileOf } from "./agents.ts";
import { isHookLine } from "./command-line.ts";
import { withoutApprovals } from "./hermes-allowlist.ts";
import { type Edited, type Handler, hooksIn, withHooks, withoutHooks } from "./json-hooks.ts";
import { withYamlHooks, withoutYamlHooks, yamlHooksIn } from "./yaml-hooks.ts";

/** By what a plugin file of ours is known, in every version. */
const PLUGIN_MARK = "hookspan's plugin for OpenCode";

/** What an agent's file is to hold: hooks by event, or the text of the plugin. */
export type Wanted = { hooks: Readonly<Record<string, Handler>>; plugin: string };

/**
 * How far an agent's hooks are registered in a file: `missing` none of ours, `complete` all as they should be, `other` some are
 * missing, doubled or of another version (`events` of ours that stand there). `reason` follows the path in a sentence.
 */
export type Registration =
  | { status: "missing" | "complete" | "other"; events: string[] }
  | { status: "invalid"; reason: string };

export function registrationIn(agent: AgentName, text: string, wanted: Wanted): Registration {
  const { form } = AGENT_SETUPS[agent];
  if (form === "plugin") {
    if (!isPlugin(text)) return { status: "missing", events: [] };
    return { status: text === wanted.plugin ? "complete" : "other", events: [] };
  }
  const found = form === "yaml" ? yamlHooksIn(text, hookFileOf(agent)) : hooksIn(text, hookFileOf(agent));
  if (found.status === "invalid") return found;
  const events = found.handlers.map(({ event }) => event);
  if (events.length === 0) return { status: "missing", events };
  const isWhole =
    events.length === Object.keys(wanted.hooks).length &&
    new Set(events).size === events.length &&
    found.handlers.every(({ event, handler }) => isDeepStrictEqual(handler, wanted.hooks[event]));
  return { status: isWhole ? "complete" : "other", events };
}

/** The text with our hooks as they should be. */
export function registered(agent: AgentName, text: string, wanted: Wanted): Edited {
  const { form } = AGENT_SETUPS[agent];
  if (form === "plugin") {
    if (text.trim() !== "" && !isPlugin(text)) return { status: "invalid", reason: "is not hookspan's plugin" };
    return { status: "edited", text: wanted.plugin };
  }
  if (form === "groups" || form === "flat") return withHooks(text, hookFileOf(agent), wanted.hooks);
  const hooks = Object.entries(wanted.hooks).map(([event, { command, timeout }]) => [
    event,
    { command: String(command), timeout: Number(timeout) },
  ]);
  return withYamlHooks(text, hookFileOf(agent), Object.fromEntries(hooks));
}

/** The text without anything of ours. `before` is the text as it was before us, if that is known. */
export function unregistered(
  kind: "settings" | "consent",
  agent: AgentName,
  text: string,
  before: string | undefined,
): Edited {
  const { form } = AGENT_SETUPS[agent];
  if (kind === "consent") return withoutApprovals(text, (command) => isHookLine(command, agent));
  if (form === "plugin") return { status: "edited", text: isPlugin(text) ? "" : text };
  return form === "yaml"
    ? withoutYamlHooks(text, hookFileOf(agent), before)
    : withoutHooks(text, hookFileOf(agent), before);
}

/** True if a text holds nothing that somebody could miss. */
export function isBare(agent: AgentName, text: string): boolean {
  const { form, root = {} } = AGENT_SETUPS[agent];
  if (text.trim() === "") return true;
  if (form === "yaml" || form === "plugin") return false;
  try {
    const value: unknown = JSON.parse(text);
    return isDeepStrictEqual(value, {}) || isDeepStrictEqual(value, root);
  } catch {
    return false;
  }
}

function isPlugin(text: string): boolean {
  return text.slice(0, 500).includes(PLUGIN_MARK);
}
