/** How names and numbers look in a table of the terminal. */

/** `16 ms`, `2.1 s`, `3 m 05 s`, `2 h 03 m`. */
export function formatDuration(ns: bigint): string {
  const ms = Number(ns) / 1e6;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m ${twoDigits(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} m`;
}

/** `18,211`. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** `$0.0905`. */
export function formatUsd(usd: number): string {
  return `$${usd.toLocaleString("en-US", { minimumFractionDigits: 4, maximumFractionDigits: 4 })}`;
}

/** Names come from outside: no control character may reach the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "?");
}

/** Exactly `width` characters; where something had to go, the last one is an ellipsis. */
export function fit(text: string, width: number): string {
  const shown = cut(text, width);
  return shown + " ".repeat(width - Array.from(shown).length);
}

function cut(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join("")}…`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
