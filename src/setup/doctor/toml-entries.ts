/**
 * The entries of a TOML text, as far as Codex' configuration needs them: a look, never an edit. Values stay as they are written.
 * Arrays over several lines and dates are passed over.
 */

/** A key with those of the tables around it, and its value as written. */
export type TomlEntry = { path: string[]; value: string };

const KEY = /\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*/y;

export function tomlEntries(text: string): TomlEntry[] {
  let table: string[] = [];
  // The bodies of texts over several lines could look like entries.
  const lines = text.replaceAll(/"""[\s\S]*?"""|'''[\s\S]*?'''/g, '""').split(/\r?\n/);
  return lines.flatMap((line) => {
    const header = /^\s*\[\[?(?!\[)/.exec(line)?.[0];
    if (header !== undefined) {
      table = keysFrom(line, header.length).keys;
      return [];
    }
    return entriesIn(line, table);
  });
}

/** The text of a TOML string, or the value as written. */
export function tomlText(value: string): string {
  const quoted = /^(?:"((?:[^"\\]|\\.)*)"|'([^']*)')/.exec(value);
  if (quoted === null) return value.replace(/\s*#.*$/, "").trim();
  return quoted[2] ?? unescaped(quoted[1] ?? "");
}

function entriesIn(text: string, table: readonly string[]): TomlEntry[] {
  const { keys, end } = keysFrom(text, 0);
  if (keys.length === 0 || text[end] !== "=") return [];
  const path = [...table, ...keys];
  const value = text.slice(end + 1).trim();
  const inner = /^\{(.*)\}/.exec(value)?.[1];
  return inner === undefined ? [{ path, value }] : partsOf(inner).flatMap((part) => entriesIn(part, path));
}

/** `a."b c".d`: the keys, and where the first character behind them stands. */
function keysFrom(text: string, start: number): { keys: string[]; end: number } {
  const keys: string[] = [];
  let end = start;
  for (;;) {
    KEY.lastIndex = end;
    const found = KEY.exec(text);
    if (found === null) return { keys, end };
    keys.push(found[2] ?? found[3] ?? unescaped(found[1] ?? ""));
    end = KEY.lastIndex;
    if (text[end] !== ".") return { keys, end };
    end++;
  }
}

/** Splits at commas that stand in no text and in no brackets. */
function partsOf(text: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|'[^']*'|[\s\S]/g)) {
    if (token === "{" || token === "[") depth++;
    if (token === "}" || token === "]") depth--;
    if (token === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += token;
  }
  return parts;
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(["\\])/g, "$1");
}
