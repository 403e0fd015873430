/** What the commands that set hookspan up take from their process, and how they end in it. */

import { resolve } from "node:path";

import { dataHome } from "../config/path.ts";
import { AGENTS, type Surroundings } from "../setup/agents.ts";
import type { SetupDeps, SetupEnd } from "../setup/carry-out.ts";
import { nativePath } from "../setup/command-line.ts";
import { UsageError } from "./arguments.ts";
import { type Call, fail } from "./command.ts";

/** What such a command takes. */
export type Process = {
  env: NodeJS.ProcessEnv;
  platform: NodeJS.Platform;
  /** Absolute. */
  directory: string;
  input: NodeJS.ReadableStream & { isTTY?: boolean };
  output: NodeJS.WritableStream & { isTTY?: boolean };
  /** The running bundle and the Node it runs in, absolute. */
  running: string;
  node: string;
};

/** The real one. */
export function processOf({ env, program }: Call): Process {
  const { platform, stdin: input, stdout: output, execPath: node } = process;
  return { env, platform, directory: process.cwd(), input, output, running: program, node };
}

/** What a command needs of the world, by its flags. */
export function depsOf(
  flags: Record<string, unknown>,
  { env, platform, directory, input, output }: Process,
): SetupDeps {
  const around: Surroundings = { env, platform, project: resolve(directory) };
  const data = nativePath(dataHome(env), platform);
  return { around, data, dryRun: flags["dry-run"] === true, yes: flags["yes"] === true, input, output };
}

/** What to say to stderr of an end; undefined if all is well. @throws UsageError */
export function said(end: SetupEnd, command: string): string | undefined {
  switch (end.status) {
    case "done":
      return undefined;
    case "partly":
      return 'not everything could be done; see the lines that begin with "problem"';
    case "declined":
      return "nothing was written";
    case "unasked":
      throw new UsageError(`there is no terminal to ask in: look with --dry-run, then \`hookspan ${command} --yes\``);
    case "nothing found":
      return `no agent found; name one to install for it anyway: ${AGENTS.join(", ")}`;
    case "unfinished":
      return end.reason;
  }
}

/** The exit code, with the reason said. */
export function ended(reason: string | undefined): number {
  return reason === undefined ? 0 : fail(reason);
}
