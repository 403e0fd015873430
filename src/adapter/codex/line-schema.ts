/**
 * The lines of Codex's rollouts, as far as hookspan reads them. The format is OpenAI's own and changes: a line of another
 * shape is passed over, never an error.
 */

import * as z from "zod";

const text = z.string().max(256).optional().catch(undefined);
const words = z.string().optional().catch(undefined);
const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).catch(0);
const milliseconds = z.number().nonnegative().max(1e14).optional().catch(undefined);
const ns = z.string().regex(/^\d{1,19}$/);

export const rolloutLine = z.looseObject({
  type: z.string(),
  timestamp: text,
  payload: z.looseObject({ type: text, turn_id: text, root_turn_id: text }),
});

export const sessionMeta = z.looseObject({
  cli_version: text,
  originator: text,
  cwd: words,
  source: z.unknown().optional(),
  model_provider: text,
  forked_from_id: text,
});

export const turnContext = z.looseObject({ model: text, effort: text, cwd: words });

/** Cached and written tokens are part of the input, reasoning is part of the output. */
const usageBlock = z.looseObject({
  input_tokens: count,
  cached_input_tokens: count,
  cache_write_input_tokens: count,
  output_tokens: count,
  reasoning_output_tokens: count,
});

export const usageRecord = z.looseObject({
  response_id: z.string().min(1).max(256),
  usage: usageBlock.optional().catch(undefined),
});

export const tokenCount = z.looseObject({
  info: z.looseObject({ total_token_usage: usageBlock, last_token_usage: usageBlock }),
});

export const taskComplete = z.looseObject({
  last_agent_message: z.string().nullish().catch(undefined),
  error: z.looseObject({ codex_error_info: z.unknown().optional() }).nullish().catch(undefined),
});

export const callLine = z.looseObject({ call_id: z.string().min(1).max(256), name: text, namespace: text });

export const outputLine = z.looseObject({ call_id: z.string().min(1).max(256), output: z.unknown() });

export const itemLine = z.looseObject({
  item: z.looseObject({ type: z.string(), id: z.string().min(1).max(256) }),
  started_at_ms: milliseconds,
  completed_at_ms: milliseconds,
});

/** An item that stands for a tool call: its id is the call's. */
export const callItem = z.looseObject({
  status: text,
  exit_code: z
    .number()
    .int()
    .min(-(2 ** 31))
    .max(2 ** 32)
    .nullish()
    .catch(undefined),
  server: text,
  tool: text,
  aggregated_output: words,
  stdout: words,
  stderr: words,
  result: z.unknown().optional(),
});

export const hookPromptItem = z.looseObject({
  fragments: z.array(z.looseObject({ hookRunId: z.string().max(4096).optional().catch(undefined) })).catch([]),
});

export const subagentItem = z.looseObject({
  kind: text,
  agent_thread_id: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
});

/** What the decoder must remember between two lines. Plain JSON: it is kept with the reader's position. */
export const decoderState = z
  .strictObject({
    /** The turn that goes on, and the turn of the root session that it belongs to. */
    turnId: z.string().optional(),
    rootTurnId: z.string().optional(),
    model: z.string().optional(),
    effort: z.string().optional(),
    provider: z.string().optional(),
    cwd: z.string().optional(),
    /** The last timestamp, for lines that carry none, and when the model was given its last input: nanoseconds. */
    lastNs: ns.optional(),
    askedNs: ns.optional(),
    /** Usage comes in records of their own: what `token_count` repeats is no news. */
    hasRecords: z.literal(true).optional(),
    /** The totals of the last `token_count`, as text. */
    totals: z.string().optional(),
    /** Names of tool calls whose output has not come. */
    calls: z.array(z.tuple([z.string(), z.string()])),
  })
  .catch({ calls: [] });

export type UsageBlock = z.output<typeof usageBlock>;
export type DecoderState = z.output<typeof decoderState>;
