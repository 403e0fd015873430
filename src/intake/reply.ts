import type { OutgoingHttpHeaders } from "node:http";

/** What a request is answered with. */
export type Reply = { status: number; headers: OutgoingHttpHeaders; body: Uint8Array };

/** On disk, and nothing else to say: an agent's HTTP hook takes an empty answer for "go on". */
export const ACCEPTED: Reply = { status: 202, headers: {}, body: Buffer.alloc(0) };

/** A refusal, whose text says what is wrong and what to do. It never quotes the request. */
export function refused(status: number, error: string, headers: OutgoingHttpHeaders = {}): Reply {
  return json(status, { error }, headers);
}

export function json(status: number, value: unknown, headers: OutgoingHttpHeaders = {}): Reply {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: Buffer.from(JSON.stringify(value)),
  };
}
