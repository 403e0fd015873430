/** Hermes runs a shell hook only if this file holds its event and command: the user's consent, written only with their word. */

import type { Handler } from "./json-hooks.ts";
import { childrenOf, memberOf, membersOf, parseJsonc, valueOf } from "./jsonc.ts";
import { appendTo, newText, removeFrom } from "./jsonc-edit.ts";
import type { Edited } from "./json-hooks.ts";

type Approval = { event: string; command: string };

/** The text with an approval for each hook. Those that are there stay as they are. */
export function withApprovals(text: string, hooks: Readonly<Record<string, Handler>>, at: Date): Edited {
  const wanted = Object.entries(hooks).map(([event, { command }]) => ({ event, command: String(command) }));
  const entry = (one: Approval) => ({ ...one, approved_at: at.toISOString(), script_mtime_at_approval: null });
  if (text.trim() === "") return { status: "edited", text: newText({ approvals: wanted.map(entry) }) };
  let current = text;
  for (;;) {
    const checked = approvalsIn(current);
    if (checked.status === "invalid") return checked;
    const { root, list } = checked;
    const known = childrenOf(list).map((node) => approvalOf(valueOf(node)));
    const missing = wanted.find((one) => !known.some((it) => it?.event === one.event && it.command === one.command));
    if (missing === undefined) return { status: "edited", text: current };
    current = list
      ? appendTo(current, list, undefined, entry(missing))
      : appendTo(current, root, "approvals", [entry(missing)]);
  }
}

/** The text without approvals of commands that are ours. */
export function withoutApprovals(text: string, isOurs: (command: string) => boolean): Edited {
  if (text.trim() === "") return { status: "edited", text };
  let current = text;
  for (;;) {
    const checked = approvalsIn(current);
    if (checked.status === "invalid") return checked;
    const { list } = checked;
    const ours = childrenOf(list).find((node) => isOurs(approvalOf(valueOf(node))?.command ?? ""));
    if (list === undefined || ours === undefined) return { status: "edited", text: current };
    current = removeFrom(current, list, ours);
  }
}

function approvalsIn(text: string) {
  const parsed = parseJsonc(text);
  if (parsed.status === "invalid") return parsed;
  const list = memberOf(parsed.root, "approvals");
  const isUsable = parsed.root.type === "object" && membersOf(parsed.root, "approvals").length < 2;
  if (!isUsable || (list !== undefined && list.type !== "array"))
    return { status: "invalid" as const, reason: "is no list of approvals" };
  return { status: "parsed" as const, root: parsed.root, list };
}

function approvalOf(value: unknown): Approval | undefined {
  if (typeof value !== "object" || value === null || !("event" in value) || !("command" in value)) return undefined;
  return { event: String(value.event), command: String(value.command) };
}
