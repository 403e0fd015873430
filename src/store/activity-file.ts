/**
 * `activity.json`: when each agent was last heard of, in which version, and when the receiver last accepted something, for
 * `status`. Like `trouble.json` it is no part of the state: it is not synced, and that it cannot be written harms nothing.
 */

import * as z from "zod";

import type { Disk } from "./disk.ts";
import { toJson } from "./json.ts";

const agent = z.object({ lastEvent: z.string(), version: z.string().exactOptional() });
const schema = z.looseObject({
  v: z.literal(1),
  agents: z.record(z.string(), agent),
  accepted: z.object({ spans: z.string().exactOptional(), metrics: z.string().exactOptional() }),
});

/** All times are ISO 8601; an event's is that of its receipt. */
export type Activity = Pick<z.output<typeof schema>, "agents" | "accepted">;

export type ActivityFile = {
  /** An event of an agent was taken in; `atNs` is its receipt, in nanoseconds since the epoch. */
  heard(agentName: string, atNs: bigint): void;
  /** The version that an agent runs in, as it said last. */
  runs(agentName: string, version: string): void;
  /** The receiver has taken a request. */
  accepted(signal: keyof Activity["accepted"], atMs: number): void;
  /** Writes what is new. Never throws. */
  save(): void;
};

export function createActivityFile(disk: Disk, path: string): ActivityFile {
  const { agents, accepted } = readActivity(disk, path);
  let isNew = false;

  return {
    heard(name, atNs) {
      const lastEvent = new Date(Number(atNs / 1_000_000n)).toISOString();
      const known = agents[name];
      // An old backlog may be taken in late.
      if (known !== undefined && known.lastEvent >= lastEvent) return;
      agents[name] = { ...known, lastEvent };
      isNew = true;
    },
    runs(name, version) {
      const known = agents[name];
      if (known === undefined || known.version === version) return;
      agents[name] = { ...known, version };
      isNew = true;
    },
    accepted(signal, atMs) {
      accepted[signal] = new Date(atMs).toISOString();
      isNew = true;
    },
    save() {
      if (!isNew) return;
      isNew = false;
      try {
        write(disk, path, toJson({ v: 1, agents, accepted }));
      } catch {
        // A full disk, for one. What comes next is written then.
      }
    },
  };
}

/** What stands there; nothing, if the file is missing or makes no sense. Never throws. */
export function readActivity(disk: Disk, path: string): Activity {
  try {
    const { agents, accepted } = schema.parse(JSON.parse(disk.read(path).toString()));
    return { agents, accepted };
  } catch {
    return { agents: {}, accepted: {} };
  }
}

/** Without a sync, which would cost more than the news are worth. */
function write(disk: Disk, path: string, text: string): void {
  const draft = `${path}.tmp`;
  const fd = disk.open(draft, "w");
  try {
    disk.write(fd, Buffer.from(text));
  } finally {
    disk.close(fd);
  }
  disk.rename(draft, path);
}
