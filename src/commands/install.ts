/** `hookspan install` and `hookspan uninstall` as they are typed. */

import { calledAs } from "../called-as.ts";
import { loadConfig } from "../config/config.ts";
import { ConfigError } from "../config/error.ts";
import { flagSettings } from "../config/flags.ts";
import { configFile } from "../config/path.ts";
import { AGENTS, type AgentName, isAgentName } from "../setup/agents.ts";
import { type HookAddress, hookAddress, TRANSPORTS } from "../setup/http-hook.ts";
import { install as installHooks, uninstall as uninstallHooks } from "../setup/install.ts";
import { removeState } from "../setup/purge.ts";
import { realDisk } from "../store/disk.ts";
import { stateDirectory } from "../store/state-directory.ts";
import { UsageError, wordsIn } from "./arguments.ts";
import type { Call } from "./command.ts";
import { configFrom } from "./config-from.ts";
import { flush, secondsIn } from "./flush.ts";
import { depsOf, ended, type Process, processOf, said } from "./setup-process.ts";

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
    endpoint: { type: "string" },
  });
  const agents = agentsIn(operands);
  const hookOnly = flags["hook-only"] === true;
  if (hookOnly && agents.length > 0) throw new UsageError("--hook-only registers nowhere, so it takes no agents");
  const scope = flags["project"] === true ? "project" : "user";
  const { running, node } = process;
  const hookspan = calledAs(running, process.env["PATH"] ?? "");
  const allowHermes = flags["allow-hermes"] === true;
  const transport = TRANSPORTS.find((one) => one === flags["transport"]);
  if (flags["transport"] !== undefined && transport === undefined)
    throw new UsageError(`--transport takes ${TRANSPORTS.join(" or ")}, not "${String(flags["transport"])}"`);
  const { endpoint } = flagSettings({ endpoint: flags["endpoint"]?.toString() });
  const configuration = endpoint === undefined ? undefined : { path: configFile(process.env), endpoint };
  const address = addressIn(process.env);
  const end = await installHooks(
    { agents, scope, hookOnly, transport, address, configuration, allowHermes, running, node, hookspan },
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

function purgeOf(call: Call, timeout: string): Purge {
  secondsIn(timeout);
  const { home } = configFrom(call.env, {}, "user");
  return {
    home,
    async run() {
      if ((await flush({ ...call, args: ["--close", "--timeout", timeout] })) !== 0)
        return `what ${home} holds could not be sent; the state is kept`;
      const left = removeState(realDisk, home);
      return left.length === 0 ? undefined : `${left.join(", ")}: not hookspan's; the state is kept`;
    },
  };
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
