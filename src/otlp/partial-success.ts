import { AsyncLocalStorage } from "node:async_hooks";
import { diag, DiagLogLevel } from "@opentelemetry/api";

/** What the receiver threw away of a request that it took. */
export type PartialSuccess = { rejected: number; message: string };

/** The words of @opentelemetry/otlp-exporter-base 0.223 (logging-response-handler); a test holds them to the real exporter. */
const ANNOUNCEMENT = "Received Partial Success response:";

const listening = new AsyncLocalStorage<{ heard?: PartialSuccess }>();

/**
 * Runs one export and returns with its result the partial success that came with it. The official exporter tells of it
 * only to the diag logger, one for the whole process, so the async context says to which export a message belongs.
 */
export async function withPartialSuccess<T>(
  send: () => Promise<T>,
): Promise<{ result: T; partialSuccess?: PartialSuccess }> {
  listen();
  const ear: { heard?: PartialSuccess } = {};
  const result = await listening.run(ear, send);
  return ear.heard === undefined ? { result } : { result, partialSuccess: ear.heard };
}

/** Set for each export, which costs nothing, so that it holds whoever set another logger in between. Prints nothing. */
function listen(): void {
  const logger = { error: silent, info: silent, debug: silent, verbose: silent, warn: hear };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

function silent(): void {}

function hear(message: string, ...details: unknown[]): void {
  const ear = listening.getStore();
  const [text] = details;
  if (ear === undefined || message !== ANNOUNCEMENT || typeof text !== "string") return;
  ear.heard = parse(text);
}

/** `rejectedSpans` and `rejectedDataPoints` are int64: in JSON a string, though some receivers write a number. */
function parse(text: string): PartialSuccess {
  const fields = new Map<string, unknown>(Object.entries(JSON.parse(text)));
  const rejected = Number(fields.get("rejectedSpans") ?? fields.get("rejectedDataPoints") ?? 0);
  const message = fields.get("errorMessage");
  return {
    rejected: Number.isFinite(rejected) ? rejected : 0,
    message: typeof message === "string" ? message : "",
  };
}
