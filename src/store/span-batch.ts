/**
 * A batch of finished spans as a file: what lies in `held/` and `outbox/`. At most 512 spans and 1 MB each, so that one
 * file always fits one request. File names carry the trace and the number of spans, so that listing opens no file.
 */

import * as z from "zod";

import type { SpanBatch } from "../trace/record.ts";
import { toJson } from "./json.ts";

export const BATCH_VERSION = 1;
export const BATCH_SPANS = 512;
export const BATCH_BYTES = 1_000_000;

const ns = z
  .string()
  .regex(/^\d{1,20}$/)
  .transform(BigInt);
const attributes = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]));
const context = { traceId: z.string().length(32), spanId: z.string().length(16) };

const batchSchema = z.strictObject({
  v: z.literal(BATCH_VERSION),
  agent: z.string(),
  agentVersion: z.string().exactOptional(),
  traceId: z.string().length(32),
  spans: z.array(
    z.strictObject({
      ...context,
      parentSpanId: z.string().length(16).exactOptional(),
      parentIsRemote: z.boolean().exactOptional(),
      name: z.string(),
      kind: z.enum(["internal", "client"]),
      startNs: ns,
      endNs: ns,
      error: z.strictObject({ message: z.string() }).exactOptional(),
      attributes,
      links: z.array(z.strictObject({ ...context, attributes })),
    }),
  ),
});

/** Throws on anything that is not a batch of this version. */
export function decodeBatch(json: unknown): SpanBatch {
  const { v: _, ...batch } = batchSchema.parse(json);
  return batch;
}

/** The texts of as many files as the batch needs, in the order of its spans. A single span above 1 MB has its own. */
export function encodeBatch({ spans, ...head }: SpanBatch): { text: string; spans: number }[] {
  const chunks: string[][] = [];
  let sizeBytes = 0;
  for (const span of spans) {
    const text = toJson(span);
    const bytes = Buffer.byteLength(text);
    const chunk = chunks.at(-1);
    if (chunk === undefined || chunk.length === BATCH_SPANS || sizeBytes + bytes > BATCH_BYTES) {
      chunks.push([text]);
      sizeBytes = bytes;
    } else {
      chunk.push(text);
      sizeBytes += bytes;
    }
  }
  const start = toJson({ v: BATCH_VERSION, ...head }).slice(0, -1);
  return chunks.map((chunk) => ({ text: `${start},"spans":[${chunk.join(",")}]}`, spans: chunk.length }));
}
