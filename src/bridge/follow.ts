/**
 * Following transcripts: what an agent's hooks do not tell, its transcript does. Lines are decoded and folded like payloads,
 * and the position moves in the same commit.
 *
 * A line must not overtake the hooks that ran before it was written. So the sizes are taken first (`sizes`), then the spool
 * is listed and folded, and only then are lines read, up to those sizes: whatever caused a line was in the spool by then.
 * A long backlog is folded in parts, and the line then waits for the part that was written before it. And the main file
 * waits for those of subagents that were met only now, for the word that ends a run ends its subagents too.
 * For the same reason a line that speaks of a run whose prompt has not been met waits in its file, for 2 s at most.
 */

import { adapterFor } from "../adapter/registry.ts";
import type { AgentEvent } from "../event/event.ts";
import { later } from "../trace/draft.ts";
import { dueNs } from "../trace/expire.ts";
import { knowsRun } from "../trace/run.ts";
import type { Session, Transcript } from "../trace/session.ts";
import { readLines, statSize, type Line } from "../transcript/reader.ts";
import { readMeta } from "../transcript/subagent-file.ts";
import { followedFiles, type Followed } from "./followed-files.ts";

/** One call reads so much of one file, then others have their turn. */
const READ_BYTES = 4 * 1024 * 1024;

/**
 * A clock may be ahead by so much. What claims to be later still is taken for now: nothing that comes after would count.
 * A clock that was set back shows less than the hooks and the lines of the session have seen: then theirs is the time to go
 * by, or lines would be moved to before the session began, or so far behind the last one that they count as told before.
 */
const AHEAD_NS = 60_000_000_000n;

/** How long a line waits for the prompt of its run. */
const PROMPT_MS = 2000;

/** Of more open sessions than this, those in which nothing happens are looked at twice a second, not in each step. */
const CROWD = 32;
const LOOK_NS = 500_000_000n;

export type Follow = {
  /** The sizes of the transcripts that have grown, of sessions that are open. To be taken before the spool is listed. */
  sizes(sessions: readonly Session[], nowNs: bigint): Map<string, number>;
  /**
   * Reads what is new, up to `sizes`, and up to the first line that was written at or after `beforeNs`. True if something was
   * read or is left to read.
   */
  read(sizes: ReadonlyMap<string, number>, nowMs: number, beforeNs?: bigint): boolean;
  /** Whether a transcript of the session has not been read as far as it goes: nothing of it may expire before. */
  isBehind(session: Session): boolean;
};

type Deps = {
  fold: (event: AgentEvent) => boolean;
  session: (agent: string, sessionId: string) => Session | undefined;
  /** Something in a transcript was passed over: a reason to count. */
  onSkipped: (reason: string) => void;
};

type StoredPosition = NonNullable<Transcript["position"]>;

type Read = { subagentId: string | undefined; lines: readonly Line[]; begin: number; decoder: unknown } & Limits;

type Limits = { nowMs: number; beforeNs: bigint | undefined };

export function createFollow(deps: Deps): Follow {
  const waiting = new Map<string, number>();
  const looked = new WeakMap<Session, bigint>();
  // Files that this step does not look at. If something happens in their session meanwhile, the next one does.
  const passed = new Set<string>();
  const refused = new Set<string>();
  let followed = new Map<string, Followed>();
  let behind = new Set<string>();

  return {
    sizes(sessions, nowNs) {
      followed = new Map();
      passed.clear();
      const sizes = new Map<string, number>();
      for (const session of sessions) {
        const files = followedFiles(session);
        for (const one of files) followed.set(one.file, one);
        const isPassed = sessions.length > CROWD && canWait(session, nowNs);
        if (isPassed) for (const { file } of files) passed.add(file);
        else looked.set(session, nowNs);
        for (const one of isPassed ? [] : files) {
          const size = statSize(one.file);
          if (size === undefined) noteMissing(session, one.file);
          else if (size !== one.offset) sizes.set(one.file, size);
        }
      }
      return sizes;
    },
    read(sizes, nowMs, beforeNs) {
      let busy = false;
      behind = new Set();
      const held = new Set<string>();
      for (const [file, size] of sizes) {
        const one = followed.get(file);
        if (one === undefined) continue;
        // The main file comes last, and waits for its subagents' files: it has the last word on a run, and on the cost.
        const session = `${one.agent} ${one.sessionId}`;
        if (held.has(session) || meetsUnfollowed(one)) behind.add(file);
        else busy = readFile(one, size, { nowMs, beforeNs }) || busy;
        if (behind.has(file)) held.add(session);
      }
      return busy || held.size > 0;
    },
    isBehind: (session) =>
      session.segments.length > 0 &&
      (followedFiles(session).some(({ file }) => !followed.has(file) || (passed.has(file) && !looked.has(session))) ||
        (behind.size > 0 && Object.keys(session.transcripts).some((file) => behind.has(file)))),
  };

  /** A subagent of the session has been met since the sizes were taken: its file is not among them, and must come first. */
  function meetsUnfollowed({ agent, sessionId }: Followed): boolean {
    const session = deps.session(agent, sessionId);
    return Object.entries(session?.transcripts ?? {}).some(([file, { done }]) => done !== true && !followed.has(file));
  }

  /** Nothing has happened in the session since its files were looked at, they were read to their end, and nothing is awaited. */
  function canWait(session: Session, nowNs: bigint): boolean {
    const sinceNs = nowNs - (looked.get(session) ?? 0n);
    return (
      sinceNs >= 0n &&
      sinceNs < LOOK_NS &&
      (dueNs(session) ?? nowNs + 1n) > nowNs &&
      session.runs.every(({ stoppedNs }) => stoppedNs === undefined) &&
      followedFiles(session).every(({ file }) => !behind.has(file))
    );
  }

  /** A transcript comes into being with the first prompt: one that is not there when a run has ended is missing. */
  function noteMissing(session: Session, file: string): void {
    const hasEnded =
      session.runs.some((run) => run.stoppedNs !== undefined) ||
      session.segments.some((one) => one.endedNs !== undefined);
    if (!hasEnded || session.transcripts[file]?.subagentId !== undefined || refused.has(file)) return;
    refused.add(file);
    deps.onSkipped("transcript_missing");
  }

  function readFile(one: Followed, upTo: number, limits: Limits): boolean {
    const session = deps.session(one.agent, one.sessionId);
    const transcript = session?.transcripts[one.file];
    if (session === undefined || transcript === undefined) return false;
    const { position } = transcript;
    const result = readLines(one.file, position && placeOf(position), { upTo, maxBytes: READ_BYTES });
    if (result.status === "missing") return false;
    if (result.status === "refused") {
      // Said once: the same file is named by every payload of the session.
      if (!refused.has(one.file)) deps.onSkipped(`transcript_${result.reason}`);
      refused.add(one.file);
      return false;
    }
    for (let i = 0; i < result.skippedLines; i += 1) deps.onSkipped("transcript_line_too_long");
    linkSubagent(session, one, transcript.subagentId);
    const decoder = result.restarted === true ? undefined : position?.decoder;
    const begin = result.restarted === true ? 0 : (position?.offset ?? 0);
    const { stoppedAt, memory } = foldLines(one, {
      subagentId: transcript.subagentId,
      lines: result.lines,
      begin,
      decoder,
      ...limits,
    });
    const next = stoppedAt === undefined ? result.position : { inode: result.position.inode, offset: stoppedAt };
    const atNs = session.lastNs;
    const moved = position === undefined || next.offset !== position.offset || next.inode !== position.inode;
    if (moved) {
      const base = { agent: one.agent, sessionId: one.sessionId, atNs };
      deps.fold({ ...base, kind: "transcript.read", file: one.file, position: { ...next, decoder: memory } });
    }
    const isLeft = stoppedAt !== undefined || result.more;
    if (isLeft) behind.add(one.file);
    return moved || isLeft;
  }

  /** Folds lines until one has to wait. `stoppedAt` is the offset where that one begins. */
  function foldLines(one: Followed, read: Read): { stoppedAt?: number; memory: unknown } {
    const adapter = adapterFor(one.agent);
    const { subagentId, nowMs, beforeNs } = read;
    let memory = read.decoder;
    let { begin } = read;
    for (const line of read.lines) {
      const context = {
        sessionId: one.sessionId,
        file: one.file,
        decoder: memory,
        ...(subagentId === undefined ? {} : { subagentId }),
      };
      const decoded = adapter?.decodeLine?.(line.text, context);
      if (decoded === undefined) continue;
      if (isAfter(decoded.events, beforeNs) || mustWait(one, decoded.events, nowMs))
        return { stoppedAt: begin, memory };
      if (decoded.malformed === true) deps.onSkipped("transcript_line_malformed");
      const session = deps.session(one.agent, one.sessionId);
      const seenNs = later(session?.transcripts[one.file]?.highWaterNs, session?.lastNs ?? 0n);
      const shownNs = later(seenNs, BigInt(nowMs) * 1_000_000n);
      foldLine(decoded.events.map((event) => notAfter(event, shownNs + AHEAD_NS)));
      memory = decoded.decoder;
      begin = line.endOffset;
    }
    waiting.delete(one.file);
    return { memory };
  }

  /** A line that cannot be digested, by a mistake of ours, is passed over and counted. */
  function foldLine(events: readonly AgentEvent[]): void {
    try {
      for (const event of events) deps.fold(event);
    } catch {
      deps.onSkipped("transcript_line_not_digested");
    }
  }

  function mustWait(one: Followed, events: readonly AgentEvent[], nowMs: number): boolean {
    const session = deps.session(one.agent, one.sessionId);
    const early = events.some(
      ({ runKey, atNs, kind }) =>
        kind !== "session.described" &&
        runKey !== undefined &&
        session !== undefined &&
        atNs >= session.startedNs &&
        !knowsRun(session, runKey),
    );
    if (!early) return false;
    // A clock that is set back begins the wait anew.
    const since = Math.min(waiting.get(one.file) ?? nowMs, nowMs);
    waiting.set(one.file, since);
    return nowMs - since < PROMPT_MS;
  }

  /** Which call launched a subagent stands in a file beside its transcript. */
  function linkSubagent(session: Session, one: Followed, subagentId: string | undefined): void {
    const subagent = session.subagents.find(({ id }) => id === subagentId);
    if (subagent === undefined || subagent.callId !== undefined) return;
    const callId = readMeta(one.file)?.toolUseId;
    if (callId === undefined) return;
    const base = { agent: one.agent, sessionId: one.sessionId, atNs: session.lastNs };
    deps.fold({ ...base, kind: "subagent.linked", subagentId: subagent.id, callId });
  }
}

/** A line's time is cut to milliseconds: within the same one, it may be the later. */
function isAfter(events: readonly AgentEvent[], beforeNs: bigint | undefined): boolean {
  return beforeNs !== undefined && events.some(({ atNs }) => atNs + 1_000_000n > beforeNs);
}

/** No event begins after its end, or lies in the future. */
function notAfter(event: AgentEvent, limitNs: bigint): AgentEvent {
  const atNs = event.atNs > limitNs ? limitNs : event.atNs;
  if (event.kind !== "llm.called" && event.kind !== "llm.failed") return { ...event, atNs };
  return { ...event, atNs, startNs: event.startNs > atNs ? atNs : event.startNs };
}

function placeOf({ offset, inode, skipping }: StoredPosition): { offset: number; inode: number; skipping?: true } {
  return { offset, inode, ...(skipping === undefined ? {} : { skipping }) };
}
