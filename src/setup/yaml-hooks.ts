/**
 * Hooks in Hermes' `config.yaml`: below `hooks`, each event has a list of `{command, timeout}`. Whole lines are put in and taken
 * out, and the result is held against the beginning, so whatever else stands in the file stays byte for byte. What is not
 * in lines of its own (`[...]`, `{...}`) is left to its owner.
 */

import { isDeepStrictEqual } from "node:util";

import { isMap, isScalar, isSeq, type Pair, parseDocument, type YAMLMap } from "yaml";

import { type Edited, type Found, type HookFile, othersIn } from "./json-hooks.ts";

type Wanted = Readonly<Record<string, { readonly command: string; readonly timeout: number }>>;
type Root = { status: "parsed"; hooks: Pair | undefined; value: unknown } | { status: "invalid"; reason: string };
type Splice = { from: number; to: number; insert: string };

/** The text with `wanted`, by event, and nothing else of ours. What stands there rightly already is not touched. */
export function withYamlHooks(text: string, file: HookFile, wanted: Wanted): Edited {
  return edited(text, file, (current, hooks) => {
    const seen = new Set<string>();
    for (const { event, value, cut } of oursIn(current, hooks, file)) {
      if (!isDeepStrictEqual(value, wanted[event]) || seen.has(event)) return cut;
      seen.add(event);
    }
    const missing = Object.entries(wanted).find(([event]) => !seen.has(event));
    return missing && insertion(current, hooks, ...missing);
  });
}

/** The text without anything of ours. An empty `hooks: {}` that stood in `before`, the text as it was, stands there again. */
export function withoutYamlHooks(text: string, file: HookFile, before?: string): Edited {
  const known = before === undefined ? undefined : rootOf(before);
  const hadHooks = known?.status === "parsed" && known.hooks !== undefined;
  const end = edited(text, file, (current, hooks) => {
    const first = oursIn(current, hooks, file)[0];
    if (first === undefined || hooks === undefined) return undefined;
    const isOnly = isMap(hooks.value) && hooks.value.items.length === 1 && first.isOnly && !hadHooks;
    return isOnly ? lines(current, startOf(hooks.key), endOf(hooks)) : first.cut;
  });
  if (end.status === "invalid" || known?.status !== "parsed") return end;
  const now = rootOf(end.text);
  const wasFlow = isMap(known.hooks?.value) && known.hooks.value.flow === true;
  if (now.status === "invalid" || now.hooks === undefined || !wasFlow || isMap(now.hooks.value)) return end;
  return {
    status: "edited",
    text: spliced(end.text, { from: keyEnd(now.hooks), to: keyEnd(now.hooks), insert: " {}" }),
  };
}

/** What of ours stands in a text, in the order of the text. */
export function yamlHooksIn(text: string, file: HookFile): Found {
  const root = rootOf(text);
  if (root.status === "invalid") return root;
  const handlers = oursIn(text, root.hooks, file).map(({ event, value }) => ({ event, handler: value }));
  return { status: "found", handlers };
}

function edited(
  text: string,
  file: HookFile,
  step: (text: string, hooks: Pair | undefined) => Splice | "flow" | undefined,
): Edited {
  const start = rootOf(text);
  if (start.status === "invalid") return start;
  let current = text;
  for (let left = 1000; left > 0; left--) {
    const root = rootOf(current);
    if (root.status === "invalid") break;
    const next = step(current, root.hooks);
    if (next === "flow") return { status: "invalid", reason: 'writes "hooks" in brackets; put it over several lines' };
    if (next === undefined) {
      if (!isDeepStrictEqual(comparable(root.value, file), comparable(start.value, file))) break;
      return { status: "edited", text: current };
    }
    current = spliced(current, next);
  }
  return {
    status: "invalid",
    reason: "is laid out so that hookspan cannot edit it without touching the rest; edit it by hand",
  };
}

/** Without ours, and without the difference between no hooks, null and none. */
function comparable(value: unknown, file: HookFile): unknown {
  const others = othersIn(value ?? {}, file);
  if (typeof others !== "object" || others === null || !("hooks" in others) || typeof others.hooks !== "object")
    return others;
  return {
    ...others,
    hooks: Object.fromEntries(Object.entries(others.hooks ?? {}).filter(([, list]) => list !== null)),
  };
}

function rootOf(text: string): Root {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined)
    return { status: "invalid", reason: `is not valid YAML from line ${error.linePos?.[0].line ?? 1}` };
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null))
    return { status: "parsed", hooks: undefined, value: {} };
  if (!isMap(contents) || contents.flow === true)
    return { status: "invalid", reason: "holds no YAML mapping in lines" };
  const hooks = contents.items.find(({ key }) => isScalar(key) && key.value === "hooks");
  const isUsable = hooks === undefined || isMap(hooks.value) || isEmpty(hooks.value);
  if (!isUsable) return { status: "invalid", reason: 'has something else than a mapping at "hooks"' };
  return { status: "parsed", hooks, value: document.toJS() };
}

type Ours = { event: string; value: Record<string, unknown>; isOnly: boolean; cut: Splice | "flow" };

function oursIn(text: string, hooks: Pair | undefined, file: HookFile): Ours[] {
  if (!isMap(hooks?.value)) return [];
  return hooks.value.items.flatMap((event) => {
    const list = event.value;
    if (!isSeq(list)) return [];
    return list.items.flatMap((item): Ours[] => {
      const value: unknown = isMap(item) ? item.toJSON() : undefined;
      if (!isRecord(value) || !file.isOurs(value)) return [];
      const isOnly = list.items.length === 1;
      const from = isOnly ? startOf(event.key) : text.lastIndexOf("-", startOf(item));
      const cut = list.flow === true ? "flow" : lines(text, from, endOf(item));
      return [{ event: isScalar(event.key) ? String(event.key.value) : "", value, isOnly, cut }];
    });
  });
}

function insertion(text: string, hooks: Pair | undefined, event: string, hook: Wanted[string]): Splice | "flow" {
  const list = (indent: string) => [
    `${indent}- command: ${JSON.stringify(hook.command)}`,
    `${indent}  timeout: ${hook.timeout}`,
  ];
  if (hooks === undefined) return after(text, text.length, ["hooks:", `  ${event}:`, ...list("    ")]);
  if (isEmpty(hooks.value)) return emptied(text, hooks, [`  ${event}:`, ...list("    ")]);
  const map = hooks.value;
  if (!isMap(map) || map.flow === true) return "flow";
  const indent = " ".repeat(columnOf(text, startOf(map)));
  const there = map.items.find(({ key }) => isScalar(key) && key.value === event);
  if (there === undefined) return after(text, endOfMap(map), [`${indent}${event}:`, ...list(`${indent}  `)]);
  if (isEmpty(there.value)) return emptied(text, there, list(`${indent}  `));
  if (!isSeq(there.value) || there.value.flow === true) return "flow";
  const column = columnOf(text, text.lastIndexOf("-", startOf(there.value.items.at(-1))));
  return after(text, endOf(there), list(" ".repeat(column)));
}

/** Lines below a key that has nothing yet; an empty `{}` or `[]` makes room. */
function emptied(text: string, pair: Pair, added: string[]): Splice {
  const from = keyEnd(pair);
  const isWritten = isMap(pair.value) || isSeq(pair.value) || (isScalar(pair.value) && pair.value.source !== "");
  const to = isWritten ? endOf(pair) : from;
  const rest = /^[^\r\n]*/.exec(text.slice(to))?.[0] ?? "";
  return { from, to: to + rest.length, insert: [rest.trimEnd(), ...added].join(eolOf(text)) };
}

function isEmpty(value: unknown): boolean {
  if (isMap(value) || isSeq(value)) return value.items.length === 0;
  return value === null || value === undefined || (isScalar(value) && value.value === null);
}

/** Behind the colon. */
function keyEnd(pair: Pair): number {
  return endOf(pair.key) + 1;
}

function startOf(node: unknown): number {
  if (isMap(node) || isSeq(node) || isScalar(node)) return node.range?.[0] ?? 0;
  return 0;
}

/** Where the last thing in a node ends: a range of lines also holds what stands behind it. */
function endOf(node: unknown): number {
  if (isMap(node) && node.flow !== true && node.items.length > 0) return endOfMap(node);
  if (isSeq(node) && node.flow !== true && node.items.length > 0) return endOf(node.items.at(-1));
  if (isMap(node) || isSeq(node) || isScalar(node)) return node.range?.[1] ?? 0;
  if (typeof node !== "object" || node === null || !("key" in node)) return 0;
  const value = "value" in node ? node.value : undefined;
  const isWritten = isMap(value) || isSeq(value) || (isScalar(value) && value.source !== "");
  return isWritten ? endOf(value) : endOf(node.key) + 1;
}

function endOfMap(map: YAMLMap): number {
  return endOf(map.items.at(-1));
}

/** The whole lines from one place to another. */
function lines(text: string, from: number, to: number): Splice {
  const start = text.lastIndexOf("\n", from - 1) + 1;
  // A block scalar ends behind its line.
  const end = text.indexOf("\n", text[to - 1] === "\n" ? to - 1 : to);
  return { from: start, to: end === -1 ? text.length : end + 1, insert: "" };
}

/** New lines behind the line of a place. */
function after(text: string, place: number, added: string[]): Splice {
  const eol = eolOf(text);
  if (text === "" || (place === text.length && text.endsWith("\n")) || text[place - 1] === "\n")
    return { from: place, to: place, insert: added.join(eol) + eol };
  const end = /^[^\r\n]*/.exec(text.slice(place))?.[0].length ?? 0;
  return { from: place + end, to: place + end, insert: eol + added.join(eol) };
}

function columnOf(text: string, place: number): number {
  return place - (text.lastIndexOf("\n", place - 1) + 1);
}

function eolOf(text: string): string {
  return /\r?\n/.exec(text)?.[0] ?? "\n";
}

function spliced(text: string, { from, to, insert }: Splice): string {
  return text.slice(0, from) + insert + text.slice(to);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
