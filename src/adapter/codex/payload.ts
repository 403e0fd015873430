/**
 * The payloads of Codex's twelve hooks, level 0.169.0. Loose on purpose: the client adds fields, and a field of another
 * shape than expected is as good as absent, for one odd field must not cost the event.
 */

import * as z from "zod";

const text = z.string().optional().catch(undefined);
const path = z.string().nullish().catch(undefined);
const flag = z.boolean().optional().catch(undefined);
/** An id, a name or a word of a short list. What is longer is none, and would be carried along on every span. */
const word = z.string().min(1).max(256).optional().catch(undefined);

/** A longer session id is no id: it would not fit into any store that the spans go to. */
const SESSION_ID_MAX = 512;

const session = {
  session_id: z.string().min(1).max(SESSION_ID_MAX),
  /** Null where the session keeps no rollout (`--ephemeral`). */
  transcript_path: path,
  cwd: text,
};
const turn = { ...session, model: word, turn_id: word };
const mode = { permission_mode: word };
/** Only where the event is of a subagent. It becomes part of the name of a file that is followed. */
const agent = {
  agent_id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,128}$/)
    .optional()
    .catch(undefined),
  agent_type: word,
};
const tool = { ...turn, ...mode, ...agent, tool_name: word, tool_input: z.unknown().optional() };
const stop = { stop_hook_active: flag, last_assistant_message: z.string().nullish().catch(undefined) };
const compaction = { ...turn, ...agent, trigger: z.enum(["manual", "auto"]).catch("auto") };

export const codexPayload = z.discriminatedUnion("hook_event_name", [
  z.looseObject({
    hook_event_name: z.literal("SessionStart"),
    ...session,
    ...mode,
    model: word,
    source: z.enum(["startup", "resume", "clear", "compact", "fork", "unknown"]).catch("unknown"),
  }),
  z.looseObject({ hook_event_name: z.literal("SessionEnd"), ...session, reason: word }),
  z.looseObject({ hook_event_name: z.literal("UserPromptSubmit"), ...turn, ...mode, ...agent, prompt: text }),
  z.looseObject({ hook_event_name: z.literal("PreToolUse"), ...tool, tool_use_id: word }),
  z.looseObject({ hook_event_name: z.literal("PermissionRequest"), ...tool }),
  z.looseObject({
    hook_event_name: z.literal("PostToolUse"),
    ...tool,
    tool_use_id: word,
    tool_response: z.unknown().optional(),
  }),
  z.looseObject({ hook_event_name: z.literal("PreCompact"), ...compaction }),
  z.looseObject({ hook_event_name: z.literal("PostCompact"), ...compaction }),
  z.looseObject({ hook_event_name: z.literal("SubagentStart"), ...turn, ...mode, ...agent }),
  z.looseObject({
    hook_event_name: z.literal("SubagentStop"),
    ...turn,
    ...mode,
    ...agent,
    ...stop,
    agent_transcript_path: path,
  }),
  z.looseObject({ hook_event_name: z.literal("Stop"), ...turn, ...mode, ...stop }),
  z.looseObject({ hook_event_name: z.literal("Interrupt"), ...turn, ...mode }),
]);

/** What a payload of any event has, of those that are still to be invented too. */
export const anyPayload = z.looseObject({
  ...session,
  ...mode,
  agent_id: agent.agent_id,
  hook_event_name: z.string().min(1).max(128),
  turn_id: word,
  agent_transcript_path: path,
});

export type AnyPayload = z.output<typeof anyPayload>;

export type CodexPayload = z.output<typeof codexPayload>;
export type ToolPayload = Extract<CodexPayload, { tool_input?: unknown }>;
