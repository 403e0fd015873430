/** How a plan is carried out: show, ask, do. */

import { createInterface } from "node:readline/promises";

import type { Surroundings } from "./agents.ts";
import { applyPlan } from "./apply-plan.ts";
import { planDiff, planText } from "./plan-text.ts";
import type { Plan } from "./plan.ts";

/** What the commands need of the world. */
export type SetupDeps = {
  around: Surroundings;
  /** Where the hook goes or is, absolute. */
  data: string;
  /** Shows the plan and does nothing. */
  dryRun: boolean;
  /** Goes ahead without asking. */
  yes: boolean;
  input: NodeJS.ReadableStream & { isTTY?: boolean };
  output: NodeJS.WritableStream & { isTTY?: boolean };
};

/**
 * `partly`: something had to be left alone, and was said. `unasked`: nobody there to ask, and no `--yes`. `unfinished`: the files
 * are as they should be, and what comes after them failed.
 */
export type SetupEnd =
  | { status: "done" | "partly" | "declined" | "unasked" | "nothing found" }
  | { status: "unfinished"; reason: string };

/** What happens around a plan's changes; `after` gives the reason why it could not be done. */
type Steps = {
  before?: (() => Promise<void>) | undefined;
  after?: (() => Promise<string | undefined>) | undefined;
};

/** Shows a plan, asks, and makes its changes, with the step before and the one after. */
export async function carryOut(plan: Plan, deps: SetupDeps, { before, after }: Steps = {}): Promise<SetupEnd> {
  deps.output.write(planText(plan));
  const end: SetupEnd = { status: plan.problems.length > 0 ? "partly" : "done" };
  if (plan.changes.length === 0 && (before ?? after) === undefined) {
    deps.output.write("nothing to change\n");
    return end;
  }
  if (deps.dryRun) {
    deps.output.write(`\n${planDiff(plan)}\ndry run: nothing was written\n`);
    return end;
  }
  if (!deps.yes) {
    if (!isTerminal(deps)) return { status: "unasked" };
    if (!(await ask("Go ahead? [y/N] ", deps))) return { status: "declined" };
  }
  await before?.();
  const last = plan.changes.filter(({ isLast }) => isLast);
  applyPlan({ ...plan, changes: plan.changes.filter(({ isLast }) => isLast === undefined), directories: [] });
  const reason = await after?.();
  if (reason !== undefined) return { status: "unfinished", reason };
  applyPlan({ ...plan, changes: last });
  deps.output.write("done\n");
  return end;
}

/** Whether somebody is there who can be asked. */
export function isTerminal({ input, output }: SetupDeps): boolean {
  return input.isTTY === true && output.isTTY === true;
}

/** Asks for a yes; anything else is a no. */
export async function ask(question: string, { input, output }: SetupDeps): Promise<boolean> {
  const lines = createInterface({ input, output });
  try {
    return /^y(?:es)?$/i.test((await lines.question(question)).trim());
  } finally {
    lines.close();
  }
}
