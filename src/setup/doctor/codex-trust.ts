/**
 * Whether Codex has been told to trust our hooks. It keeps the word in its config.toml by the position of each hook in its file,
 * with a hash of what stood there. The hash is Codex' own affair: that one is out of date only `/hooks` in Codex tells.
 */

import { realpathSync } from "node:fs";
import { join } from "node:path";

import { AGENT_SETUPS, hookFileOf, type Surroundings } from "../agents.ts";
import { parseJsonc } from "../jsonc.ts";
import type { Read } from "../plan.ts";
import { textOf } from "../settings-file.ts";
import type { Finding } from "./finding.ts";
import type { Place } from "./registered-places.ts";
import { type TomlEntry, tomlEntries, tomlText } from "./toml-entries.ts";

const IN_CODEX = "open codex, type /hooks, and accept them";

/** The entries of Codex' own configuration; none if there is none that can be read. */
export function codexEntries(around: Surroundings, read: Read): TomlEntry[] {
  const file = read(join(AGENT_SETUPS.codex.home(around), "config.toml"));
  return file.status === "present" ? tomlEntries(textOf(file.bytes) ?? "") : [];
}

/** Whether a setting of Codex switches all hooks off. */
export function codexLevelsFinding(entries: readonly TomlEntry[]): Finding {
  const base = { hop: "levels", agent: "codex" } as const;
  const isOff = entries.some(({ path, value }) => path.join(".") === "features.hooks" && tomlText(value) === "false");
  return isOff
    ? { ...base, verdict: "fail", text: "config.toml switches hooks off (features.hooks)", fix: "take that line out" }
    : { ...base, verdict: "ok", text: "config.toml does not switch hooks off" };
}

/** `text` is that of the file of hooks. */
export function codexTrustFinding(place: Place, text: string, entries: readonly TomlEntry[]): Finding {
  const base = { hop: "trust", agent: "codex" } as const;
  const trusted = new Set(
    entries
      .filter(
        ({ path }) => path.length === 4 && path[0] === "hooks" && path[1] === "state" && path[3] === "trusted_hash",
      )
      .map(({ path }) => path[2]),
  );
  const files = [place.path, realOf(place.path)];
  const positions = positionsOf(text);
  const open = positions.filter(({ key }) => !files.some((file) => trusted.has(`${file}:${key}`)));
  if (positions.length === 0) return { ...base, verdict: "unknown", text: `${place.path} is not asked for trust` };
  if (open.length === 0)
    return {
      ...base,
      verdict: "ok",
      text: "every hook is trusted, unless it has changed since; /hooks in codex tells",
    };
  const names = open.map(({ event }) => event).join(", ");
  const which = open.length === positions.length ? "none of our hooks is trusted" : `not trusted: ${names}`;
  return { ...base, verdict: "fail", text: `${which}, so Codex does not run them and says nothing`, fix: IN_CODEX };
}

/** `<event>:<group>:<handler>` of each hook of ours. */
function positionsOf(text: string): { event: string; key: string }[] {
  const parsed = parseJsonc(text);
  const hooks = parsed.status === "parsed" ? membersOf(membersOf(parsed.value)["hooks"]) : {};
  const file = hookFileOf("codex");
  return Object.entries(hooks).flatMap(([event, groups]) =>
    listOf(groups).flatMap((group, g) =>
      listOf(membersOf(group)["hooks"]).flatMap((handler, h) =>
        file.isOurs(membersOf(handler)) ? [{ event, key: `${snake(event)}:${g}:${h}` }] : [],
      ),
    ),
  );
}

function snake(event: string): string {
  return event.replaceAll(/(?!^)([A-Z])/g, "_$1").toLowerCase();
}

function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {};
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
