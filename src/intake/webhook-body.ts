/** What the body of a signed webhook must say before it is believed. */

import type { IncomingHttpHeaders } from "node:http";

import { parsedObject } from "./event-body.ts";
import { refused, type Reply } from "./reply.ts";

export type WebhookBody = {
  /** One for each event, however often it is sent. */
  deliveryId: string;
  /** When it happened, by the sender's clock. */
  atNs: bigint;
};

/** How far apart the clocks may be, and how late an event may come: five minutes. */
export const FRESH_MS = 300_000;

const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

type Refusal = { status: "refused"; reply: Reply };

/** The headers are not signed: where they are given, they must say what the body says. */
export function webhookIn(
  body: Uint8Array,
  headers: IncomingHttpHeaders,
  nowMs: number,
): ({ status: "read" } & WebhookBody) | Refusal {
  const parsed = parsedObject(body);
  if ("reply" in parsed) return { status: "refused", reply: parsed.reply };
  const { hook_event_name: event, delivery_id: deliveryId, timestamp } = parsed.object;
  if (typeof event !== "string" || event === "") return refuse("hook_event_name: must be a string that is not empty");
  if (typeof deliveryId !== "string" || deliveryId === "")
    return refuse("delivery_id: must be a string that is not empty");
  const atNs = typeof timestamp === "string" ? nanosecondsIn(timestamp) : undefined;
  if (atNs === undefined) return refuse("timestamp: must be a time as 2026-07-22T14:00:00Z");
  if (differs(headers["x-hermes-event"], event)) return refuse("X-Hermes-Event is not the hook_event_name of the body");
  if (differs(headers["x-hermes-delivery"], deliveryId))
    return refuse("X-Hermes-Delivery is not the delivery_id of the body");
  if (Math.abs(nowMs - Number(atNs / 1_000_000n)) > FRESH_MS)
    return refuse("timestamp: more than five minutes from now; do the clocks of both sides agree?");
  return { status: "read", deliveryId, atNs };
}

function refuse(text: string): Refusal {
  return { status: "refused", reply: refused(400, text) };
}

function differs(header: string | string[] | undefined, value: string): boolean {
  return header !== undefined && header !== value;
}

function nanosecondsIn(timestamp: string): bigint | undefined {
  const [, seconds, fraction = "", zone = ""] = TIME.exec(timestamp) ?? [];
  const ms = seconds === undefined ? Number.NaN : Date.parse(seconds + zone);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}
