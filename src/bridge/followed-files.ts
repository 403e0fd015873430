import type { Session } from "../trace/session.ts";

/** A transcript that may still grow. `offset`: how far it was read, where that is the end of a line. */
export type Followed = { agent: string; sessionId: string; file: string; offset: number | undefined };

const known = new WeakMap<Session, Followed[]>();

/**
 * The transcripts of an open session, the main one last. Asked of every session in each step, and few of them have changed; a
 * folded session never does.
 */
export function followedFiles(session: Session): Followed[] {
  const files = known.get(session) ?? filesOf(session);
  known.set(session, files);
  return files;
}

/** Subagents first: the word that a run is over stands in the main file, and by then their usage must be in. */
function filesOf(session: Session): Followed[] {
  if (session.segments.length === 0) return [];
  const { agent, id: sessionId } = session;
  const files = Object.entries(session.transcripts).filter(([, one]) => one.done !== true);
  const ordered = [
    ...files.filter(([, one]) => one.subagentId !== undefined),
    ...files.filter(([, one]) => one.subagentId === undefined),
  ];
  return ordered.map(([file, { position }]) => ({
    agent,
    sessionId,
    file,
    offset: position?.skipping === true ? undefined : position?.offset,
  }));
}
