/** Claude Code's own telemetry of two sessions, as recorded, and what such requests hold in a form that can be compared. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { RECORDINGS } from "./recording-facts.ts";

export type NativeSignal = "logs" | "metrics" | "traces";
export type NativeRequest = { signal: NativeSignal; body: unknown };

export const NATIVE_SESSIONS = [
  "0a8b34f9-4a9a-40f2-a87e-40159871cb99",
  "57e13f14-7cf9-4fa5-89ae-ec961e9e57b3",
] as const;
/** A client without an account has an id of its machine, which the recording hides. */
export const NATIVE_USER = "0".repeat(64);

const FOLDER = join(RECORDINGS, "12-native-otel");

export function nativeRequests(): NativeRequest[] {
  return (["logs", "metrics", "traces"] as const).flatMap((signal) =>
    linesOf(join(FOLDER, "native-otel", `${signal}.jsonl`)).map(({ body }) => ({ signal, body })),
  );
}

/** The payloads of its hooks, in their order. */
export function nativeHooks(): string[] {
  return linesOf(join(FOLDER, "hooks.jsonl")).map(({ stdin }) => JSON.stringify(stdin));
}

/** The same with an address for each session, as a client with an account sends it: on some records only. */
export function withEmails(requests: readonly NativeRequest[]): NativeRequest[] {
  return requests.map(({ signal, body }) => {
    let count = 0;
    const text = JSON.stringify(body).replaceAll(
      /\{"key":"session\.id","value":\{"stringValue":"([^"]*)"\}\}/g,
      (whole, id) => {
        count += 1;
        const email = count % 3 === 0 ? `${String(id).slice(0, 4)}@example.org` : "";
        return `${whole},{"key":"user.email","value":{"stringValue":"${email}"}}`;
      },
    );
    const told: unknown = JSON.parse(text);
    return { signal, body: told };
  });
}

/**
 * Each record, point and span with its resource and scope, sorted: requests may be joined and split on the way. What protobuf
 * does not tell apart is one: a number and its text, and a default and nothing.
 */
export function contentOf(requests: readonly unknown[]): string[] {
  return requests.flatMap((request) => leavesOf(plainly(request), [])).toSorted();
}

/** On the way from a request to what is counted in it. */
const LISTS = new Set([
  "resourceLogs",
  "resourceMetrics",
  "resourceSpans",
  "scopeLogs",
  "scopeMetrics",
  "scopeSpans",
  "logRecords",
  "metrics",
  "spans",
]);

function leavesOf(node: unknown, above: readonly unknown[]): string[] {
  if (typeof node !== "object" || node === null) return [];
  const lists = Object.entries(node).filter(([name]) => LISTS.has(name));
  const rest = Object.fromEntries(Object.entries(node).filter(([name]) => !LISTS.has(name)));
  if (lists.length === 0) return [JSON.stringify([...above, rest])];
  return lists.flatMap(([, items]) =>
    Array.isArray(items) ? items.flatMap((item: unknown) => leavesOf(item, [...above, rest])) : [],
  );
}

function plainly(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainly);
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .map(([key, inner]): [string, unknown] => [key, plainly(inner)])
    .filter(([key, inner]) => !(isDefault(inner) && !key.endsWith("Value")))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries);
}

function isDefault(value: unknown): boolean {
  const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return value === "" || value === "0" || value === false || value === null || isEmpty;
}

function linesOf(file: string): { body: unknown; stdin: unknown }[] {
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line): { body: unknown; stdin: unknown } => JSON.parse(line));
}
