/**
 * Sessions on disk, one file each, read one by one: an event costs the same whether 1 or 200 sessions are open. Written
 * only by a commit (commit.ts), so while a commit is pending these files may be behind; do not read them then.
 */

import { join } from "node:path";

import * as z from "zod";

import { isDraft } from "./atomic-file.ts";
import type { Disk } from "./disk.ts";
import type { Quarantine } from "./quarantine.ts";
import { sessionFile } from "./state-directory.ts";
import { readVersionedFile } from "./versioned-file.ts";
import type { FileRead } from "./versioned-file.ts";

const POINTER_VERSION = 1;
/** A child points at its root, so one hop does; more than a few are a ring. */
const HOPS = 8;

const pointerSchema = z.strictObject({ v: z.literal(POINTER_VERSION), root: z.string() });

/** `file` is where the (root) session lies, as a commit wants it. */
export type SessionRead<S> = FileRead<S> & { file: string };

export type SessionStore<S> = {
  /** The session, or, if it is a child, its root session. */
  load(agent: string, sessionId: string): SessionRead<S>;
  /** Every session, pointers left out. */
  list(): SessionRead<S>[];
};

/** Content of the file of a child session, which says only whose child it is. */
export function pointerTo(rootSessionId: string): { v: number; root: string } {
  return { v: POINTER_VERSION, root: rootSessionId };
}

export function createSessionStore<S>(
  deps: { disk: Disk; quarantine: Quarantine },
  directory: string,
  version: number,
  decode: (json: unknown) => S,
): SessionStore<S> {
  return {
    load(agent, sessionId) {
      let id = sessionId;
      for (let hop = 0; hop < HOPS; hop += 1) {
        const file = sessionFile(agent, id);
        const read = readFile(file);
        if (read.status !== "found") return { ...read, file };
        if (!("root" in read.value)) return { status: "found", value: read.value.session, file };
        id = read.value.root;
      }
      const file = sessionFile(agent, sessionId);
      deps.quarantine.setAside(join(directory, file), file.replace(".json", ""), "ring of sessions");
      return { status: "corrupt", reason: `${join(directory, file)}: points in a ring`, file };
    },

    list() {
      return deps.disk
        .names(directory)
        .filter((file) => file.endsWith(".json") && !isDraft(file))
        .sort()
        .flatMap((file): SessionRead<S>[] => {
          const read = readFile(file);
          if (read.status !== "found") return [{ ...read, file }];
          return "root" in read.value ? [] : [{ status: "found", value: read.value.session, file }];
        });
    },
  };

  function readFile(file: string): FileRead<{ root: string } | { session: S }> {
    return readVersionedFile(deps, join(directory, file), version, (json) => {
      const pointer = pointerSchema.safeParse(json);
      return pointer.success ? { root: pointer.data.root } : { session: decode(json) };
    });
  }
}
