/**
 * The payload of a Hermes hook, as far as hookspan reads it: level 0.19.0, and the names that a handler written for agentmon's
 * format may use instead. The first usable value of a field wins; a field of another shape than expected is as good as absent.
 */

/** What is read of a payload. `extra` holds every field that Hermes does not put at the top level. */
export type HermesPayload = {
  /** The name of the event, where the payload holds it. */
  nativeEvent: string | undefined;
  /** Empty where Hermes names none. */
  sessionId: string;
  turnId: string | undefined;
  taskId: string | undefined;
  callId: string | undefined;
  requestId: string | undefined;
  tool: string | undefined;
  toolInput: unknown;
  model: string | undefined;
  responseModel: string | undefined;
  platform: string | undefined;
  provider: string | undefined;
  cwd: string | undefined;
  durationMs: number | undefined;
  interrupted: boolean;
  usage: Record<string, unknown> | undefined;
  userMessage: unknown;
  /** Only payloads of real events have it; those of `hermes hooks test` do not. */
  isObserved: boolean;
  extra: Record<string, unknown>;
};

/** A longer session id is no id: it would not fit into any store that the spans go to. */
const SESSION_ID_MAX = 512;
const WORD_MAX = 256;
/** Four months: no call takes longer, and times that are made of it stay numbers that every store can hold. */
const DURATION_MAX_MS = 1e10;

export function readPayload(input: Record<string, unknown>): HermesPayload {
  const extra = isRecord(input["extra"]) ? input["extra"] : {};
  const sessionId =
    pickWord(input, ["session_id", "sessionId", "sessionID", "session"], SESSION_ID_MAX) ??
    pickWord(extra, ["session_id", "sessionId", "sessionID", "parent_session_id"], SESSION_ID_MAX) ??
    "";
  return {
    nativeEvent: pickWord(input, ["hook_event_name"]),
    sessionId,
    turnId: pickWord(extra, ["turn_id"], SESSION_ID_MAX) ?? pickWord(input, ["turn_id"], SESSION_ID_MAX),
    taskId: pickWord(extra, ["task_id"], SESSION_ID_MAX),
    callId: pickWord(input, ["tool_call_id"]) ?? pickWord(extra, ["tool_call_id", "call_id", "id"]),
    requestId: pickWord(extra, ["api_request_id"], 2 * SESSION_ID_MAX),
    tool: pickWord(input, ["tool_name", "tool", "name"]) ?? pickWord(extra, ["tool_name", "tool", "name"]),
    toolInput: input["tool_input"] ?? extra["args"],
    model: pickWord(input, ["model"]) ?? pickWord(extra, ["model", "response_model"]),
    responseModel: pickWord(extra, ["response_model"]),
    platform: pickWord(input, ["platform"]) ?? pickWord(extra, ["platform"]),
    provider: pickWord(extra, ["provider"]),
    cwd: pickWord(input, ["cwd"], 4096),
    durationMs: durationOf(input, extra),
    usage: [input["usage"], extra["usage"]].find(isRecord),
    userMessage: extra["user_message"] ?? input["user_message"],
    interrupted: isTrue(input["interrupted"]) || isTrue(extra["interrupted"]),
    isObserved: typeof extra["telemetry_schema_version"] === "string",
    extra,
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The first of the named fields that is a text of a usable length. */
export function pickWord(from: Record<string, unknown>, names: readonly string[], max = WORD_MAX): string | undefined {
  for (const name of names) {
    const value = from[name];
    if (typeof value === "string" && value !== "" && value.length <= max) return value;
  }
  return undefined;
}

/** The first of the named fields that is a finite number of zero or more; a gateway in between may write numbers as text. */
export function pickNumber(from: Record<string, unknown>, names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = from[name];
    const number = typeof value === "string" && /^\d{1,15}(\.\d{1,9})?$/.test(value) ? Number(value) : value;
    if (typeof number === "number" && Number.isFinite(number) && number >= 0) return number;
  }
  return undefined;
}

/** A message may come as a list of parts, of which the texts are taken. */
export function textOf(message: unknown): string | undefined {
  if (typeof message === "string") return message;
  if (!Array.isArray(message)) return undefined;
  const texts = message.flatMap((part: unknown) =>
    isRecord(part) && typeof part["text"] === "string" ? [part["text"]] : [],
  );
  return texts.length === 0 ? undefined : texts.join("\n");
}

export function isTrue(value: unknown): boolean {
  return value === true || value === "true";
}

/** All in milliseconds but `api_duration`, which is in seconds. */
function durationOf(input: Record<string, unknown>, extra: Record<string, unknown>): number | undefined {
  const seconds = pickNumber(extra, ["api_duration"]);
  const durationMs =
    pickNumber(input, ["duration_ms", "elapsed_ms"]) ??
    pickNumber(extra, ["duration_ms"]) ??
    (seconds === undefined ? undefined : seconds * 1e3) ??
    pickNumber(extra, ["elapsed_ms"]);
  return durationMs !== undefined && durationMs <= DURATION_MAX_MS ? durationMs : undefined;
}
