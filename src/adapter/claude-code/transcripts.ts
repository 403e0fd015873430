/** Which transcripts of Claude Code are followed. */

import type { AgentEvent, EventBase } from "../../event/event.ts";
import type { ClaudeCodePayload } from "./payload.ts";

/**
 * The transcripts of the session. A path is followed only if it has the name that Claude Code gives its transcripts: the
 * session's id, or the subagent's id in the session's own folder. So no payload can point the bridge at another file.
 */
export function transcriptsOf(payload: ClaudeCodePayload, base: EventBase): { files: AgentEvent[]; refused: boolean } {
  const { transcript_path: main, session_id: sessionId, agent_id: agentId, agent_type: type } = payload;
  if (main === undefined || main === "") return { files: [], refused: false };
  const isOurs = isAbsolute(main) && main.split(/[/\\]/).at(-1) === `${sessionId}.jsonl`;
  if (!isOurs) return { files: [], refused: true };
  const { subagentId: _main, ...session } = base;
  const files: AgentEvent[] = [{ ...session, kind: "transcript.named", file: main }];
  if (agentId !== undefined && type) {
    const own = `${main.slice(0, -".jsonl".length)}/subagents/agent-${agentId}.jsonl`;
    const told = payload.agent_transcript_path;
    const isSame = told !== undefined && told.split(/[/\\]/).at(-1) === `agent-${agentId}.jsonl` && isAbsolute(told);
    files.push({ ...base, kind: "transcript.named", file: isSame ? told : own });
  }
  return { files, refused: false };
}

function isAbsolute(path: string): boolean {
  return path.startsWith("/") || /^[A-Za-z]:[/\\]/.test(path);
}
