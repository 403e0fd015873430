/** Who may ask at all: no web page, and nobody without the token. */

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";

import { refused, type Reply } from "./reply.ts";

/** The reply to a request that a web page may have caused; undefined if it may pass. `anyHost`: the intake listens beyond loopback. */
export function forbidden({ origin, host }: IncomingHttpHeaders, anyHost: boolean): Reply | undefined {
  if (origin !== undefined)
    return refused(403, "requests with an Origin header are refused: web pages have no business here");
  // A name that a web page had its own server give to 127.0.0.1.
  if (!anyHost && !isLoopbackHost(host ?? ""))
    return refused(403, "the Host header must name a loopback address: 127.0.0.1, localhost or [::1]");
  return undefined;
}

/** Whether the Authorization header is the bearer token. Takes as long for a near miss as for nonsense. */
export function isAuthorized(header: string | undefined, token: string): boolean {
  const given = /^bearer +([^\s]+)$/i.exec(header ?? "")?.[1] ?? "";
  return isSame(given, token) && given !== "";
}

/** Compares secrets, in the same time wherever they differ. */
export function isSame(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

/** All of 127.0.0.0/8, and ::1. */
export function isLoopbackAddress(address: string): boolean {
  return isIP(address) === 4 ? address.startsWith("127.") : address === "::1";
}

/** A Host header: with or without a port. */
function isLoopbackHost(host: string): boolean {
  const name = /^(\[[0-9a-f:]+\]|[^:]+)(?::\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase() ?? "";
  return name === "localhost" || isLoopbackAddress(name.replace(/^\[(.*)\]$/, "$1"));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
