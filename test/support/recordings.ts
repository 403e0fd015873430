/** The recorded sessions of all agents: `test/recordings/<agent>/<folder>`. What is in a folder, loadRecording reads. */

import { readdirSync } from "node:fs";
import { join } from "node:path";

import { loadRecording } from "../../src/view/load-recording.ts";

const ROOT = join(import.meta.dirname, "..", "recordings");

export type Recorded = { agent: string; folder: string; path: string };

/** All of them, or those of one agent. */
export function recordedSessions(agent?: string): Recorded[] {
  const agents = agent === undefined ? foldersIn(ROOT) : [agent];
  return agents.flatMap((one) =>
    foldersIn(join(ROOT, one)).map((folder) => ({ agent: one, folder, path: join(ROOT, one, folder) })),
  );
}

/** Every payload and every transcript line of a recording, parsed. */
export function recordedInputs(path: string): { payloads: unknown[]; lines: unknown[] } {
  const { hooks, transcripts } = loadRecording(path);
  return {
    payloads: hooks.map(({ stdin }): unknown => JSON.parse(stdin)),
    lines: transcripts.flatMap((one) => one.lines.map(({ text }): unknown => JSON.parse(text))),
  };
}

function foldersIn(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}
