/**
 * `trouble.json`: what keeps a bridge from its work, in one line for each kind, for `status`. A bridge that a hook started
 * has nobody else to tell. It is no part of the state: that it cannot be written harms nothing, and who writes last wins.
 */

import * as z from "zod";

import { writeFileAtomically } from "./atomic-file.ts";
import { ifPresent, type Disk } from "./disk.ts";
import { toJson } from "./json.ts";

const KINDS = ["bridge", "configuration", "spans", "metrics", "intake"] as const;
export type TroubleKind = (typeof KINDS)[number];

/** `since`: when this text was first written, ISO 8601. */
export type Trouble = { kind: TroubleKind; since: string; text: string };

const schema = z.looseObject({
  v: z.literal(1),
  troubles: z.array(z.object({ kind: z.enum(KINDS), since: z.string(), text: z.string() })),
});

export type TroubleFile = {
  /** Notes a trouble, or with undefined that it is over. True if that is news. Never throws. */
  note(kind: TroubleKind, text: string | undefined): boolean;
};

/** `nowMs` gives milliseconds since the epoch. */
export function createTroubleFile(disk: Disk, path: string, nowMs: () => number): TroubleFile {
  return {
    note(kind, text) {
      // Read each time: a bridge and who starts it write to the same file.
      const known = readTroubles(disk, path);
      if (known.find((one) => one.kind === kind)?.text === text) return false;
      const others = known.filter((one) => one.kind !== kind);
      const next = text === undefined ? others : [...others, { kind, since: new Date(nowMs()).toISOString(), text }];
      try {
        if (next.length === 0) ifPresent(() => disk.unlink(path));
        else writeFileAtomically(disk, path, toJson({ v: 1, troubles: next }));
      } catch {
        // A full disk, for one. The next note tries again.
      }
      return true;
    },
  };
}

/** What stands there; nothing, if the file is missing or makes no sense. Never throws. */
export function readTroubles(disk: Disk, path: string): Trouble[] {
  try {
    return schema.parse(JSON.parse(disk.read(path).toString())).troubles;
  } catch {
    return [];
  }
}
