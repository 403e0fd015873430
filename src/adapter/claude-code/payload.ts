/**
 * The payloads of Claude Code's hooks, as far as hookspan reads them: level 2.1.329, and what 2.0.76 and 2.1.100 leave out.
 * Loose on purpose: agents add fields, and a field of another shape than expected is as good as absent, for one odd field
 * must not cost the event.
 */

import * as z from "zod";

const text = z.string().optional().catch(undefined);
/** An id, a name or a word of a short list. What is longer is none, and would be carried along on every span. */
const word = z.string().min(1).max(256);
const words = word.optional().catch(undefined);
/** Four months: no call takes longer, and times that are made of it stay numbers that every store can hold. */
export const milliseconds = z.number().nonnegative().max(1e10).optional().catch(undefined);

/** A longer session id is no id: it would not fit into any store that the spans go to. */
const SESSION_ID_MAX = 512;

export const claudeCodePayload = z.looseObject({
  session_id: z.string().min(1).max(SESSION_ID_MAX),
  hook_event_name: z.string().min(1).max(128),
  transcript_path: text,
  cwd: text,
  prompt_id: words,
  permission_mode: words,
  agent_id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,128}$/)
    .optional()
    .catch(undefined),
  agent_type: words,
  source: words,
  reason: words,
  model: words,
  prompt: text,
  tool_name: words,
  tool_use_id: words,
  tool_input: z.unknown().optional(),
  tool_response: z.unknown().optional(),
  duration_ms: milliseconds,
  error: text,
  is_interrupt: z.boolean().optional().catch(undefined),
  trigger: words,
  last_assistant_message: text,
  agent_transcript_path: text,
  cost: z.unknown().optional(),
  tool_calls: z
    .array(z.looseObject({ tool_name: word, tool_use_id: word, tool_response: z.unknown().optional() }))
    .optional()
    .catch(undefined),
});

export type ClaudeCodePayload = z.output<typeof claudeCodePayload>;

/** What PostToolUse tells of the call beyond its result, by tool. */
export const toolResponse = z
  .looseObject({
    agentId: words,
    status: text,
    interrupted: z.boolean().optional().catch(undefined),
    backgroundTaskId: words,
    gitOperation: z
      .looseObject({ commit: z.looseObject({ kind: z.string() }).optional().catch(undefined) })
      .optional()
      .catch(undefined),
  })
  .catch({});
