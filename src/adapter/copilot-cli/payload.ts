/**
 * The payloads of Copilot CLI's hooks, as its documentation tells of them: none was recorded by us. There are two dialects of
 * the same: fields in camelCase with milliseconds, without the event's name; and in snake_case as Claude Code has them.
 */

import * as z from "zod";

const text = z.string().optional().catch(undefined);
/** An id, a name or a word of a short list. What is longer is none, and would be carried along on every span. */
const word = z.string().min(1).max(256).optional().catch(undefined);

const copilotPayload = z.looseObject({
  session_id: z.string().min(1).max(512),
  hook_event_name: z.string().min(1).max(128),
  timestamp: z
    .union([z.number(), z.string().max(64)])
    .optional()
    .catch(undefined),
  cwd: text,
  source: word,
  reason: word,
  prompt: text,
  tool_name: word,
  tool_args: z.unknown().optional(),
  tool_input: z.unknown().optional(),
  tool_result: z
    .looseObject({ result_type: word, text_result_for_llm: text, resultType: word, textResultForLlm: text })
    .optional()
    .catch(undefined),
  error: z.unknown().optional(),
  error_context: word,
  recoverable: z.boolean().optional().catch(undefined),
  agent_id: z
    .string()
    .regex(/^[^\0]{1,256}$/)
    .optional()
    .catch(undefined),
  agent_name: word,
  last_assistant_message: text,
  response: text,
  trigger: word,
});

export type CopilotPayload = z.output<typeof copilotPayload>;

/** Reads either dialect. `event` is the hook's argument, for the dialect whose payloads do not name it. */
export function readPayload(json: unknown, event: string | undefined): z.ZodSafeParseResult<CopilotPayload> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return copilotPayload.safeParse(json);
  const fields = Object.entries(json).map(([key, value]): [string, unknown] => [snake(key), value]);
  return copilotPayload.safeParse({ hook_event_name: event, ...Object.fromEntries(fields) });
}

function snake(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
