/**
 * The payloads of Qwen Code's hooks, level 0.24.4. Loose on purpose: the client adds fields, and a field of another shape than
 * expected is as good as absent, for one odd field must not cost the event.
 */

import * as z from "zod";

const text = z.string().optional().catch(undefined);
/** An id, a name or a word of a short list. What is longer is none, and would be carried along on every span. */
const word = z.string().min(1).max(256).optional().catch(undefined);
/** Four months: no call takes longer, and times that are made of it stay numbers that every store can hold. */
const milliseconds = z.number().nonnegative().max(1e10).optional().catch(undefined);

/** A longer session id is no id: it would not fit into any store that the spans go to. */
const SESSION_ID_MAX = 512;

const batchCall = z.looseObject({
  tool_name: word,
  tool_input: z.unknown().optional(),
  tool_call_id: word,
  tool_use_id: word,
  status: word,
  tool_response: z.looseObject({ error: text, error_type: word }).optional().catch(undefined),
});

export const qwenPayload = z.looseObject({
  session_id: z.string().min(1).max(SESSION_ID_MAX),
  hook_event_name: z.string().min(1).max(128),
  transcript_path: text,
  cwd: text,
  permission_mode: z
    .string()
    .regex(/^[\w-]{1,32}$/)
    .optional()
    .catch(undefined),
  /** Only where the event is of a subagent. */
  agent_id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,128}$/)
    .optional()
    .catch(undefined),
  agent_type: word,
  source: z.enum(["startup", "resume", "clear", "compact", "unknown"]).catch("unknown"),
  model: word,
  reason: z.enum(["clear", "logout", "prompt_input_exit", "bypass_permissions_disabled", "other"]).catch("other"),
  submitted_prompt: text,
  last_assistant_message: text,
  tool_name: word,
  tool_input: z.unknown().optional(),
  tool_call_id: word,
  tool_use_id: word,
  tool_response: z.looseObject({ llmContent: z.unknown().optional() }).optional().catch(undefined),
  error: text,
  is_interrupt: z.boolean().optional().catch(undefined),
  duration_ms: milliseconds,
  tool_calls: z.array(batchCall.nullable().catch(null)).optional().catch(undefined),
  trigger: z.enum(["manual", "auto"]).catch("auto"),
});

export type QwenPayload = z.output<typeof qwenPayload>;
export type BatchCall = z.output<typeof batchCall>;
