import { rmdirSync } from "node:fs";

import { codeOf } from "../store/disk.ts";
import type { Plan } from "./plan.ts";
import { replaceSettings } from "./settings-file.ts";

/**
 * Makes a plan's changes, one after the other. @throws at the first that fails, with the file's name: what came before it is done,
 * and to run the command again does the rest.
 */
export function applyPlan({ changes, directories }: Plan): void {
  for (const change of changes) {
    try {
      replaceSettings(change);
    } catch (cause) {
      if (codeOf(cause) === undefined) throw cause;
      const why = `${change.path} cannot be written, and is as it was; mend that and run the command again`;
      throw new Error(why, { cause });
    }
  }
  for (const directory of directories) {
    try {
      rmdirSync(directory);
    } catch {
      // Something else is in it by now, or it is gone already.
    }
  }
}
