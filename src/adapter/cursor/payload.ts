/**
 * The payloads of Cursor's hooks, as its documentation and captures of others tell of them: none was recorded by us. Loose on
 * purpose: a field of another shape than expected is as good as absent. `user_email` is not among what is read.
 */

import * as z from "zod";

const text = z.string().optional().catch(undefined);
/** An id, a name or a word of a short list; ids may hold a newline. What is longer is none. */
const word = z.string().min(1).max(256).optional().catch(undefined);
const id = z.string().min(1).max(512).optional().catch(undefined);
const flag = z.boolean().optional().catch(undefined);
const tokens = z.number().int().nonnegative().max(1e12).optional().catch(undefined);
/** Four months: no call takes longer. */
const milliseconds = z.number().nonnegative().max(1e10).optional().catch(undefined);

export const cursorPayload = z.looseObject({
  hook_event_name: z.string().min(1).max(128),
  conversation_id: id,
  session_id: id,
  parent_conversation_id: id,
  generation_id: id,
  model: word,
  cursor_version: word,
  workspace_roots: z.array(z.string()).optional().catch(undefined),
  cwd: text,
  is_background_agent: flag,
  reason: word,
  prompt: text,
  text,
  tool_name: word,
  tool_use_id: id,
  tool_input: z.unknown().optional(),
  tool_output: z.unknown().optional(),
  duration: milliseconds,
  duration_ms: milliseconds,
  error_message: text,
  failure_type: word,
  is_interrupt: flag,
  subagent_id: id,
  subagent_type: word,
  tool_call_id: id,
  agent_transcript_path: text,
  status: word,
  loop_count: tokens,
  trigger: word,
  input_tokens: tokens,
  output_tokens: tokens,
  cache_read_tokens: tokens,
  cache_write_tokens: tokens,
});

export type CursorPayload = z.output<typeof cursorPayload>;
