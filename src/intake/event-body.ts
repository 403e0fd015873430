/** Bodies that become envelopes: what they must be, said to the client while it can still be heard. */

import { refused, type Reply } from "./reply.ts";

/** JSON text in UTF-8; a form or a web page's `text/plain` is none. */
export function typeRefusal(contentType: string | undefined): Reply | undefined {
  if (contentType === undefined || /^application\/(?:[a-z0-9.-]+\+)?json(?:\s*;.*)?$/i.test(contentType))
    return undefined;
  return refused(415, "the Content-Type must be application/json");
}

/** Why an agent's payload cannot be taken; undefined if it can. */
export function payloadRefusal(body: Uint8Array): Reply | undefined {
  const parsed = parsedObject(body);
  return "reply" in parsed ? parsed.reply : undefined;
}

/** Why a frame `{event_type, context, src}` cannot be taken; undefined if it can. `context` and `src` may be missing. */
export function frameRefusal(body: Uint8Array): Reply | undefined {
  const parsed = parsedObject(body);
  if ("reply" in parsed) return parsed.reply;
  const { event_type: event, context } = parsed.object;
  if (typeof event !== "string" || event === "") return refused(400, "event_type: must be a string that is not empty");
  if (Boolean(context) && !isObject(context)) return refused(400, "context: must be an object");
  return undefined;
}

/** A body that has to be one JSON object, or the refusal of any other. */
export function parsedObject(body: Uint8Array): { object: Record<string, unknown> } | { reply: Reply } {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body));
    return isObject(value) ? { object: value } : { reply: refused(400, "the body must be one JSON object") };
  } catch {
    return { reply: refused(400, "the body is not JSON in UTF-8") };
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
