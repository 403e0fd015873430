/** The command line: the only reader of argv, the only caller of process.exit. */

import { NewerStateError } from "./bridge/newer-state-error.ts";
import { UsageError } from "./commands/arguments.ts";
import { type Command, print } from "./commands/command.ts";
import { ConfigError } from "./config/error.ts";
import { HELP } from "./help.ts";
import { reasonOf } from "./reason-of.ts";
import { isDiskError } from "./store/disk.ts";

/** Set by the build. */
declare const HOOKSPAN_VERSION: string;

/** A command loads what it needs when it is called: `status` knows no exporter. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  install: async () => (await import("./commands/install.ts")).install,
  uninstall: async () => (await import("./commands/install.ts")).uninstall,
  config: async () => (await import("./commands/config.ts")).config,
  service: async () => (await import("./commands/service.ts")).service,
  bridge: async () => (await import("./commands/bridge.ts")).bridge,
  flush: async () => (await import("./commands/flush.ts")).flush,
  status: async () => (await import("./commands/status.ts")).status,
  doctor: async () => (await import("./commands/doctor.ts")).doctor,
  tail: async () => (await import("./commands/tail.ts")).tail,
  demo: async () => (await import("./commands/demo.ts")).demo,
  preview: async () => (await import("./commands/preview.ts")).preview,
  wrap: async () => (await import("./commands/wrap.ts")).wrap,
  context: async () => (await import("./commands/context.ts")).context,
};

// Who reads us may leave first (`hookspan demo | head`): that is no error.
process.stdout.on("error", (error) => process.exit("code" in error && error.code === "EPIPE" ? 0 : 1));

main().then(
  // What is still on its way to a pipe gets there first.
  (code) => process.stdout.write("", () => process.exit(code)),
  (error: unknown) => {
    const isExpected =
      error instanceof UsageError ||
      error instanceof ConfigError ||
      error instanceof NewerStateError ||
      isDiskError(error);
    const text = error instanceof Error && !isExpected ? (error.stack ?? error.message) : reasonOf(error);
    process.stderr.write(`hookspan: ${text}\n`);
    process.exit(error instanceof UsageError ? 2 : 1);
  },
);

async function main(): Promise<number> {
  const [name = "--help", ...args] = process.argv.slice(2);
  if (name === "--version") return print(`${HOOKSPAN_VERSION}\n`);
  if (name === "--help" || name === "-h" || name === "help")
    return print(HELP[args[0] ?? "hookspan"] ?? HELP["hookspan"] ?? "");
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined)
    throw new UsageError(`unknown command "${name}"; commands: ${Object.keys(COMMANDS).join(", ")}`);
  // Behind `--` it is another's.
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  if (own.includes("--help") || own.includes("-h")) return print(HELP[name] ?? "");
  const command = await load();
  return command({ args, env: process.env, version: HOOKSPAN_VERSION, program: __filename, untilAskedToLeave });
}

/** Asked once, the process leaves in good order; asked twice, at once. */
function untilAskedToLeave(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort();
    });
  }
  return controller.signal;
}
