import { shownCost } from "../adapter/claude-code/cost-block.ts";
import type { AgentEvent } from "../event/event.ts";
import type { StatuslineFiles } from "../store/statusline-files.ts";

/** What a session's client has shown its status line; nothing where there is no tap, which only Claude Code has. */
export function shownOf(files: StatuslineFiles, { agent, id }: { agent: string; id: string }): AgentEvent[] {
  const shown = agent === "claude-code" ? files.read(id) : undefined;
  return shown === undefined ? [] : shownCost(shown.cost, { agent, sessionId: id, atNs: shown.atNs });
}
