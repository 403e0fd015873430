/**
 * The lines of Gemini CLI's chat files, as far as hookspan reads them. The format is the client's own and changes: a line of
 * another shape is passed over, never an error.
 */

import * as z from "zod";

const text = z.string().max(256).optional().catch(undefined);
const words = z.string().optional().catch(undefined);
const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).catch(0);
const id = z.string().min(1).max(256);
const ns = z.string().regex(/^\d{1,19}$/);

export const chatLine = z.looseObject({ id: text, type: text, timestamp: text });

export const userLine = z.looseObject({
  content: z.array(z.looseObject({ text: words })).catch([]),
});

/** Input includes cached tokens; thoughts are beside the output, and the prompts of tools inside the API beside the input. */
const tokens = z.looseObject({
  input: count,
  output: count,
  cached: count,
  thoughts: count,
  tool: count,
  total: count,
});

const response = z.looseObject({ output: words, error: words });

const chatCall = z.looseObject({
  id,
  name: words,
  args: z.unknown().optional(),
  status: text,
  timestamp: text,
  result: z
    .array(
      z.looseObject({
        functionResponse: z
          .looseObject({ response: response.optional().catch(undefined) })
          .optional()
          .catch(undefined),
      }),
    )
    .catch([]),
});

export const modelLine = z.looseObject({
  id,
  model: text,
  tokens: tokens.optional().catch(undefined),
  toolCalls: z.array(chatCall.nullable().catch(null)).catch([]),
});

/** What the decoder must remember between two lines. Plain JSON: it is kept with the reader's position. */
export const decoderState = z
  .strictObject({
    /** The last timestamp, for lines that carry none, and when the model was given its last input: nanoseconds. */
    lastNs: ns.optional(),
    askedNs: ns.optional(),
    /** The last message, which comes again with its tool calls, and what the model was given before it. */
    messageId: z.string().optional(),
    messageAskedNs: ns.optional(),
  })
  .catch({});

export type ChatCall = z.output<typeof chatCall>;
export type Tokens = z.output<typeof tokens>;
export type DecoderState = z.output<typeof decoderState>;
