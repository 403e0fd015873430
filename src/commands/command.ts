/** What a command is, and what it is given of the process that it runs in. */

/** Gives the exit code. @throws UsageError, ConfigError and the disk's errors, which `cli.ts` tells. */
export type Command = (call: Call) => Promise<number>;

export type Call = {
  /** The words behind the command's name. */
  args: string[];
  env: NodeJS.ProcessEnv;
  /** hookspan's own. */
  version: string;
  /** The running bundle, absolute. */
  program: string;
  /** Aborted when the user or the system asks the process to leave. Asked twice, it leaves at once. */
  untilAskedToLeave: () => AbortSignal;
};

/** Prints; gives the exit code of success. */
export function print(text: string, error = ""): number {
  process.stdout.write(text);
  process.stderr.write(error);
  return 0;
}

/** Says why something was not done; gives the exit code of failure. */
export function fail(reason: string): number {
  process.stderr.write(`hookspan: ${reason}\n`);
  return 1;
}
