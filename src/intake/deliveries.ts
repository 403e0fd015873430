/**
 * `deliveries.json`: which signed deliveries were taken, as long as they would still count as fresh, so that the same one is not
 * taken twice, also after a restart.
 *
 * An event is put into the spool first, then it is remembered, then it is acknowledged. Its envelope's name has the delivery's key:
 * what a crash between the first two leaves is known from the names in the spool, before the bridge has taken any of them in.
 */

import { createHash } from "node:crypto";

import * as z from "zod";

import { writeFileAtomically } from "../store/atomic-file.ts";
import { ifPresent, type Disk } from "../store/disk.ts";
import { toJson } from "../store/json.ts";
import type { StateDirectory } from "../store/state-directory.ts";
import { FRESH_MS } from "./webhook-body.ts";

export type Deliveries = {
  has(key: string): boolean;
  /** Resolves when it is on disk, or when the disk would not: then it is known until the bridge leaves. */
  remember(key: string, untilMs: number): Promise<void>;
  /** The id of the envelope of a delivery; `unique` never recurs. */
  envelopeId(key: string, unique: string): string;
};

/** So many are remembered; of more, those that would be forgotten first are. */
const DELIVERIES = 4096;
const PREFIX = "hermes-webhook.";

const schema = z.looseObject({ v: z.literal(1), deliveries: z.array(z.tuple([z.string(), z.number()])) });

/** Ids come from outside, and are of any length. */
export function deliveryKey(deliveryId: string): string {
  return createHash("sha256").update(deliveryId).digest("hex").slice(0, 24);
}

/** `nowMs` gives milliseconds since the epoch. */
export function createDeliveries(
  disk: Disk,
  directory: Pick<StateDirectory, "spool" | "deliveries">,
  nowMs: () => number,
): Deliveries {
  const known = new Map<string, number>();
  let waiting: (() => void)[] = [];
  let isRead = false;

  return {
    has(key) {
      if (!isRead) read();
      return (known.get(key) ?? Number.NEGATIVE_INFINITY) >= nowMs();
    },
    remember(key, untilMs) {
      known.set(key, untilMs);
      return new Promise((resolve) => {
        // Those that were put together are written together.
        if (waiting.length === 0) setImmediate(write);
        waiting.push(resolve);
      });
    },
    envelopeId: (key, unique) => `${PREFIX}${key}.${unique}`,
  };

  function read(): void {
    isRead = true;
    for (const [key, untilMs] of stored(disk, directory.deliveries)) known.set(key, untilMs);
    for (const name of disk.names(directory.spool)) {
      const key = name.startsWith(PREFIX) ? name.slice(PREFIX.length).split(".")[0] : undefined;
      if (key !== undefined && !known.has(key)) known.set(key, nowMs() + 2 * FRESH_MS);
    }
  }

  function write(): void {
    const resolves = waiting;
    waiting = [];
    const newest = [...known].toSorted(([, a], [, b]) => b - a).slice(0, DELIVERIES);
    known.clear();
    for (const [key, untilMs] of newest) if (untilMs >= nowMs()) known.set(key, untilMs);
    try {
      writeFileAtomically(disk, directory.deliveries, toJson({ v: 1, deliveries: [...known] }));
    } catch {
      // The event is on disk, which is what the sender has to know.
    }
    for (const resolve of resolves) resolve();
  }
}

/** A file that makes no sense is as good as none: what it guards against is rare, and the next delivery replaces it. */
function stored(disk: Disk, path: string): [string, number][] {
  try {
    const bytes = ifPresent(() => disk.read(path));
    return bytes === undefined ? [] : schema.parse(JSON.parse(bytes.toString())).deliveries;
  } catch {
    return [];
  }
}
