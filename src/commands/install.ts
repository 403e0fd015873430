/** `hookspan install` and `hookspan uninstall` as they are typed. */

import { resolve } from "node:path";

import { loadConfig } from "../config/config.ts";
import { ConfigError } from "../config/error.ts";
import { dataHome } from "../config/path.ts";
import { AGENTS, type AgentName, isAgentName, type Surroundings } from "../setup/agents.ts";
import { nativePath } from "../setup/command-line.ts";
import { type HookAddress, hookAddress, TRANSPORTS } from "../setup/http-hook.ts";
import {
  install as installHooks,
  type SetupDeps,
  type SetupEnd,
  uninstall as uninstallHooks,
} from "../setup/install.ts";
import { removeState } from "../setup/purge.ts";
import { realDisk } from "../store/disk.ts";
import { stateDirectory } from "../store/state-directory.ts";
import { UsageError, wordsIn } from "./arguments.ts";
import { type Call, fail } from "./command.ts";
import { configFrom } from "./config-from.ts";
import { flush, secondsIn } from "./flush.ts";

/** What the two take from the process that they run in. */
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

/** Empties and removes the state directory `home`; gives the reason why it could not. */
export type Purge = { home: string; run: () => Promise<string | undefined> };

const COMMON = {
  "dry-run": { type: "boolean" },
  yes: { type: "boolean", short: "y" },
  project: { type: "boolean" },
} as const;

/** `hookspan install`. */
export async function install(call: Call): Promise<number> {
  return ended(await installCommand(call.args, processOf(call)));
}

/** `hookspan uninstall`. */
export async function uninstall(call: Call): Promise<number> {
  return ended(await uninstallCommand(call.args, processOf(call), (timeout) => purgeOf(call, timeout)));
}

/** Gives what to say to stderr when something is not as asked; undefined if all is well. @throws UsageError */
export async function installCommand(args: string[], process: Process): Promise<string | undefined> {
  const { flags, operands } = wordsIn(args, {
    ...COMMON,
    "allow-hermes": { type: "boolean" },
    "hook-only": { type: "boolean" },
    transport: { type: "string" },
  });
  const agents = agentsIn(operands);
  const hookOnly = flags["hook-only"] === true;
  if (hookOnly && agents.length > 0) throw new UsageError("--hook-only registers nowhere, so it takes no agents");
  const scope = flags["project"] === true ? "project" : "user";
  const { running, node } = process;
  const allowHermes = flags["allow-hermes"] === true;
  const transport = TRANSPORTS.find((one) => one === flags["transport"]);
  if (flags["transport"] !== undefined && transport === undefined)
    throw new UsageError(`--transport takes ${TRANSPORTS.join(" or ")}, not "${String(flags["transport"])}"`);
  const address = addressIn(process.env);
  const end = await installHooks(
    { agents, scope, hookOnly, transport, address, allowHermes, running, node },
    depsOf(flags, process),
  );
  return said(end, "install");
}

/** As `installCommand`. @throws UsageError */
export async function uninstallCommand(
  args: string[],
  process: Process,
  purge: (timeout: string) => Purge,
): Promise<string | undefined> {
  const { flags, operands } = wordsIn(args, { ...COMMON, purge: { type: "boolean" }, timeout: { type: "string" } });
  const agents = agentsIn(operands);
  const isPurge = flags["purge"] === true;
  const isProject = flags["project"] === true;
  if (isPurge && (agents.length > 0 || isProject))
    throw new UsageError("--purge removes the state of all agents, so it takes neither agents nor --project");
  const scope = isProject ? "project" : undefined;
  const end = await uninstallHooks(
    { agents, scope, purge: isPurge ? purge(String(flags["timeout"] ?? "30")) : undefined },
    depsOf(flags, process),
  );
  return said(end, "uninstall");
}

function processOf({ env, program }: Call): Process {
  const { platform, stdin: input, stdout: output, execPath: node } = process;
  return { env, platform, directory: process.cwd(), input, output, running: program, node };
}

function purgeOf(call: Call, timeout: string): Purge {
  secondsIn(timeout);
  const { home } = configFrom(call.env, {}, "user");
  return {
    home,
    async run() {
      if ((await flush({ ...call, args: ["--close", "--timeout", timeout] })) !== 0)
        return `what ${home} holds could not be sent`;
      const left = removeState(realDisk, home);
      return left.length === 0 ? undefined : `${left.join(", ")}: not hookspan's`;
    },
  };
}

function ended(reason: string | undefined): number {
  return reason === undefined ? 0 : fail(reason);
}

function agentsIn(operands: string[]): AgentName[] {
  return operands.map((name) => {
    if (isAgentName(name)) return name;
    throw new UsageError(`unknown agent "${name}"; agents: ${AGENTS.join(", ")}`);
  });
}

/** As the bridge would listen; commands need none of it, so a configuration that is wrong is no reason to end here. */
function addressIn(env: NodeJS.ProcessEnv): HookAddress {
  try {
    const { intake, home } = loadConfig({ env, ambientOtel: false, hookStarted: true });
    return hookAddress(intake, stateDirectory(home).intakeToken);
  } catch (error) {
    if (error instanceof ConfigError) return { status: "unfit", reason: error.message };
    throw error;
  }
}

function depsOf(flags: Record<string, unknown>, { env, platform, directory, input, output }: Process): SetupDeps {
  const around: Surroundings = { env, platform, project: resolve(directory) };
  const data = nativePath(dataHome(env), platform);
  return { around, data, dryRun: flags["dry-run"] === true, yes: flags["yes"] === true, input, output };
}

function said(end: SetupEnd, command: string): string | undefined {
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
    case "not purged":
      return `${end.reason}; the state is kept`;
  }
}
