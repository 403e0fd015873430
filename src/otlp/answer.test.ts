import { expect, test } from "vitest";
import { toOutcome, type Answer } from "./answer.ts";
import type { Outcome } from "./outcome.ts";

const NOW = Date.parse("2026-11-21T10:00:00Z");

const rows: [string, Partial<Answer>, Outcome][] = [
  ["taken", { status: 200 }, { status: "accepted" }],
  ["taken, no body", { status: 204 }, { status: "accepted" }],
  [
    "a login page",
    { status: 200, contentType: "text/html; charset=utf-8" },
    {
      status: "retry",
      reason: "HTTP 200 with a web page instead of an OTLP answer; check the endpoint",
    },
  ],
  ["redirected", { status: 302 }, { status: "retry", reason: "HTTP 302 Found; check the endpoint" }],
  [
    "bad data",
    { status: 400, text: "no trace id" },
    { status: "refused", reason: "HTTP 400 Bad Request: no trace id" },
  ],
  ["bad data in other words", { status: 422 }, { status: "refused", reason: "HTTP 422 Unprocessable Entity" }],
  [
    "http to an https port of Go",
    { status: 400, text: "Client sent an HTTP request to an HTTPS server." },
    {
      status: "retry",
      reason: "HTTP 400 Bad Request: Client sent an HTTP request to an HTTPS server.; the endpoint needs https://",
      unseen: true,
    },
  ],
  [
    "http to an https port of nginx",
    { status: 400, text: "The plain HTTP request was sent to HTTPS port" },
    {
      status: "retry",
      reason: "HTTP 400 Bad Request: The plain HTTP request was sent to HTTPS port; the endpoint needs https://",
      unseen: true,
    },
  ],
  [
    "no credentials",
    { status: 401 },
    { status: "unauthorized", reason: "HTTP 401 Unauthorized; check the headers and certificates" },
  ],
  [
    "wrong credentials",
    { status: 403 },
    { status: "unauthorized", reason: "HTTP 403 Forbidden; check the headers and certificates" },
  ],
  ["wrong path", { status: 404 }, { status: "retry", reason: "HTTP 404 Not Found; check the endpoint" }],
  ["wrong method", { status: 405 }, { status: "retry", reason: "HTTP 405 Method Not Allowed; check the endpoint" }],
  ["request too slow", { status: 408 }, { status: "retry", reason: "HTTP 408 Request Timeout" }],
  ["too large", { status: 413 }, { status: "too_large", reason: "HTTP 413 Payload Too Large" }],
  [
    "no JSON spoken",
    { status: 415 },
    { status: "retry", reason: "HTTP 415 Unsupported Media Type; check the endpoint" },
  ],
  [
    "throttled",
    { status: 429, retryAfter: "7" },
    { status: "retry", reason: "HTTP 429 Too Many Requests", afterMs: 7000 },
  ],
  [
    "throttled for no time",
    { status: 429, retryAfter: "0" },
    { status: "retry", reason: "HTTP 429 Too Many Requests", afterMs: 0 },
  ],
  [
    "down until a date",
    { status: 503, retryAfter: "Sat, 21 Nov 2026 10:02:00 GMT" },
    { status: "retry", reason: "HTTP 503 Service Unavailable", afterMs: 120_000 },
  ],
  [
    "down until a date that is past",
    { status: 503, retryAfter: "Sat, 21 Nov 2026 09:00:00 GMT" },
    { status: "retry", reason: "HTTP 503 Service Unavailable", afterMs: 0 },
  ],
  [
    "down, until nonsense",
    { status: 503, retryAfter: "soon" },
    { status: "retry", reason: "HTTP 503 Service Unavailable" },
  ],
  ["broken", { status: 500, text: "oops" }, { status: "retry", reason: "HTTP 500 Internal Server Error: oops" }],
  ["not in the list", { status: 599 }, { status: "retry", reason: "HTTP 599" }],
];

test.for(rows)("%s", ([, answer, outcome]) => {
  expect(toOutcome({ status: 0, text: "", ...answer }, NOW)).toEqual(outcome);
});
