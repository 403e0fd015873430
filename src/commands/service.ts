/** `hookspan service` as it is typed. */

import { loadConfig } from "../config/config.ts";
import { installService, serviceStatus, type ServiceStatus, uninstallService } from "../setup/service.ts";
import { serviceManager } from "../setup/service-manager.ts";
import { UsageError, wordsIn } from "./arguments.ts";
import type { Call } from "./command.ts";
import { depsOf, ended, type Process, processOf, said } from "./setup-process.ts";

/** `hookspan service`. */
export async function service(call: Call): Promise<number> {
  return ended(await serviceCommand(call.args, processOf(call)));
}

/** Gives what to say to stderr when something is not as asked; undefined if all is well. @throws UsageError, ConfigError */
export async function serviceCommand(args: string[], process: Process): Promise<string | undefined> {
  const { flags, operands } = wordsIn(args, { "dry-run": { type: "boolean" }, yes: { type: "boolean", short: "y" } });
  const [action, ...rest] = operands;
  if (rest.length > 0) throw new UsageError(`service ${action} takes no words behind it, not "${rest.join(" ")}"`);
  const deps = depsOf(flags, process);
  const manager = serviceManager(deps.around);
  if (manager === undefined)
    throw new UsageError(
      "service knows systemd on Linux and launchd on macOS; elsewhere have `hookspan bridge` kept running",
    );
  switch (action) {
    case "install":
      // What keeps a bridge from starting is said now, not in a log every few seconds.
      loadConfig({ env: process.env, ambientOtel: false, hookStarted: true });
      return said(await installService(manager, process.node, deps), "service install");
    case "uninstall":
      return said(await uninstallService(manager, deps), "service uninstall");
    case "status": {
      const status = await serviceStatus(manager, process.node, deps);
      process.output.write(statusText(status));
      return status.file === "complete" && status.state !== undefined
        ? undefined
        : "the service is not as it should be";
    }
    default:
      throw new UsageError("service takes install, uninstall or status");
  }
}

function statusText({ path, file, state, reason }: ServiceStatus): string {
  const words = {
    missing: "is not there; `hookspan service install` makes it",
    complete: "is as it should be",
    other: "is not as this version would make it; `hookspan service install` does",
  };
  return `${"file".padEnd(8)} ${path} ${words[file]}\n${"service".padEnd(8)} ${state ?? `not known to run (${reason ?? ""})`}\n`;
}
