/** Which chat files of Gemini CLI are followed. */

import type { AgentEvent, EventBase } from "../../event/event.ts";

/**
 * The session's chat file. A path is followed only if it has the name that Gemini CLI gives it: it lies in a folder `chats`
 * and ends with the first eight characters of the session's id. So no payload can point the bridge at another file.
 */
export function transcriptOf(
  payload: { session_id: string; transcript_path?: string | undefined },
  base: EventBase,
): { files: AgentEvent[]; refused: boolean } {
  const { session_id: sessionId, transcript_path: file = "" } = payload;
  if (file === "") return { files: [], refused: false };
  const isAbsolute = file.startsWith("/") || /^[A-Za-z]:[/\\]/.test(file);
  const [folder, name = ""] = file.split(/[/\\]/).slice(-2);
  const isOurs =
    folder === "chats" && /^session-[\dT-]+-/.test(name) && name.endsWith(`-${sessionId.slice(0, 8)}.jsonl`);
  if (!isAbsolute || !isOurs) return { files: [], refused: true };
  return { files: [{ ...base, kind: "transcript.named", file }], refused: false };
}
