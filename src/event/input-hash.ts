import { createHash } from "node:crypto";

import { jsonText } from "./json-text.ts";

/** 16 hex digits that tell one tool input from another, whatever the order of its keys. */
export function inputHash(input: unknown): string {
  return createHash("sha256").update(canonical(input)).digest("hex").slice(0, 16);
}

function canonical(value: unknown): string {
  return jsonText(value, (_key, inner) => (isRecord(inner) ? sorted(inner) : inner)) ?? "";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sorted(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
