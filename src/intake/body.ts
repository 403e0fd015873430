/** Bodies within bounds: each by itself, and all that are in memory at once. */

import type { IncomingMessage } from "node:http";
import { createGunzip } from "node:zlib";

import { refused, type Reply } from "./reply.ts";

/** `sent`: the bytes as they came. `plain`: what they are, unpacked. */
export type Body = { status: "read"; sent: Buffer; plain: Buffer };

/** Bytes that may lie in memory for all requests together. */
export type Room = {
  /** False if there is no room for so many more. */
  take(bytes: number): boolean;
  give(bytes: number): void;
};

export type BodyRead =
  | Body
  | { status: "refused"; reply: Reply }
  /** The client has gone. */
  | { status: "gone" };

export function createRoom(bytes: number): Room {
  let left = bytes;
  return {
    take(wanted) {
      if (wanted > left) return false;
      left -= wanted;
      return true;
    },
    give: (returned) => void (left += returned),
  };
}

/** What the head alone says against a body; undefined if it may come. */
export function headRefusal(headers: IncomingMessage["headers"], maxBytes: number): Reply | undefined {
  const encoding = headers["content-encoding"] ?? "identity";
  if (!/^(?:gzip|identity)$/i.test(encoding))
    return refused(415, "this content encoding is not understood: send the body as it is, or with gzip");
  return Number(headers["content-length"] ?? 0) > maxBytes ? tooLarge(maxBytes) : undefined;
}

/**
 * Reads a body to its end, then calls `use` with it; the room that it takes is given back when `use` is done. A body that is
 * too large, or for which there is no room, is refused as soon as that is known.
 */
export async function withBody(
  request: IncomingMessage,
  { maxBytes, room }: { maxBytes: number; room: Room },
  use: (body: Body) => Promise<Reply>,
): Promise<Exclude<BodyRead, Body> | { status: "used"; reply: Reply }> {
  let held = 0;
  const take = (bytes: number): boolean => {
    const isTaken = room.take(bytes);
    if (isTaken) held += bytes;
    return isTaken;
  };
  try {
    const read = await readBody(request, maxBytes, take);
    return read.status === "read" ? { status: "used", reply: await use(read) } : read;
  } finally {
    room.give(held);
  }
}

async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  take: (bytes: number) => boolean,
): Promise<BodyRead> {
  const chunks: Buffer[] = [];
  let size = 0;
  const refusal = await new Promise<Reply | "gone" | undefined>((resolve) => {
    const finish = (end: Reply | "gone" | undefined): void => {
      request.off("data", onData);
      request.pause();
      resolve(end);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > maxBytes) finish(tooLarge(maxBytes));
      else if (!take(chunk.length)) finish(busy());
      else chunks.push(chunk);
    };
    request.on("data", onData);
    request.once("end", () => finish(undefined));
    request.once("close", () => finish("gone"));
    request.once("error", () => finish("gone"));
  });
  if (refusal === "gone") return { status: "gone" };
  if (refusal !== undefined) return { status: "refused", reply: refusal };
  const sent = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  if (!/^gzip$/i.test(request.headers["content-encoding"] ?? "")) return { status: "read", sent, plain: sent };
  return unpacked(sent, maxBytes, take);
}

/** Chunk by chunk, so that a bomb is noticed before it has gone off. */
async function unpacked(sent: Buffer, maxBytes: number, take: (bytes: number) => boolean): Promise<BodyRead> {
  const chunks: Buffer[] = [];
  let size = 0;
  const stream = createGunzip();
  stream.end(sent);
  try {
    for await (const chunk of stream) {
      if (!(chunk instanceof Buffer)) continue;
      size += chunk.length;
      if (size > maxBytes) return { status: "refused", reply: tooLarge(maxBytes, "unpacked, ") };
      if (!take(chunk.length)) return { status: "refused", reply: busy() };
      chunks.push(chunk);
    }
    return { status: "read", sent, plain: Buffer.concat(chunks) };
  } catch {
    const reply = refused(400, "the body is not gzip, or not all of it, though its Content-Encoding says so");
    return { status: "refused", reply };
  } finally {
    stream.destroy();
  }
}

function tooLarge(maxBytes: number, what = ""): Reply {
  return refused(413, `${what}the body is larger than ${maxBytes} bytes (bounds.payloadBytes)`);
}

function busy(): Reply {
  return refused(429, "too much is under way; try again in a moment", { "retry-after": "1" });
}
