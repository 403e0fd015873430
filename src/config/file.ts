import { readFileSync } from "node:fs";

import type { z } from "zod";

import { ConfigError } from "./error.ts";
import { isOwnKey, knownKeys, type Settings, settingsSchema } from "./schema.ts";

/**
 * Reads a configuration file; one that is not there holds no settings.
 * @throws ConfigError for a file that cannot be read, is not JSON or holds what is not allowed.
 */
export function readConfigFile(file: string): Settings | undefined {
  const text = readText(file);
  if (text === undefined) return undefined;
  return checkSettings(parseJson(text, file), `configuration file ${file}`);
}

/** Checks settings from anywhere; `where` begins the message. @throws ConfigError that lists everything wrong. */
export function checkSettings(value: unknown, where: string): Settings {
  const result = settingsSchema.safeParse(value);
  const problems = result.success ? [] : result.error.issues.flatMap((issue) => problemsOf(issue, value));
  if (result.data?.endpoint !== undefined && result.data.endpoints !== undefined) {
    problems.push("endpoint: stands beside endpoints; allowed: one of the two");
  }
  if (!result.success || problems.length > 0) throw new ConfigError(`${where}: ${problems.join("; ")}`);
  return result.data;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR"))
      return undefined;
    throw new ConfigError(`configuration file ${file}: cannot be read; correct its permissions or name another`, {
      cause,
    });
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Neither the parser's message nor the error as a cause: both quote the file, which may hold secrets.
    const position = /position (\d+)/.exec(String(error))?.[1];
    const place = position === undefined ? "" : ` from line ${text.slice(0, Number(position)).split("\n").length}`;
    throw new ConfigError(
      `configuration file ${file}: is not valid JSON${place}; allowed: one JSON object, without comments`,
    );
  }
}

function problemsOf(issue: z.core.$ZodIssue, settings: unknown): string[] {
  const path = issue.path.join(".");
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(key, issue.path));
  if (issue.code === "invalid_key") {
    const allowed = isOwnKey(String(issue.path.at(-1)))
      ? "any other attribute, for hookspan sets this one"
      : "a proper name";
    return [`${path}: a name that cannot be used; allowed: ${allowed}`];
  }
  const name = path === "" ? "the whole" : path;
  return [`${name}: ${describe(valueAt(settings, issue.path), issue.path)} stands there; allowed: ${issue.message}`];
}

function unknownKey(key: string, path: readonly PropertyKey[]): string {
  const known = knownKeys(path);
  const near = nearest(key, known);
  const hint = near === undefined ? "" : `, did you mean ${near}?`;
  return `${[...path, key].join(".")}: unknown key${hint} (known keys: ${known.join(", ")})`;
}

/** What stands there, in a few words; only the kind of it where it may be a secret. */
function describe(value: unknown, path: readonly PropertyKey[]): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value === "string" && mayBeSecret(value, path)) return "a string";
  const shown = JSON.stringify(value);
  return shown.length > 80 ? `${shown.slice(0, 80)}…` : shown;
}

/** A URL with credentials is one, wherever it stands. */
function mayBeSecret(value: string, path: readonly PropertyKey[]): boolean {
  return (
    ["headers", "headersCommand", "tls", "resource", "identity"].includes(String(path[0])) ||
    /@|:\/\/[^/]*:/.test(value)
  );
}

function valueAt(settings: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => {
    return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  }, settings);
}

/** The known key that differs least, if it differs by no more than a third of its letters. */
function nearest(key: string, known: readonly string[]): string | undefined {
  const ranked = known.map((name) => ({
    name,
    distance: distance(key.toLowerCase(), name.toLowerCase()),
  }));
  const best = ranked.sort((a, b) => a.distance - b.distance)[0];
  return best !== undefined && best.distance <= Math.max(2, best.name.length / 3) ? best.name : undefined;
}

/** How many letters have to be put in, taken out or replaced (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of Array.from(a.slice(0, 64)).entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] ?? 0) + (letter === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
