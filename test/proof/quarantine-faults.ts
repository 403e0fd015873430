/** What may lie in quarantine: the half-written envelopes of killed hooks, each once, and nothing else. */

import { readdirSync } from "node:fs";
import { join } from "node:path";

import type { Site } from "./feeder.ts";

export function quarantined(site: Site): string[] {
  return readdirSync(join(site.state, "quarantine"));
}

export function quarantineFaults(site: Site, incomplete: number): string[] {
  const names = quarantined(site);
  const unexpected = names.filter((name) => !name.includes(".envelope-incomplete."));
  return [
    ...(unexpected.length === 0 ? [] : [`in quarantine: ${unexpected.slice(0, 5).join(", ")}`]),
    ...(names.length === incomplete
      ? []
      : [`${names.length} files in quarantine, where hooks left ${incomplete} half written`]),
  ];
}
