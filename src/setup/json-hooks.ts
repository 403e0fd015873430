/**
 * Hooks in a settings file of JSON. Two forms: in `groups`, each event has a list of groups, and each group a list of
 * handlers; `flat`, each event has a list of handlers.
 */

import { isDeepStrictEqual } from "node:util";

import type { Node } from "jsonc-parser";

import { childrenOf, keyOf, memberOf, membersOf, parseJsonc, valueOf } from "./jsonc.ts";
import { appendTo, newText, removeFrom, replaceAt } from "./jsonc-edit.ts";

/** One hook as it stands in the file. */
export type Handler = Readonly<Record<string, unknown>>;

export type HookFile = {
  form: "groups" | "flat";
  /** Other keys of the root without which the agent takes no file. */
  root: Readonly<Record<string, unknown>>;
  /** True for a handler that hookspan put there, in whatever version. */
  isOurs(handler: Handler): boolean;
};

/** `reason` follows the path of the file in a sentence. */
export type Edited = { status: "edited"; text: string } | { status: "invalid"; reason: string };

/** What of ours stands in a text, in the order of the text. */
export type Found =
  | { status: "found"; handlers: { event: string; handler: Handler }[] }
  | { status: "invalid"; reason: string };

type Place = { event: Node; list: Node; group: Node | undefined; handlers: Node; node: Node };

/** The text with `wanted`, by event, and nothing else of ours. What stands there rightly already is not touched. */
export function withHooks(text: string, file: HookFile, wanted: Readonly<Record<string, Handler>>): Edited {
  if (text.trim() === "") return { status: "edited", text: newText({ ...file.root, hooks: lists(file, wanted) }) };
  const wrong = eventWithoutList(text, Object.keys(wanted));
  if (wrong !== undefined) return { status: "invalid", reason: `has something else than a list at "hooks.${wrong}"` };
  return edited(text, file, (current, root) => {
    const hooks = memberOf(root, "hooks");
    for (const [key, value] of Object.entries(file.root)) {
      if (memberOf(root, key) === undefined) return appendTo(current, root, key, value);
    }
    if (hooks === undefined) return appendTo(current, root, "hooks", lists(file, wanted));
    const seen = new Set<string>();
    for (const place of oursIn(hooks, file)) {
      const event = keyOf(place.event);
      const handler = wanted[event];
      if (handler === undefined || seen.has(event)) return withoutPlace(current, root, hooks, place, undefined);
      seen.add(event);
      if (!isDeepStrictEqual(valueOf(place.node), handler)) return replaceAt(current, place.node, handler);
    }
    for (const [event, handler] of Object.entries(wanted)) {
      if (seen.has(event)) continue;
      const list = memberOf(hooks, event);
      return list === undefined
        ? appendTo(current, hooks, event, [entry(file, handler)])
        : appendTo(current, list, undefined, entry(file, handler));
    }
    return undefined;
  });
}

/**
 * The text without anything of ours. What becomes empty by that goes too, unless it stands in `before`, the text as it was
 * before hookspan came.
 */
export function withoutHooks(text: string, file: HookFile, before?: string): Edited {
  if (text.trim() === "") return { status: "edited", text };
  const known = before === undefined ? undefined : parseJsonc(before);
  const original = known?.status === "parsed" ? known.root : undefined;
  const took = edited(text, file, (current, root) => {
    const hooks = memberOf(root, "hooks");
    const place = hooks && oursIn(hooks, file)[0];
    return hooks && place ? withoutPlace(current, root, hooks, place, original) : undefined;
  });
  return took.status === "edited" && original !== undefined ? withoutRoot(took.text, file, original) : took;
}

/** What of ours stands in a text. */
export function hooksIn(text: string, file: HookFile): Found {
  if (text.trim() === "") return { status: "found", handlers: [] };
  const checked = checkedRoot(text);
  if (checked.status === "invalid") return checked;
  const places = oursIn(memberOf(checked.root, "hooks"), file);
  return {
    status: "found",
    handlers: places.map(({ event, node }) => ({ event: keyOf(event), handler: handlerOf(node) })),
  };
}

/** The value of a settings file without anything of ours and without lists that hold nothing: what an edit must not change. */
export function othersIn(value: unknown, file: HookFile): unknown {
  if (!isRecord(value)) return value;
  const { hooks, ...rest } = value;
  const others = Object.entries(isRecord(hooks) ? hooks : {}).flatMap(([event, list]) => {
    if (!Array.isArray(list)) return [[event, list]];
    const left = list.flatMap((one: unknown) => {
      if (!isRecord(one)) return [one];
      const inner = one["hooks"];
      if (file.form === "flat" || !Array.isArray(inner)) return file.isOurs(one) ? [] : [one];
      const kept = inner.filter((handler) => !isRecord(handler) || !file.isOurs(handler));
      return kept.length === 0 ? [] : [{ ...one, hooks: kept }];
    });
    return left.length === 0 ? [] : [[event, left]];
  });
  const added = Object.entries(file.root).filter(([key]) => !(key in rest));
  return {
    ...rest,
    ...Object.fromEntries(added),
    hooks: isRecord(hooks) || hooks === undefined ? Object.fromEntries(others) : hooks,
  };
}

/** Takes one step after another until none is left, and holds the result against the beginning. */
function edited(text: string, file: HookFile, step: (text: string, root: Node) => string | undefined): Edited {
  const start = checkedRoot(text);
  if (start.status === "invalid") return start;
  let current = text;
  for (let left = 10_000; left > 0; left--) {
    const checked = checkedRoot(current);
    if (checked.status === "invalid") break;
    const next = step(current, checked.root);
    if (next === undefined) {
      const isKept = isDeepStrictEqual(othersIn(checked.value, file), othersIn(start.value, file));
      if (isKept) return { status: "edited", text: current };
      break;
    }
    current = next;
  }
  return {
    status: "invalid",
    reason: "is laid out so that hookspan cannot edit it without touching the rest; edit it by hand",
  };
}

function checkedRoot(text: string) {
  const parsed = parseJsonc(text);
  if (parsed.status === "invalid") return parsed;
  const { root } = parsed;
  if (root.type !== "object") return invalid("holds no JSON object");
  if (membersOf(root, "hooks").length > 1) return invalid('has the key "hooks" twice');
  const hooks = memberOf(root, "hooks");
  if (hooks === undefined) return parsed;
  if (hooks.type !== "object") return invalid('has something else than an object at "hooks"');
  const keys = childrenOf(hooks).map(keyOf);
  const twice = keys.find((key, at) => keys.indexOf(key) !== at);
  if (twice !== undefined) return invalid(`has the key "hooks.${twice}" twice`);
  return parsed;
}

function invalid(reason: string): { status: "invalid"; reason: string } {
  return { status: "invalid", reason };
}

function eventWithoutList(text: string, events: string[]): string | undefined {
  const parsed = parseJsonc(text);
  const hooks = parsed.status === "parsed" ? memberOf(parsed.root, "hooks") : undefined;
  return events.find((event) => (memberOf(hooks, event)?.type ?? "array") !== "array");
}

function oursIn(hooks: Node | undefined, file: HookFile): Place[] {
  const places = childrenOf(hooks).flatMap((event): Place[] => {
    const list = event.children?.[1];
    if (list?.type !== "array") return [];
    if (file.form === "flat")
      return childrenOf(list).map((node) => ({ event, list, group: undefined, handlers: list, node }));
    return childrenOf(list).flatMap((group) => {
      const handlers = memberOf(group, "hooks");
      return handlers === undefined ? [] : childrenOf(handlers).map((node) => ({ event, list, group, handlers, node }));
    });
  });
  return places.filter(({ node }) => node.type === "object" && file.isOurs(handlerOf(node)));
}

function handlerOf(node: Node): Handler {
  const value = valueOf(node);
  return isRecord(value) ? value : {};
}

function withoutPlace(text: string, root: Node, hooks: Node, place: Place, original: Node | undefined): string {
  const { event, list, group, handlers, node } = place;
  const before = memberOf(original, "hooks");
  if (!isAlone(handlers)) return removeFrom(text, handlers, node);
  if (group !== undefined && !isAlone(list)) return removeFrom(text, list, group);
  if (memberOf(before, keyOf(event)) !== undefined) return removeFrom(text, list, group ?? node);
  if (!isAlone(hooks) || before !== undefined) return removeFrom(text, hooks, event);
  const [member] = membersOf(root, "hooks");
  return member === undefined ? text : removeFrom(text, root, member);
}

function isAlone(container: Node): boolean {
  return childrenOf(container).length === 1;
}

/** Takes out the keys of the root that the file did not have. */
function withoutRoot(text: string, file: HookFile, original: Node): Edited {
  return Object.keys(file.root).reduce<Edited>(
    (so, key) => {
      const parsed = so.status === "edited" ? parseJsonc(so.text) : so;
      if (so.status === "invalid" || parsed.status === "invalid" || memberOf(original, key) !== undefined) return so;
      const [member] = membersOf(parsed.root, key);
      return member === undefined ? so : { status: "edited", text: removeFrom(so.text, parsed.root, member) };
    },
    { status: "edited", text },
  );
}

function lists(file: HookFile, wanted: Readonly<Record<string, Handler>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(wanted).map(([event, handler]) => [event, [entry(file, handler)]]));
}

function entry(file: HookFile, handler: Handler): unknown {
  return file.form === "groups" ? { hooks: [handler] } : handler;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
