/** A plan as a person reads it. */

import type { Change, Plan } from "./plan.ts";
import { textOf } from "./settings-file.ts";
import { unifiedDiff } from "./unified-diff.ts";

/** Each path with what becomes of it, then what stays and why. */
export function planText({ changes, unchanged, problems, notes }: Plan): string {
  const rows = [
    ...changes.map((change) => `${verbOf(change).padEnd(8)} ${placeOf(change)}  (${change.what})`),
    ...unchanged.map((path) => `${"keep".padEnd(8)} ${path}, as it should be already`),
    ...problems.map((problem) => `${"problem".padEnd(8)} ${problem}`),
    ...notes.map((note) => `${"note".padEnd(8)} ${note}`),
  ];
  return rows.map((row) => `${row}\n`).join("");
}

/** The settings that would change, line by line. */
export function planDiff({ changes }: Plan): string {
  const shown = changes.filter(({ kind }) => kind === "settings");
  return shown
    .map(({ path, before, after }) => unifiedDiff(path, before && textOf(before), after && textOf(after)))
    .join("");
}

function verbOf({ before, after }: Change): string {
  return after === undefined ? "remove" : before === undefined ? "create" : "change";
}

function placeOf({ path, real }: Change): string {
  return path === real ? path : `${path} -> ${real}`;
}
