/**
 * The spool: one file per envelope, written by many hooks, read by one bridge. It is the log, so nothing here deletes:
 * this module says what should go, and a commit removes it together with what it brought.
 *
 * A listing costs one look at every file, so a backlog is listed once and worked off, not listed again for every commit.
 */

import { join } from "node:path";

import { parseEnvelope } from "../event/envelope.ts";
import { codeOf, ifPresent } from "../store/disk.ts";
import { createGroups, isGroup } from "./group.ts";
import type { Disk } from "../store/disk.ts";

const NAME = /^[A-Za-z0-9._-]+\.evt$/;
/** A hook writes its file within milliseconds; one that is still not whole after this never will be. */
const INCOMPLETE_AGE_NS = 600n * 1_000_000_000n;
/** What header and end line may add to a payload. */
const HEADER_BYTES = 65 * 1024;

export type SpoolEntry = { name: string; mtimeNs: bigint; sizeBytes: number };

/** `entries` are oldest first by mtime, ties by name. `foreign` are names that are no envelopes, which are never touched. */
export type SpoolListing = { entries: SpoolEntry[]; foreign: string[] };

export type SpoolDrop = { name: string; reason: "spool_old" | "spool_full" };

export type EnvelopeRead =
  | Exclude<ReturnType<typeof parseEnvelope>, { status: "incomplete" }>
  /** Still being written, as far as one can tell, or the disk will not give it. Leave it alone. */
  | { status: "waiting" }
  /** Not whole for 10 minutes: to quarantine. */
  | { status: "incomplete" }
  /** The payload is beyond its bound: to be dropped and counted. Much too large, it was not even read. */
  | { status: "too_large" }
  | { status: "gone" };

export type Spool = {
  /** `except`: names of which nothing is to be known any more, for a commit will take them away. */
  list(except?: ReadonlySet<string>): SpoolListing;
  read(entry: SpoolEntry, nowNs: bigint): EnvelopeRead;
  /** As in `group.ts`. @throws the disk's own error. */
  finishGroups(gone: readonly string[], moved: readonly string[]): string[];
  /** What is beyond the bounds, oldest first. */
  beyondBounds(listing: SpoolListing, nowNs: bigint): SpoolDrop[];
};

export function createSpool(
  disk: Disk,
  directory: string,
  bounds: { spoolBytes: number; payloadBytes: number; ageMs: number },
): Spool {
  const groups = createGroups(disk, directory);

  return {
    list(except) {
      const listing: SpoolListing = { entries: [], foreign: [] };
      const names = disk.names(directory);
      const files = new Set(names);
      groups.keep(names);
      for (const name of names) {
        if (except?.has(name) === true) continue;
        const facts = ifPresent(() => disk.facts(join(directory, name)));
        if (facts === undefined) continue;
        // A link or a pipe with the right name must not be opened.
        if (facts.kind === "file" && isGroup(name)) {
          const members = readable(() => groups.membersOf(name));
          if (members === "unreadable") continue;
          for (const [member, sizeBytes] of members) {
            // What a commit was about to leave of a group is a file by now.
            const isKnown = files.has(member) || except?.has(member) === true;
            if (!isKnown) listing.entries.push({ name: member, mtimeNs: facts.mtimeNs, sizeBytes });
          }
        } else if (facts.kind !== "file" || !NAME.test(name)) listing.foreign.push(name);
        else listing.entries.push({ name, mtimeNs: facts.mtimeNs, sizeBytes: facts.sizeBytes });
      }
      listing.entries.sort(byAge);
      return listing;
    },

    read({ name, mtimeNs, sizeBytes }, nowNs) {
      if (sizeBytes > bounds.payloadBytes + HEADER_BYTES) return { status: "too_large" };
      const bytes = readable(() => bytesOf(name));
      if (bytes === "unreadable") return { status: "waiting" };
      if (bytes === undefined) return { status: "gone" };
      const parsed = parseEnvelope(bytes, mtimeNs);
      if (parsed.status === "whole" && parsed.envelope.payload.length > bounds.payloadBytes)
        return { status: "too_large" };
      if (parsed.status !== "incomplete") return parsed;
      return { status: nowNs - mtimeNs > INCOMPLETE_AGE_NS ? "incomplete" : "waiting" };
    },

    finishGroups: (gone, moved) => groups.finish(gone, moved),

    beyondBounds({ entries }, nowNs) {
      const oldestNs = nowNs - BigInt(bounds.ageMs) * 1_000_000n;
      let sizeBytes = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0);
      const drops: SpoolDrop[] = [];
      for (const entry of entries) {
        const old = entry.mtimeNs < oldestNs;
        if (!old && sizeBytes <= bounds.spoolBytes) break;
        drops.push({ name: entry.name, reason: old ? "spool_old" : "spool_full" });
        sizeBytes -= entry.sizeBytes;
      }
      return drops;
    },
  };

  function bytesOf(name: string): Uint8Array | undefined {
    return ifPresent(() => disk.read(join(directory, name))) ?? groups.read(name);
  }
}

/** One file that a damaged disk or another user keeps from us must not stop the rest. It stays until its bound. */
function readable<T>(read: () => T): T | "unreadable" {
  try {
    return read();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return "unreadable";
  }
}

function byAge(a: SpoolEntry, b: SpoolEntry): number {
  if (a.mtimeNs !== b.mtimeNs) return a.mtimeNs < b.mtimeNs ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}
