/** Where an agent would find a hook of ours: every file that counts for it, here and now, with what stands there. */

import { realpathSync } from "node:fs";
import { join } from "node:path";

import { AGENT_SETUPS, type AgentName, hookFileOf, type Surroundings } from "../agents.ts";
import { claudePluginIn } from "../claude-plugin.ts";
import { isHookLine } from "../command-line.ts";
import { type Handler, hooksIn } from "../json-hooks.ts";
import type { Read } from "../plan.ts";
import { registrationIn } from "../registration.ts";
import { textOf } from "../settings-file.ts";
import { yamlHooksIn } from "../yaml-hooks.ts";
import { tomlEntries, tomlText } from "./toml-entries.ts";

/** One file with hooks of ours; `handlers` is empty for a plugin. */
export type Place = {
  kind: "user" | "project" | "plugin";
  path: string;
  handlers: { event: string; handler: Handler }[];
};

/** `unusable`: files that the agent cannot read either; `reason` follows the path in a sentence. */
export type Places = { found: Place[]; unusable: { path: string; reason: string }[] };

export function placesOf(agent: AgentName, around: Surroundings, read: Read): Places {
  const places: Places = { found: [], unusable: [] };
  for (const { kind, path } of filesOf(agent, around)) {
    const file = read(path);
    if (file.status === "absent") continue;
    const text = file.status === "present" ? textOf(file.bytes) : undefined;
    if (file.status === "unusable" || text === undefined) {
      places.unusable.push({ path, reason: file.status === "unusable" ? file.reason : "is not UTF-8" });
      continue;
    }
    const found = handlersIn(agent, text);
    if (found.status === "invalid") places.unusable.push({ path, reason: found.reason });
    else if (found.handlers.length > 0 || found.isPlugin)
      places.found.push({ kind: found.isPlugin ? "plugin" : kind, path, handlers: found.handlers });
  }
  const plugin = agent === "claude-code" ? claudePluginIn(around, read) : undefined;
  if (plugin !== undefined) places.found.push({ kind: "plugin", path: plugin, handlers: [] });
  if (agent === "codex") places.found.push(...inCodexToml(around, read));
  return places;
}

/** The command of a handler, as a shell takes it. Undefined for one that is no command. */
export function commandOf({ command, bash, args }: Handler): string | undefined {
  const line = command ?? bash;
  if (typeof line !== "string") return undefined;
  const words = Array.isArray(args) ? args.map((word) => `'${String(word).replaceAll("'", String.raw`'\''`)}'`) : [];
  return [line, ...words].join(" ");
}

/** In the home directory a project's file may be the user's. */
function filesOf(agent: AgentName, around: Surroundings): { kind: "user" | "project"; path: string }[] {
  const setup = AGENT_SETUPS[agent];
  const user = setup.file(around, "user");
  const local = setup.file(around, "project");
  const shared = agent === "claude-code" ? join(around.project, ".claude", "settings.json") : undefined;
  const seen = new Set<string>();
  const all = [
    { kind: "user" as const, path: user },
    { kind: "project" as const, path: shared },
    { kind: "project" as const, path: local },
  ];
  return all.flatMap(({ kind, path }) => {
    if (path === undefined || seen.has(realOf(path))) return [];
    seen.add(realOf(path));
    return [{ kind, path }];
  });
}

function handlersIn(agent: AgentName, text: string) {
  const { form } = AGENT_SETUPS[agent];
  if (form === "plugin") {
    const isPlugin = registrationIn(agent, text, { hooks: {}, plugin: "" }).status !== "missing";
    return { status: "found" as const, handlers: [], isPlugin };
  }
  const found = form === "yaml" ? yamlHooksIn(text, hookFileOf(agent)) : hooksIn(text, hookFileOf(agent));
  return found.status === "invalid" ? found : { ...found, isPlugin: false };
}

/** Codex takes hooks from its config.toml as well, beside those of hooks.json. */
function inCodexToml(around: Surroundings, read: Read): Place[] {
  const homes = [
    { kind: "user" as const, path: join(AGENT_SETUPS.codex.home(around), "config.toml") },
    { kind: "project" as const, path: join(around.project, ".codex", "config.toml") },
  ];
  return homes.flatMap(({ kind, path }) => {
    const file = read(path);
    const text = file.status === "present" ? (textOf(file.bytes) ?? "") : "";
    const ours = tomlEntries(text).filter(
      ({ path: [top], value }) => top === "hooks" && isHookLine(tomlText(value), "codex"),
    );
    const handlers = ours.map((entry) => ({ event: entry.path[1] ?? "", handler: { command: tomlText(entry.value) } }));
    return handlers.length === 0 ? [] : [{ kind, path, handlers }];
  });
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
