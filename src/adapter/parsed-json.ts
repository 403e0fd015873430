const read = new WeakMap<Uint8Array, unknown>();

/**
 * What an agent wrote as JSON: a payload, or a line of a transcript. Undefined for anything that is no JSON. A payload is
 * looked at twice, to tell whose it is and to decode it, and parsed once; nobody may change what comes out.
 */
export function parsedJson(written: string | Uint8Array): unknown {
  if (typeof written === "string") return parse(written);
  if (!read.has(written)) read.set(written, parse(new TextDecoder().decode(written)));
  return read.get(written);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
