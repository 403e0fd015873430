/**
 * The lines of Claude Code's transcripts, as far as hookspan reads them. The format is Anthropic's own and changes: a line
 * of another shape is passed over, never an error.
 */

import * as z from "zod";

import { milliseconds } from "./payload.ts";

const text = z.string().max(256).optional().catch(undefined);
/** A gateway in between may write numbers as text. What is no count, is none. */
const count = z
  .preprocess(
    (value) => (typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value),
    z.number().int().nonnegative(),
  )
  .catch(0);
/** More than any session costs; sums of it stay numbers. */
const amount = z.number().nonnegative().max(1e9).catch(0);
const ns = z.string().regex(/^\d{1,19}$/);

export const transcriptLine = z.looseObject({
  type: z.string(),
  timestamp: text,
  uuid: text,
  version: text,
  promptId: text,
});

const usageBlock = z.looseObject({
  input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
  cache_creation: z
    .looseObject({ ephemeral_5m_input_tokens: count, ephemeral_1h_input_tokens: count })
    .optional()
    .catch(undefined),
  output_tokens_details: z.looseObject({ thinking_tokens: count }).optional().catch(undefined),
});

export const assistantLine = z.looseObject({
  requestId: text,
  requestRef: text,
  requestedModel: text,
  effort: text,
  isApiErrorMessage: z.boolean().optional().catch(undefined),
  error: text,
  apiErrorStatus: z.number().optional().catch(undefined),
  message: z.looseObject({
    id: z.string(),
    model: z.string(),
    stop_reason: z.string().nullable().optional().catch(undefined),
    usage: usageBlock.optional().catch(undefined),
    content: z.array(z.looseObject({ type: z.string(), id: text, name: text })).catch([]),
  }),
});

export const userLine = z.looseObject({
  toolDenialKind: text,
  permissionDecision: z.looseObject({ decision: text, source: text }).optional().catch(undefined),
  message: z.looseObject({
    content: z.union([
      z.string(),
      z.array(
        z.looseObject({
          type: z.string(),
          tool_use_id: text,
          is_error: z.boolean().optional().catch(undefined),
          text,
          content: z.unknown().optional(),
        }),
      ),
    ]),
  }),
});

export const requestLine = z.looseObject({ id: z.string(), params: z.looseObject({ model: z.string() }) });

export const apiErrorLine = z.looseObject({
  error: z
    .looseObject({ status: z.number().optional().catch(undefined), connection: z.unknown().optional() })
    .catch({}),
});

export const stopSummaryLine = z.looseObject({
  hookInfos: z.array(z.looseObject({ command: z.string(), durationMs: milliseconds })).catch([]),
  hookErrors: z.array(z.string()).catch([]),
  preventedContinuation: z.boolean().catch(false),
  /** Which of the errors are of hooks that failed; the others blocked the stop. */
  failedHookErrorIndexes: z.array(z.number()).catch([]),
});

export const hookAttachmentLine = z.looseObject({
  attachment: z.looseObject({
    type: z.string(),
    hookEvent: z
      .string()
      .regex(/^[A-Za-z]{1,64}$/)
      .optional()
      .catch(undefined),
    toolUseID: text,
    command: z.string().optional().catch(undefined),
    durationMs: milliseconds,
    /** Of `hook_cancelled`: it took too long; else somebody interrupted it. */
    timedOut: z.boolean().optional().catch(undefined),
  }),
});

export const costStateLine = z.looseObject({
  totalCostUSD: amount,
  totalLinesAdded: count,
  totalLinesRemoved: count,
  startTime: z.number().positive(),
});

/** What the decoder must remember between two lines. Plain JSON: it is kept with the reader's position. */
export const decoderState = z
  .strictObject({
    promptId: z.string().optional(),
    version: z.string().optional(),
    /** The last timestamp, for lines that carry none: nanoseconds in decimal. */
    lastNs: ns.optional(),
    /** Requests that no answer has come to: id, time, model. */
    requests: z.array(z.tuple([z.string(), ns, z.string()])),
    /** The request whose answer is being written, block by block. */
    answering: z.tuple([z.string(), ns, z.string()]).optional(),
    /** Names of tool calls whose result has not come. */
    tools: z.array(z.tuple([z.string(), z.string()])),
  })
  .catch({ requests: [], tools: [] });

export type UsageBlock = z.output<typeof usageBlock>;

export type DecoderState = z.output<typeof decoderState>;
