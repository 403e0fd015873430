import { lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** Where hookspan and the agents keep settings and programs. */
const PLACES = [
  ".claude",
  ".codex",
  ".hermes",
  ".cursor",
  ".gemini",
  ".qwen",
  ".copilot",
  ".config/opencode",
  ".config/systemd/user",
  "Library/LaunchAgents",
  ".local/share/hookspan",
  ".config/hookspan",
];

/** What an installation would touch in a home: names and times. Of the state only whether there is one: a bridge of the user's may live. */
export function placesIn(home: string): string[] {
  const settings = PLACES.flatMap((place) => {
    const path = join(home, place);
    const names = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(path) : [];
    return names
      .filter((name) =>
        /hookspan|^(?:settings|hooks|config|install).*\.json|config\.yaml|^plugin$|^hooks$|^dist$/.test(name),
      )
      .map((name) => `${join(path, name)} ${lstatSync(join(path, name)).mtimeMs}`);
  });
  const state = join(home, ".local/state/hookspan");
  const isInUse = statSync(state, { throwIfNoEntry: false }) !== undefined;
  return isInUse ? [...settings, state] : settings;
}
