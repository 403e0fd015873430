/**
 * The payloads of Gemini CLI's hooks, level 0.61.0. Loose on purpose: the client adds fields, and a field of another shape
 * than expected is as good as absent, for one odd field must not cost the event.
 */

import * as z from "zod";

const text = z.string().optional().catch(undefined);
/** A name or a word of a short list. What is longer is none, and would be carried along on every span. */
const word = z.string().min(1).max(256).optional().catch(undefined);

/** A longer session id is no id: it would not fit into any store that the spans go to. */
const SESSION_ID_MAX = 512;

export const geminiPayload = z.looseObject({
  session_id: z.string().min(1).max(SESSION_ID_MAX),
  hook_event_name: z.string().min(1).max(128),
  transcript_path: text,
  cwd: text,
  source: z.enum(["startup", "resume", "clear", "unknown"]).catch("unknown"),
  reason: z.enum(["exit", "clear", "logout", "prompt_input_exit", "other"]).catch("other"),
  prompt: text,
  prompt_response: text,
  tool_name: word,
  tool_input: z.unknown().optional(),
  tool_response: z
    .looseObject({
      llmContent: z.unknown().optional(),
      error: z.looseObject({ type: word }).optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
  mcp_context: z.looseObject({ server_name: word }).optional().catch(undefined),
});

export type GeminiPayload = z.output<typeof geminiPayload>;
