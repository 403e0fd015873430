/** Reading the words behind a command's name. */

import { parseArgs, type ParseArgsConfig } from "node:util";

/** A mistake on the command line: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export type Flags = Record<string, string | boolean | undefined>;

/** The options of a command that takes no operands. @throws UsageError */
export function optionsIn(args: string[], config: NonNullable<ParseArgsConfig["options"]>): Flags {
  return parsed(args, config, false).flags;
}

/** The options and operands of a command. @throws UsageError */
export function wordsIn(
  args: string[],
  config: NonNullable<ParseArgsConfig["options"]>,
): { flags: Flags; operands: string[] } {
  return parsed(args, config, true);
}

function parsed(args: string[], config: NonNullable<ParseArgsConfig["options"]>, allowPositionals: boolean) {
  try {
    const { values, positionals } = parseArgs({ args, options: config, strict: true, allowPositionals });
    const flags = Object.entries(values).map(([name, value]) => [
      name,
      typeof value === "string" || typeof value === "boolean" ? value : undefined,
    ]);
    return { flags: Object.fromEntries(flags), operands: positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
