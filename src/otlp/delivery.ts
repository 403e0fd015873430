import type { IncomingMessage } from "node:http";
import { ExportResultCode, type ExportResult } from "@opentelemetry/core";
import { toOutcome, type Answer } from "./answer.ts";
import type { Outcome } from "./outcome.ts";
import { withPartialSuccess } from "./partial-success.ts";
import { oneLine, withoutSecrets } from "./reason.ts";
import type { Wire } from "./wire.ts";

/** What the official exporters have in common. */
export type Sender<T> = {
  export(items: T, done: (result: ExportResult) => void): void;
  shutdown(): Promise<void>;
};

/** Codes of certificates that nobody vouches for. */
const UNTRUSTED = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
]);

/**
 * One export, one request, one outcome, at the latest after `deadlineMs`. A request that has no answer by then is torn
 * down, whatever the exporter would still do with it. `secrets` are kept out of the reasons.
 */
export async function deliver<T>(
  sender: Sender<T>,
  items: T,
  { wire, deadlineMs, secrets }: { wire: Wire; deadlineMs: number; secrets: readonly string[] },
): Promise<Outcome> {
  const clean = (text: string): string => oneLine(withoutSecrets(text, secrets));
  return wire.exchange(async (exchange) => {
    const { result, partialSuccess } = await withPartialSuccess(() => exported(sender, items, deadlineMs));
    const { response } = exchange;
    const unseen: { unseen?: true } = exchange.hasConnected ? {} : { unseen: true };
    if (result === "deadline")
      return { status: "retry", reason: `no complete answer within ${deadlineMs} ms`, ...unseen };
    if (result.code === ExportResultCode.SUCCESS) {
      if (partialSuccess && partialSuccess.rejected > 0) {
        return {
          status: "partly_rejected",
          rejected: partialSuccess.rejected,
          reason: clean(partialSuccess.message),
        };
      }
      return response ? toOutcome(answerOf(response), Date.now()) : { status: "accepted" };
    }
    const answer = response && answerOf(response, clean(body(result.error)));
    // A failure after a good head is a body that the exporter could not take: what became of the data is unknown.
    if (answer && answer.status > 299) return toOutcome(answer, Date.now());
    return {
      status: "retry",
      reason: `the export failed: ${clean(describe(result.error))}${hintFor(codeOf(result.error))}`,
      ...unseen,
    };
  });
}

/** Ends with the exporter's word or at the deadline; the exporter alone would follow a dripping answer for ever. */
async function exported<T>(sender: Sender<T>, items: T, deadlineMs: number): Promise<ExportResult | "deadline"> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<"deadline">((resolve) => {
    timer = setTimeout(resolve, deadlineMs, "deadline");
  });
  const result = new Promise<ExportResult>((resolve) => {
    sender.export(items, resolve);
  });
  try {
    return await Promise.race([result, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function answerOf({ statusCode, headers }: IncomingMessage, text = ""): Answer {
  const retryAfter = headers["retry-after"];
  const { "content-type": contentType, location } = headers;
  return {
    status: statusCode ?? 0,
    text,
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(location === undefined ? {} : { location }),
  };
}

/** The exporter's error carries the body of an answer that the exporter would not retry. */
function body(error: Error | undefined): string {
  return error !== undefined && "data" in error && typeof error.data === "string" ? receiversMessage(error.data) : "";
}

/** The `message` of a google.rpc.Status, which is what the protocol asks for, else the text as it came. */
function receiversMessage(text: string): string {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== "object" || parsed === null || !("message" in parsed)) return text;
    return typeof parsed.message === "string" ? parsed.message : text;
  } catch {
    return text;
  }
}

/** A name with several addresses fails with a message for each and none for all, but with a code. */
function describe(error: Error | undefined): string {
  if (error === undefined) return "unknown error";
  const code = codeOf(error);
  // OpenSSL's own text is a line of numbers and file names.
  return isOfTls(code) ? code : error.message || code || error.name;
}

function codeOf(error: Error | undefined): string {
  return error !== undefined && "code" in error && typeof error.code === "string" ? error.code : "";
}

function isOfTls(code: string): boolean {
  return code === "EPROTO" || code.startsWith("ERR_SSL_");
}

/** What to do about it, where the error's own words do not say. */
function hintFor(code: string): string {
  if (code.startsWith("HPE_")) return " (this port does not speak HTTP; OTLP over HTTP is usually 4318)";
  if (isOfTls(code)) return " (this port does not speak TLS; the endpoint may need http://)";
  if (UNTRUSTED.has(code)) return " (if this is your own certificate authority, set tls.ca)";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return " (the endpoint must name the host as its certificate does)";
  if (code === "ECONNRESET") return " (no answer came; if this port speaks TLS, the endpoint needs https://)";
  return "";
}
