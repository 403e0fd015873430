import { redact } from "./redact.ts";

export type CaptureMode = "none" | "preview" | "full";
export type ContentKind = "prompt" | "tool_input" | "tool_result" | "response";

/** Limits in code points. */
export const FULL_CHARACTERS = 60_000;
export const PREVIEW_CHARACTERS: Readonly<Record<ContentKind, number>> = {
  prompt: 200,
  tool_input: 500,
  tool_result: 500,
  response: 500,
};

/** How much further than the limit redaction looks, so that a secret across the limit is still recognised. */
const LOOKAHEAD_UNITS = 4096;
/** How far back from there a broken-off word may begin: longer than the tokens that are known by their form. */
const BROKEN_WORD_UNITS = 512;

/**
 * What of a text may leave the machine: nothing, or its beginning with the secrets taken out. The result is well-formed
 * Unicode and counts at most the limit in code points; one that was cut ends with `…` as its last. The cost is bounded by
 * the limit, not by the text.
 */
export function captured(mode: CaptureMode, kind: ContentKind, text: string | undefined): string | undefined {
  if (mode === "none" || text === undefined) return undefined;
  const limit = mode === "full" ? FULL_CHARACTERS : PREVIEW_CHARACTERS[kind];
  const beginning = beginningOf(text, 2 * limit + LOOKAHEAD_UNITS);
  return truncated(redact(beginning), limit, beginning.length < text.length);
}

/** Cuts between words where it can: half a token at the end might not be recognised as one. */
function beginningOf(text: string, units: number): string {
  if (text.length <= units) return text;
  const brokenWord = /\S*$/.exec(text.slice(units - BROKEN_WORD_UNITS, units))?.[0].length ?? 0;
  return text.slice(0, units - (brokenWord < BROKEN_WORD_UNITS ? brokenWord : 0));
}

function truncated(text: string, limit: number, isCut: boolean): string {
  // A code point is at most two units, and a surrogate that the slice tears off lies beyond the limit.
  const characters = Array.from(text.slice(0, 2 * limit + 2).replace(LONE_SURROGATES, "\uFFFD"));
  if (!isCut && characters.length <= limit) return characters.join("");
  return `${characters.slice(0, limit - 1).join("")}…`;
}

const LONE_SURROGATES = /\p{Surrogate}/gu;
