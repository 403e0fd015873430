/**
 * JSON text of our own files. A bigint (a time in nanoseconds) is written as a decimal string; turning it back is the
 * schema's job, for only the schema knows which strings are times.
 */
export function toJson(value: unknown): string {
  return JSON.stringify(value, bigintAsString);
}

function bigintAsString(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
