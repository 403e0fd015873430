/**
 * The lines of Qwen Code's chat files, as far as hookspan reads them. The format is the client's own and changes: a line of
 * another shape is passed over, never an error.
 */

import * as z from "zod";

const text = z.string().max(256).optional().catch(undefined);
const words = z.string().optional().catch(undefined);
const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).catch(0);
const milliseconds = z.number().nonnegative().max(1e10).optional().catch(undefined);
const status = z.number().int().min(100).max(599).optional().catch(undefined);
const id = z.string().min(1).max(256);
const ns = z.string().regex(/^\d{1,19}$/);

export const chatLine = z.looseObject({ uuid: text, type: z.string(), subtype: text, timestamp: text, version: text });

/** Prompt tokens include cached ones, and candidates' include thoughts. */
export const assistantLine = z.looseObject({
  uuid: id,
  model: text,
  usageMetadata: z
    .looseObject({
      promptTokenCount: count,
      candidatesTokenCount: count,
      thoughtsTokenCount: count,
      cachedContentTokenCount: count,
    })
    .optional()
    .catch(undefined),
});

/** The client's own record of a model call, main or hidden; `subagent_*` only where a helper of the client's made it. */
export const telemetryLine = z.looseObject({
  uuid: id,
  systemPayload: z.looseObject({
    uiEvent: z.looseObject({
      "event.name": z.string(),
      response_id: text,
      model: text,
      auth_type: text,
      status_code: status,
      duration_ms: milliseconds,
      input_token_count: count,
      output_token_count: count,
      cached_content_token_count: count,
      thoughts_token_count: count,
      subagent_id: z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,128}$/)
        .optional()
        .catch(undefined),
      subagent_type: text,
    }),
  }),
});

const response = z.looseObject({ output: words, error: words });

export const resultLine = z.looseObject({
  toolCallResult: z.looseObject({ callId: id, status: text, errorType: text }),
  message: z.looseObject({
    parts: z
      .array(
        z.looseObject({
          functionResponse: z
            .looseObject({ name: words, response: response.optional().catch(undefined) })
            .optional()
            .catch(undefined),
        }),
      )
      .catch([]),
  }),
});

/** What the decoder must remember between two lines. Plain JSON: it is kept with the reader's position. */
export const decoderState = z
  .strictObject({
    /** The last timestamp, for lines that carry none, and when the model was given its last input: nanoseconds. */
    lastNs: ns.optional(),
    askedNs: ns.optional(),
    provider: z.string().optional(),
    version: z.string().optional(),
    /** The client keeps records of its calls: what messages say of tokens is no news. */
    hasRecords: z.literal(true).optional(),
  })
  .catch({});

export type UiEvent = z.output<typeof telemetryLine>["systemPayload"]["uiEvent"];
export type ResultLine = z.output<typeof resultLine>;
export type DecoderState = z.output<typeof decoderState>;
