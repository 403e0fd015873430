/**
 * Calls that launch subagents without naming them: a subagent that began during such a call is its. Told in any order, so
 * the answer is looked for only when a span needs it.
 */

import type { Draft } from "./draft.ts";
import type { OpenSubagent, Session } from "./session.ts";

export type Launch = NonNullable<Session["launches"]>[number];

const LAUNCHES_KEPT = 32;

export function noteLaunch(draft: Draft, launch: Launch): void {
  draft.session.launches = [...(draft.session.launches ?? []), launch].slice(-LAUNCHES_KEPT);
}

/** The call that launched a subagent, as far as anybody told, and whether the subagent may outlive its run. */
export function launchOf(session: Session, one: OpenSubagent): { callId: string | undefined; background: boolean } {
  if (one.callId !== undefined) return { callId: one.callId, background: one.background };
  const startNs = one.startNs ?? one.firstNs;
  const found = session.launches?.findLast(
    (launch) => launch.runKey === one.runKey && launch.startNs <= startNs && startNs <= launch.endNs,
  );
  return { callId: found?.callId, background: one.background || found?.background === true };
}
