/**
 * The envelope, format 1: what a hook writes and the bridge reads. One file is one event:
 *
 *     v=1
 *     id=<id>
 *     agent=<agent>
 *     event=... time=... pid=... ppid=... cwd=... traceparent=... tracestate=... env.<NAME>=...   (one per line, where known)
 *     wrap.<word>=...    (one per line, if it is of another hook's run; see `adapter/wrapped-hook.ts`)
 *                                                                                                 (empty line)
 *     <payload bytes as they came>
 *     end=<id>
 *
 * Invariant: an envelope is whole if and only if it ends with its own end line. The payload is what lies between the first
 * empty line and that line, so it may hold any bytes, the text of an end line too.
 */

/** One event as a hook received it. */
export type Envelope = {
  /** Never recurs: `[A-Za-z0-9._-]+`. */
  id: string;
  agent: string;
  /** The event's name, where the agent's payload does not hold it. */
  event?: string;
  /** Receipt: the hook's own clock where its shell has one, but never after the file's time. Nanoseconds since the epoch. */
  timeNs: bigint;
  /** Process id of the hook, and of its parent. */
  pid?: number;
  ppid?: number;
  cwd?: string;
  traceparent?: string;
  tracestate?: string;
  /** The few marker variables that adapters need. */
  env: Record<string, string>;
  /** How the run of another hook ended that got this payload; absent if the payload came to a hook of ours. */
  wrap?: Record<string, string>;
  /** The agent's bytes, unread. A view of the file's bytes, not a copy. */
  payload: Uint8Array;
};

/** `incomplete`: still being written, or its writer was killed; time tells which. `malformed`: will never be an envelope. */
export type ParsedEnvelope =
  | { status: "whole"; envelope: Envelope }
  | { status: "incomplete" }
  | { status: "malformed"; reason: string };

/** What `formatEnvelope` needs; without a time the file's own will be taken. */
export type EnvelopeDraft = Omit<Envelope, "timeNs"> & { timeNs?: bigint };

const MAX_HEADER_BYTES = 64 * 1024;
const TEXTS = ["event", "cwd", "traceparent", "tracestate"] as const;
const PROCESS_IDS = ["pid", "ppid"] as const;
const ID = /^[A-Za-z0-9._-]+$/;

/** Reads the bytes of an envelope file. `mtimeNs` is the file's modification time, nanoseconds since the epoch. */
export function parseEnvelope(bytes: Uint8Array, mtimeNs: bigint): ParsedEnvelope {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerEnd = file.subarray(0, MAX_HEADER_BYTES).indexOf("\n\n");
  if (headerEnd === -1) {
    return file.length < MAX_HEADER_BYTES
      ? { status: "incomplete" }
      : { status: "malformed", reason: `no end of the header within ${MAX_HEADER_BYTES} bytes` };
  }
  const header = parseHeader(file.toString("utf8", 0, headerEnd));
  const version = header.get("v") ?? "";
  if (version !== "1") {
    return {
      status: "malformed",
      reason: `envelope version is "${version.slice(0, 20)}", expected 1`,
    };
  }
  const id = header.get("id") ?? "";
  if (!ID.test(id)) return { status: "malformed", reason: "the header has no valid id" };
  const agent = header.get("agent") ?? "";
  if (agent === "") return { status: "malformed", reason: "the header names no agent" };

  const end = Buffer.from(endLine(id));
  const payloadStart = headerEnd + 2;
  const payloadEnd = file.length - end.length;
  if (payloadEnd < payloadStart || !file.subarray(payloadEnd).equals(end)) return { status: "incomplete" };
  const envelope: Envelope = {
    id,
    agent,
    timeNs: receiptTime(header.get("time"), mtimeNs),
    env: prefixed(header, "env."),
    payload: file.subarray(payloadStart, payloadEnd),
  };
  for (const key of TEXTS) {
    const value = header.get(key);
    if (value !== undefined) envelope[key] = value;
  }
  for (const key of PROCESS_IDS) {
    const value = header.get(key) ?? "";
    if (/^\d{1,10}$/.test(value)) envelope[key] = Number(value);
  }
  const wrap = prefixed(header, "wrap.");
  if (Object.keys(wrap).length > 0) envelope.wrap = wrap;
  return { status: "whole", envelope };
}

/**
 * The bytes of an envelope file. As in every hook, an empty value and one with a newline, which could forge a line, are left
 * out. Throws on an id or agent that could not be read back.
 */
export function formatEnvelope(draft: EnvelopeDraft): Uint8Array {
  if (!ID.test(draft.id)) throw new TypeError(`cannot format envelope: id "${draft.id}" is not of [A-Za-z0-9._-]+`);
  if (!isHeaderValue(draft.agent)) throw new TypeError("cannot format envelope: agent is empty or has a newline");
  const lines: [string, string | undefined][] = [
    ["v", "1"],
    ["id", draft.id],
    ["agent", draft.agent],
    ["event", draft.event],
    ["time", draft.timeNs === undefined ? undefined : formatSeconds(draft.timeNs)],
    ["pid", draft.pid?.toString()],
    ["ppid", draft.ppid?.toString()],
    ["cwd", draft.cwd],
    ["traceparent", draft.traceparent],
    ["tracestate", draft.tracestate],
    ...Object.entries(draft.env).map(([name, value]): [string, string] => [`env.${name}`, value]),
    ...Object.entries(draft.wrap ?? {}).map(([name, value]): [string, string] => [`wrap.${name}`, value]),
  ];
  const header = lines.flatMap(([key, value]) =>
    value !== undefined && isHeaderValue(value) ? [`${key}=${value}\n`] : [],
  );
  return Buffer.concat([Buffer.from(`${header.join("")}\n`), draft.payload, Buffer.from(endLine(draft.id))]);
}

function parseHeader(text: string): Map<string, string> {
  const header = new Map<string, string>();
  for (const line of text.split("\n")) {
    const at = line.indexOf("=");
    if (at > 0) header.set(line.slice(0, at), line.slice(at + 1));
  }
  return header;
}

function endLine(id: string): string {
  return `\nend=${id}\n`;
}

/** A clock that is ahead would put the event after everything that is still to come. */
function receiptTime(text: string | undefined, mtimeNs: bigint): bigint {
  const match = /^(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text ?? "");
  if (match === null) return mtimeNs;
  const timeNs = BigInt(match[1] ?? "0") * 1_000_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
  return timeNs < mtimeNs ? timeNs : mtimeNs;
}

function prefixed(header: Map<string, string>, prefix: string): Record<string, string> {
  return Object.fromEntries(
    [...header].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key.slice(prefix.length), value]),
  );
}

function isHeaderValue(value: string): boolean {
  return value !== "" && !value.includes("\n");
}

function formatSeconds(timeNs: bigint): string {
  return `${timeNs / 1_000_000_000n}.${(timeNs % 1_000_000_000n).toString().padStart(9, "0")}`;
}
