/** The shapes of Claude Code's hook payloads and transcript lines, as version 2.1.329 writes them (test/recordings/claude-code). */

/** Where a session's files lie; another place holds the same session. */
export type Place = { projects: string };

/** Who speaks: a session, and a subagent in it. */
export type Speaker = { sessionId: string; promptId?: string; subagent?: { id: string; type: string } };

export type Usage = {
  input: number;
  cacheRead: number;
  write5m: number;
  write1h: number;
  output: number;
  thinking: number;
};

const CWD = "/home/user/project";
const VERSION = "2.1.329";

export function transcriptPath(place: Place, { sessionId, subagent }: Speaker): string {
  const main = `${place.projects}/-home-user-project/${sessionId}`;
  return subagent === undefined ? `${main}.jsonl` : `${main}/subagents/agent-${subagent.id}.jsonl`;
}

/** What the hook gets on its stdin. */
export function hookPayload(place: Place, speaker: Speaker, event: string, more: object): string {
  const { sessionId, promptId, subagent } = speaker;
  const payload = {
    session_id: sessionId,
    transcript_path: transcriptPath(place, { sessionId }),
    cwd: CWD,
    ...(promptId && { prompt_id: promptId }),
    permission_mode: "bypassPermissions",
    ...(subagent && { agent_id: subagent.id, agent_type: subagent.type }),
    hook_event_name: event,
    ...(event === "SubagentStop" && { agent_transcript_path: transcriptPath(place, speaker) }),
    ...more,
  };
  return `${JSON.stringify(payload)}\n`;
}

/** One line of a transcript, without its newline. */
export function transcriptLine(speaker: Speaker, atMs: number, uuid: string, more: object): string {
  const { sessionId, subagent } = speaker;
  return JSON.stringify({
    isSidechain: subagent !== undefined,
    ...(subagent && { agentId: subagent.id }),
    ...more,
    uuid,
    timestamp: new Date(atMs).toISOString(),
    userType: "external",
    entrypoint: "sdk-cli",
    cwd: CWD,
    sessionId,
    version: VERSION,
    gitBranch: "main",
  });
}

export function userMore(promptId: string, content: unknown): object {
  return { promptId, type: "user", message: { role: "user", content } };
}

/** A block of a model's answer. All blocks of one message carry its usage, as far as it was known then. */
export function assistantMore(
  message: { id: string; model: string; requestRef: string; stopReason: "tool_use" | "end_turn" },
  block: object,
  usage: Usage,
): object {
  return {
    message: {
      id: message.id,
      type: "message",
      role: "assistant",
      model: message.model,
      content: [block],
      stop_reason: message.stopReason,
      stop_sequence: null,
      usage: {
        input_tokens: usage.input,
        cache_creation_input_tokens: usage.write5m + usage.write1h,
        cache_read_input_tokens: usage.cacheRead,
        output_tokens: usage.output,
        output_tokens_details: { thinking_tokens: usage.thinking },
        server_tool_use: { web_search_requests: 0, web_fetch_requests: 0 },
        service_tier: "standard",
        cache_creation: { ephemeral_1h_input_tokens: usage.write1h, ephemeral_5m_input_tokens: usage.write5m },
      },
    },
    requestId: message.id.replace("msg_", "req_"),
    requestRef: message.requestRef,
    requestedModel: message.model,
    type: "assistant",
    effort: "medium",
  };
}

export function requestMore(id: string, model: string): object {
  return { type: "api-request", id, querySource: "sdk", params: { model, max_tokens: 128_000 }, keep: 0 };
}

/** Said after the last stop of a turn. */
export function stopSummaryMore(hookMs: number): object {
  return {
    type: "system",
    subtype: "stop_hook_summary",
    hookCount: 1,
    hookInfos: [{ command: "/usr/bin/check-it --quiet", durationMs: hookMs }],
    hookErrors: [],
    failedHookErrorIndexes: [],
    preventedContinuation: false,
    stopReason: "",
    hasOutput: false,
    level: "suggestion",
  };
}

/** The client's own books at its end. */
export function costStateMore(startMs: number, usd: number): object {
  return { type: "cost-state", totalCostUSD: usd, totalLinesAdded: 7, totalLinesRemoved: 2, startTime: startMs };
}
