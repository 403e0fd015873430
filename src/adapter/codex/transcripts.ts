/** Which rollouts of Codex are followed. */

import type { AgentEvent, EventBase } from "../../event/event.ts";

type Named = {
  session_id: string;
  agent_id?: string | undefined;
  transcript_path?: string | null | undefined;
  agent_transcript_path?: string | null | undefined;
};

/**
 * The rollouts of the session and of the subagent that a payload is of. A path is followed only if it has the name that
 * Codex gives its rollouts, which ends with the thread's own id. So no payload can point the bridge at another file.
 */
export function transcriptsOf(payload: Named, base: EventBase): { files: AgentEvent[]; refused: boolean } {
  const { session_id: sessionId, agent_id: agentId, transcript_path: own, agent_transcript_path: agents } = payload;
  const { subagentId: _none, runKey: _any, ...session } = base;
  const files: AgentEvent[] = [];
  let refused = false;
  for (const file of [own, agents]) {
    if (file === undefined || file === null || file === "") continue;
    if (isRolloutOf(file, sessionId)) files.push({ ...session, kind: "transcript.named", file });
    else if (agentId !== undefined && isRolloutOf(file, agentId))
      files.push({ ...session, subagentId: agentId, kind: "transcript.named", file });
    else refused = true;
  }
  return { files, refused };
}

/** `rollout-<local time>-<thread id>.jsonl` */
function isRolloutOf(path: string, threadId: string): boolean {
  const name = path.split(/[/\\]/).at(-1) ?? "";
  const isAbsolute = path.startsWith("/") || /^[A-Za-z]:[/\\]/.test(path);
  return isAbsolute && /^rollout-[\dT-]+-/.test(name) && name.endsWith(`-${threadId}.jsonl`);
}
