/**
 * What hookspan's plugin hands over: `{event, data, context}`. `data` is OpenCode's own (level 1.18.33), cut down to what is read;
 * `context` is what the plugin has seen before: a part of an answer says neither of which turn nor of which model it is. Loose
 * on purpose: a field of another shape than expected is as good as absent.
 */

import * as z from "zod";

/** An id, a name or a word of a short list. What is longer is none, and would be carried along on every span. */
const id = z.string().min(1).max(256);
const word = id.optional().catch(undefined);
const text = z.string().optional().catch(undefined);
/** Milliseconds since the epoch. */
const time = z.number().nonnegative().max(1e14).optional().catch(undefined);
const flag = z.literal(true).optional().catch(undefined);
const count = z
  .number()
  .nonnegative()
  .max(1e12)
  .transform((value) => Math.round(value))
  .catch(0);

const tokens = z
  .looseObject({
    input: count,
    output: count,
    reasoning: count,
    cache: z.looseObject({ read: count, write: count }).catch({ read: 0, write: 0 }),
  })
  .optional()
  .catch(undefined);

const state = z
  .looseObject({
    status: word,
    input: z.unknown().optional(),
    output: text,
    error: text,
    metadata: z
      .looseObject({ exit: z.int().nullable().optional().catch(undefined), sessionId: word })
      .optional()
      .catch(undefined),
    time: z.looseObject({ start: time, end: time }).optional().catch(undefined),
  })
  .optional()
  .catch(undefined);

const part = z
  .looseObject({
    id: word,
    type: word,
    tool: word,
    callID: word,
    state,
    reason: word,
    tokens,
    cost: z.number().nonnegative().max(1e9).optional().catch(undefined),
    text,
  })
  .optional()
  .catch(undefined);

const info = z
  .looseObject({ id: word, parentID: word, version: word, agent: word, createdMs: time })
  .optional()
  .catch(undefined);

const failure = z
  .looseObject({
    name: word,
    data: z
      .looseObject({ statusCode: z.int().min(100).max(599).optional().catch(undefined) })
      .optional()
      .catch(undefined),
  })
  .optional()
  .catch(undefined);

export const opencodePayload = z.looseObject({
  event: id,
  data: z.looseObject({
    sessionID: id,
    info,
    part,
    message: z.looseObject({ id: word }).optional().catch(undefined),
    parts: z
      .array(z.looseObject({ type: word, text }))
      .optional()
      .catch(undefined),
    answer: text,
    error: failure,
    attempt: z.int().min(0).max(1e6).optional().catch(undefined),
    permission: word,
    callID: word,
    reply: word,
  }),
  context: z
    .looseObject({
      turn: word,
      /** The session itself, if it has a parent. */
      child: info,
      message: word,
      modelID: word,
      providerID: word,
      agent: word,
      failed: flag,
      busy: flag,
      startMs: time,
      endMs: time,
    })
    .catch({}),
});

export type OpencodePayload = z.output<typeof opencodePayload>;
export type OpencodePart = NonNullable<OpencodePayload["data"]["part"]>;
