/** The JSON text of a parsed value; undefined for nothing, and for one so deep in itself that it cannot be written. */
export function jsonText(value: unknown, replacer?: (key: string, inner: unknown) => unknown): string | undefined {
  try {
    return JSON.stringify(value, replacer);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
