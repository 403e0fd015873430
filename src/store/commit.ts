/**
 * The commit: how a state directory goes from one consistent state to the next, whatever dies in between.
 *
 * 1. `commit.json` is written with all that shall change. *Its rename is the commit point*: before it nothing has
 *    happened and the envelopes, still in the spool, are folded again; after it everything has happened, though not yet
 *    everywhere.
 * 2. The record is applied: files written, series merged, files moved, envelopes deleted. Every part is idempotent, so
 *    a crash or a full disk in the middle is mended by applying all of it again.
 * 3. Everything applied is synced, then `commit.json` is deleted and that is synced too.
 *
 * Invariants:
 * - An envelope is deleted only in step 2, so only when what it brought is in a durable record.
 * - At most one record exists. `commit` refuses a second one: the first, applied late, would overwrite newer state.
 * - From the moment a commit is wanted until step 3 is done, `isPending()` is true. Who reads sessions or
 *   writes totals waits for it, and so does who sends and acknowledges a file of that commit: applying again would bring
 *   back a batch that was sent meanwhile, and send it twice. Files of earlier commits may go.
 * - The same holds over a power cut, which is why step 3 syncs before it deletes and after it has deleted.
 */

import { dirname, join } from "node:path";

import { syncDirectory, writeFileAtomically, replaceFile } from "./atomic-file.ts";
import type { Changes, CommitRecord } from "./commit-record.ts";
import { COMMIT_VERSION, decodeRecord, isEmpty, recordOf } from "./commit-record.ts";
import { ifPresent } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { heldNames } from "./held.ts";
import { toJson } from "./json.ts";
import { parseOutboxName } from "./outbox-name.ts";
import type { Quarantine } from "./quarantine.ts";
import type { StateDirectory } from "./state-directory.ts";
import { mergeSeries } from "./totals-file.ts";
import { readVersionedFile } from "./versioned-file.ts";

export type CommitResult =
  /** All done; nothing is pending. */
  | { status: "applied" }
  /** The disk would not. Nothing is lost; call `applyPending` again later. */
  | { status: "pending"; error: unknown }
  /** At the start: a newer hookspan left a record. Nothing was touched and nothing may be. */
  | { status: "newer"; v: number }
  /** At the start: the record was damaged and is in quarantine. What it held is lost as far as it was not applied. */
  | { status: "corrupt"; reason: string };

export type Commit = {
  /** True also before the first `applyPending`, for a record may have been left. */
  isPending(): boolean;
  /**
   * Files of commits before this one are not touched by what is pending: they may be sent and deleted meanwhile, and on a
   * full disk must be, for they may be what fills it. Infinite where nothing is pending.
   */
  untouchedBelow(): number;
  /** Throws if a commit is pending: that is a bug of the caller. Changes that say nothing write nothing. */
  commit(changes: Changes): CommitResult;
  /** Finishes what is pending. Must be called once at the start, before anything in the directory is read. */
  applyPending(): CommitResult;
};

type State =
  | { kind: "unread" }
  | { kind: "clear"; seq: number }
  /** `written` is false until `commit.json` is known to be on disk; writing it twice does no harm. */
  | { kind: "pending"; record: CommitRecord; written: boolean };

export function createCommit(deps: { disk: Disk; quarantine: Quarantine }, directory: StateDirectory): Commit {
  const { disk } = deps;
  let state: State = { kind: "unread" };

  return {
    isPending: () => state.kind !== "clear",
    untouchedBelow() {
      if (state.kind === "clear") return Number.POSITIVE_INFINITY;
      return state.kind === "pending" ? state.record.seq : 0;
    },

    commit(changes) {
      if (state.kind !== "clear")
        throw new Error("cannot commit: an earlier commit is pending; call applyPending first");
      const known = changes.release.length > 0 ? heldNames(disk, directory.held) : [];
      const record = recordOf(changes, state.seq + 1, known);
      if (isEmpty(record)) return { status: "applied" };
      state = { kind: "pending", record, written: false };
      return finish();
    },

    applyPending: finish,
  };

  function finish(): CommitResult {
    try {
      return state.kind === "unread" ? start() : complete();
    } catch (error) {
      return { status: "pending", error };
    }
  }

  function start(): CommitResult {
    const read = readVersionedFile(deps, directory.commit, COMMIT_VERSION, decodeRecord);
    if (read.status === "newer") return read;
    if (read.status === "found") {
      state = { kind: "pending", record: read.value, written: true };
      return complete();
    }
    // The last process may have died after it deleted a record and before it synced that: a power cut would bring it back.
    syncDirectory(disk, directory.home);
    state = { kind: "clear", seq: lastSeq(disk, directory) };
    return read.status === "corrupt" ? read : { status: "applied" };
  }

  function complete(): CommitResult {
    if (state.kind !== "pending") return { status: "applied" };
    const { record } = state;
    if (!state.written) {
      writeFileAtomically(disk, directory.commit, toJson(record)); // Commit point: the rename in here.
      state.written = true;
    }
    apply(deps, directory, record);
    ifPresent(() => disk.unlink(directory.commit));
    syncDirectory(disk, directory.home);
    state = { kind: "clear", seq: record.seq };
    return { status: "applied" };
  }
}

/** Durable when it returns. */
function apply(deps: { disk: Disk; quarantine: Quarantine }, directory: StateDirectory, record: CommitRecord): void {
  const { disk } = deps;
  const pathOf = (relative: string): string => join(directory.home, relative);

  for (const { path, text } of record.writes) replaceFile(disk, pathOf(path), text);
  if (record.series.length > 0) mergeSeries(deps, directory.totals, record.series);
  for (const { from, to } of record.moves) ifPresent(() => disk.rename(pathOf(from), pathOf(to)));
  for (const path of record.removes) ifPresent(() => disk.unlink(pathOf(path)));

  // Targets of moves first: not every file system moves a name between two directories in one piece.
  const changed = [
    ...record.moves.map(({ to }) => to),
    ...record.writes.map(({ path }) => path),
    ...record.moves.map(({ from }) => from),
    ...record.removes,
  ].map((path) => dirname(pathOf(path)));
  for (const path of new Set([...changed, directory.home])) syncDirectory(disk, path);
}

/**
 * The highest commit whose files are still there. Only names in `held/` and `outbox/` are made of it, so no counter of
 * its own has to be kept: a number that is in no name is free.
 */
function lastSeq(disk: Disk, directory: StateDirectory): number {
  const held = heldNames(disk, directory.held).map(({ seq }) => seq);
  const sent = disk.names(directory.outbox).map((file) => parseOutboxName(file)?.seq ?? 0);
  return [...held, ...sent].reduce((highest, seq) => Math.max(highest, seq), 0);
}
