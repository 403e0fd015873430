/** The tokens that a recording's transcripts tell of. Knows nothing of how hookspan counts. */

import * as z from "zod";

import { transcriptLines, type Tokens } from "./recording-facts.ts";

const count = z.number().default(0);
const assistantLine = z.looseObject({
  type: z.literal("assistant"),
  requestedModel: z.string().optional(),
  message: z.looseObject({
    id: z.string(),
    model: z.string(),
    usage: z.looseObject({
      input_tokens: count,
      cache_read_input_tokens: count,
      cache_creation_input_tokens: count,
      output_tokens: count,
    }),
  }),
});

/** By the model that was asked for; each message once, however often it stands in transcripts. What the client made up has none. */
export function transcriptTokens(folder: string): Tokens {
  const messages = new Map(
    transcriptLines(folder)
      .flatMap((line) => assistantLine.safeParse(line).data ?? [])
      .map((line) => [line.message.id, line]),
  );
  const tokens: Tokens = {};
  for (const { requestedModel, message } of messages.values()) {
    const model = requestedModel ?? message.model;
    const kinds = {
      input: message.usage.input_tokens,
      cache_read: message.usage.cache_read_input_tokens,
      cache_write: message.usage.cache_creation_input_tokens,
      output: message.usage.output_tokens,
    };
    for (const [kind, value] of Object.entries(kinds))
      if (value > 0) tokens[`${model} ${kind}`] = (tokens[`${model} ${kind}`] ?? 0) + value;
  }
  return tokens;
}
