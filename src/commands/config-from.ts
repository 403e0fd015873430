import { type Config, loadConfig } from "../config/config.ts";
import type { Flags } from "./arguments.ts";

/** Who decides what counts: a hook's environment is that of some project. */
export type StartedBy = "hook" | "user";

/** The configuration of a command, its options included. @throws ConfigError */
export function configFrom(env: NodeJS.ProcessEnv, flags: Flags, startedBy: StartedBy): Config {
  const hookStarted = startedBy === "hook";
  const text = (name: string): string | undefined => (typeof flags[name] === "string" ? flags[name] : undefined);
  return loadConfig({
    env,
    flags: { endpoint: text("endpoint"), logLevel: text("log-level"), capture: text("capture") },
    ambientOtel: !hookStarted,
    hookStarted,
  });
}
