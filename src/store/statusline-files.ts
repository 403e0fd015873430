/**
 * `statusline/<session>.json`: the cost that a client last showed its status line, one replaced file per session, written by
 * `hooks/hookspan-statusline.sh`. Its modification time says when. What is in it may be anything, for another program wrote it.
 * They live for 30 days, the newest 500 of them: a session that is idle for longer is priced by its estimates.
 */

import { join } from "node:path";

import * as z from "zod";

import type { Disk, FileFacts } from "./disk.ts";

export type StatuslineFiles = {
  /** The cost block of a session, as it came, and when. Undefined where there is none that can be read. Never throws. */
  read(sessionId: string): { cost: unknown; atNs: bigint } | undefined;
  /** Keeps their number and age within bounds. Never throws. */
  sweep(nowNs: bigint): void;
};

/** An id with another letter has no file. */
const ID = /^[A-Za-z0-9_-]{1,128}$/;
const BYTES_AT_MOST = 4096;
const FILES_AT_MOST = 500;
const LIFE_NS = 30n * 86_400_000_000_000n;
/** What a killed tap left half-written. */
const DRAFT_LIFE_NS = 3_600_000_000_000n;

const file = z.looseObject({ v: z.literal(1), session_id: z.string(), cost: z.unknown() });

export function createStatuslineFiles(disk: Disk, directory: string): StatuslineFiles {
  return {
    read(sessionId) {
      if (!ID.test(sessionId)) return undefined;
      const path = join(directory, `${sessionId}.json`);
      const facts = regularFile(path);
      if (facts === undefined || facts.sizeBytes > BYTES_AT_MOST) return undefined;
      const parsed = file.safeParse(attempt(() => JSON.parse(disk.read(path).toString())));
      if (!parsed.success || parsed.data.session_id !== sessionId) return undefined;
      return { cost: parsed.data.cost, atNs: facts.mtimeNs };
    },
    sweep(nowNs) {
      const files = names().flatMap((name) => {
        const facts = regularFile(join(directory, name));
        return facts === undefined ? [] : [{ name, ageNs: nowNs - facts.mtimeNs }];
      });
      const whole = files.filter(({ name }) => !name.startsWith("."));
      const drafts = files.filter(({ name, ageNs }) => name.startsWith(".") && ageNs > DRAFT_LIFE_NS);
      whole.sort((a, b) => (a.ageNs < b.ageNs ? -1 : 1));
      const old = whole.filter(({ ageNs }, i) => i >= FILES_AT_MOST || ageNs > LIFE_NS);
      for (const { name } of [...drafts, ...old]) attempt(() => disk.unlink(join(directory, name)));
    },
  };

  function names(): string[] {
    return attempt(() => disk.names(directory)) ?? [];
  }

  function regularFile(path: string): FileFacts | undefined {
    const facts = attempt(() => disk.facts(path));
    return facts?.kind === "file" ? facts : undefined;
  }
}

/** Nothing depends on these files: one that is gone, or that the disk will not give, is none. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
