/** One setting in the text of the configuration file; the rest of it stays as it is. */

import type { Node } from "jsonc-parser";

import { checkSettings } from "../config/file.ts";
import { ConfigError } from "../config/error.ts";
import { knownKeys } from "../config/schema.ts";
import { memberOf, membersOf, parseJsonc } from "./jsonc.ts";
import { appendTo, newText, removeFrom, replaceAt } from "./jsonc-edit.ts";

/** The keys of a setting, from outside in: `bounds.ageDays` has two. Names of headers and attributes may hold dots. */
export function keysOf(setting: string): [string] | [string, string] {
  const dot = setting.indexOf(".");
  return dot === -1 ? [setting] : [setting.slice(0, dot), setting.slice(dot + 1)];
}

/**
 * The file's text with a setting. `value` is as typed: taken as it is where a text is allowed, else as JSON.
 * @throws ConfigError for what is not allowed, and for a file that is not JSON; `where` begins the message.
 */
export function withSetting(text: string, setting: string, value: string, where: string): string {
  const keys = keysOf(setting);
  const attempt = (typed: unknown): string => {
    const next = changed(text, keys, typed, where);
    checkSettings(JSON.parse(next), where);
    return next;
  };
  try {
    return attempt(value);
  } catch (error) {
    if (!(error instanceof ConfigError) || !isJson(value)) throw error;
    return attempt(JSON.parse(value));
  }
}

/** The file's text without a setting. @throws ConfigError for a file that is not JSON. */
export function withoutSetting(text: string, setting: string, where: string): string {
  const [outer, inner] = keysOf(setting);
  const root = rootOf(text, where);
  const container = inner === undefined ? root : memberOf(root, outer);
  const [member] = membersOf(container, inner ?? outer);
  return container === undefined || member === undefined ? text : removeFrom(text, container, member);
}

function changed(text: string, [outer, inner]: [string] | [string, string], value: unknown, where: string): string {
  const known = knownKeys([]);
  // The check would tell of it too, but where the key has a dot it would look at the wrong one.
  if (!known.includes(outer))
    throw new ConfigError(`${where}: ${outer}: unknown key (known keys: ${known.join(", ")})`);
  if (text.trim() === "") return newText(inner === undefined ? { [outer]: value } : { [outer]: { [inner]: value } });
  const root = rootOf(text, where);
  if (inner === undefined) return put(text, root, outer, value);
  const container = memberOf(root, outer);
  return container?.type === "object" ? put(text, container, inner, value) : put(text, root, outer, { [inner]: value });
}

function put(text: string, container: Node, key: string, value: unknown): string {
  const there = memberOf(container, key);
  return there === undefined ? appendTo(text, container, key, value) : replaceAt(text, there, value);
}

function rootOf(text: string, where: string): Node {
  const parsed = parseJsonc(text);
  if (parsed.status === "invalid" || !isJson(text))
    throw new ConfigError(
      `${where}: is not valid JSON; allowed: one JSON object, without comments; nothing was changed`,
    );
  if (parsed.root.type !== "object") throw new ConfigError(`${where}: holds no JSON object; nothing was changed`);
  return parsed.root;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
