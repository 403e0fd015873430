import { STATUS_CODES } from "node:http";
import type { Outcome } from "./outcome.ts";

/** The head of an HTTP answer, and what the receiver says in its body, fit to be shown (empty if it says nothing). */
export type Answer = { status: number; text: string; retryAfter?: string; contentType?: string; location?: string };

/** A server that speaks TLS says so with 400 when the endpoint reads `http://`: a matter of settings, not of the data. */
const PLAIN_HTTP_TO_TLS = /HTTP request (was sent )?to (an )?HTTPS/i;

/**
 * What an HTTP answer means for the data. Only 400 and 422 condemn the data itself; whatever else is wrong (path, method,
 * media type, redirects, proxies) is a matter of settings, so the data is kept until they are put right.
 * `nowMs`: epoch milliseconds, for a Retry-After that is a date.
 */
export function toOutcome(answer: Answer, nowMs: number): Outcome {
  const { status, text } = answer;
  if (status >= 200 && status <= 299) return takenUnlessWebPage(answer);
  const reason = `HTTP ${status} ${STATUS_CODES[status] ?? ""}`.trimEnd() + (text === "" ? "" : `: ${text}`);
  if (status === 401 || status === 403)
    return { status: "unauthorized", reason: `${reason}; check the headers and certificates` };
  if (status === 413) return { status: "too_large", reason };
  if (status === 400 && PLAIN_HTTP_TO_TLS.test(text))
    return { status: "retry", reason: `${reason}; the endpoint needs https://`, unseen: true };
  if (status === 400 || status === 422) return { status: "refused", reason };
  if (status >= 300 && status <= 399)
    return { status: "retry", reason: `${reason}${redirection(answer)}; check the endpoint` };
  const isTemporary = status === 408 || status === 425 || status === 429 || status >= 500;
  return {
    status: "retry",
    reason: isTemporary ? reason : `${reason}; check the endpoint`,
    ...waitingTime(answer, nowMs),
  };
}

/** A login page that answers 200 to everything took no data. */
function takenUnlessWebPage({ status, contentType }: Answer): Outcome {
  if (contentType === undefined || !/^text\/html\b/i.test(contentType)) return { status: "accepted" };
  return {
    status: "retry",
    reason: `HTTP ${status} with a web page instead of an OTLP answer; check the endpoint`,
  };
}

/** Never followed: what waits there may be anyone, and the headers hold credentials. Its query is nobody's business. */
function redirection({ location }: Answer): string {
  if (location === undefined) return "";
  const place = location
    .replace(/[?#].*$/s, "")
    .replace(/\/\/[^/]*@/, "//")
    .replaceAll(/[\s\p{Cc}]+/gu, " ")
    .slice(0, 200);
  return ` to ${place}, which is not followed`;
}

/** Retry-After is a number of seconds or a date. */
function waitingTime({ retryAfter }: Answer, nowMs: number): { afterMs?: number } {
  if (retryAfter === undefined) return {};
  const afterMs = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - nowMs;
  return Number.isFinite(afterMs) ? { afterMs: Math.max(0, afterMs) } : {};
}
