/**
 * Claude Code's levels of settings. Hooks of all levels count together; of other keys the first level that has it decides:
 * managed, local, project, user. What a session gets by its command line is not seen.
 */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { AGENT_SETUPS, type Surroundings } from "../agents.ts";
import { parseJsonc } from "../jsonc.ts";
import type { Read } from "../plan.ts";
import { textOf } from "../settings-file.ts";
import type { Finding } from "./finding.ts";

/** One file of settings. */
export type Level = { name: "managed" | "local" | "project" | "user"; path: string; value: Record<string, unknown> };

/** The levels that are there, the strongest first. */
export function claudeLevels(around: Surroundings, read: Read): Level[] {
  const user = join(AGENT_SETUPS["claude-code"].home(around), "settings.json");
  const inProject = (name: string) => join(around.project, ".claude", name);
  const files: [Level["name"], string][] = [
    ...managedFiles(around.platform).map((path): [Level["name"], string] => ["managed", path]),
    ["local", inProject("settings.local.json")],
    ["project", inProject("settings.json")],
    ["user", user],
  ];
  return files.flatMap(([name, path]) => {
    const file = read(path);
    const text = file.status === "present" ? textOf(file.bytes) : undefined;
    const parsed = text === undefined ? undefined : parseJsonc(text);
    return parsed?.status === "parsed" && isRecord(parsed.value) ? [{ name, path, value: parsed.value }] : [];
  });
}

/** Whether something keeps Claude Code from running hooks of settings. */
export function claudeLevelsFinding(levels: readonly Level[]): Finding {
  const base = { hop: "levels", agent: "claude-code" } as const;
  const policy = levels.find(({ name, value }) => name === "managed" && value["allowManagedHooksOnly"] === true);
  if (policy !== undefined)
    return {
      ...base,
      verdict: "fail",
      text: `the managed policy ${policy.path} allows managed hooks only (allowManagedHooksOnly), so ours do not run`,
      fix: "ask whoever manages this machine to put the hooks into the managed settings",
    };
  const decides = levels.find(({ value }) => typeof value["disableAllHooks"] === "boolean");
  if (decides?.value["disableAllHooks"] === true)
    return {
      ...base,
      verdict: "fail",
      text: `${decides.path} (${decides.name}) switches all hooks off (disableAllHooks)`,
      fix:
        decides.name === "managed"
          ? "ask whoever manages this machine to allow hooks"
          : `take disableAllHooks out of ${decides.path}`,
    };
  return { ...base, verdict: "ok", text: "no level of settings hides the hooks" };
}

/** The environment that settings give to sessions. */
export function claudeEnvironment(levels: readonly Level[]): Record<string, unknown> {
  const all = levels.map(({ value }) => value["env"]).filter(isRecord);
  return Object.assign({}, ...all.toReversed());
}

function managedFiles(platform: NodeJS.Platform): string[] {
  const directory =
    platform === "darwin"
      ? "/Library/Application Support/ClaudeCode"
      : platform === "win32"
        ? String.raw`C:\Program Files\ClaudeCode`
        : "/etc/claude-code";
  const parts = join(directory, "managed-settings.d");
  const names = existsSync(parts) ? readdirSync(parts).filter((name) => name.endsWith(".json")) : [];
  // A later part lies over an earlier one, and all of them over the file.
  return [
    ...names
      .sort()
      .toReversed()
      .map((name) => join(parts, name)),
    join(directory, "managed-settings.json"),
  ];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
