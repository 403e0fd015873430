/** Whether Claude Code has hookspan as a plugin: then its settings must not name the hook as well. */

import { AGENT_SETUPS, type Surroundings } from "./agents.ts";
import { memberOf, parseJsonc, valueOf } from "./jsonc.ts";
import type { Read } from "./plan.ts";
import { textOf } from "./settings-file.ts";
import { join } from "node:path";

/** The settings file that switches the plugin on; undefined if none does. */
export function claudePluginIn(around: Surroundings, read: Read): string | undefined {
  const user = AGENT_SETUPS["claude-code"].file(around, "user");
  const inProject = ["settings.json", "settings.local.json"].map((name) => join(around.project, ".claude", name));
  return [...(user === undefined ? [] : [user]), ...inProject].find((path) => isSwitchedOn(path, read));
}

function isSwitchedOn(path: string, read: Read): boolean {
  const file = read(path);
  const parsed = file.status === "present" ? parseJsonc(textOf(file.bytes) ?? "") : undefined;
  const plugins = parsed?.status === "parsed" ? memberOf(parsed.root, "enabledPlugins") : undefined;
  const value = plugins && valueOf(plugins);
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([name, isOn]) => name.startsWith("hookspan@") && isOn === true);
}
