import { flush as flushState } from "../bridge/flush.ts";
import { createLog } from "../log.ts";
import { realDisk } from "../store/disk.ts";
import { createStateDirectory } from "../store/state-directory.ts";
import { optionsIn, UsageError } from "./arguments.ts";
import { type Call, fail, print } from "./command.ts";
import { configFrom } from "./config-from.ts";
import { identitiesFrom } from "./identities-from.ts";
import { openConfigured } from "./open-configured.ts";

/** `hookspan flush`. */
export async function flush({ args, env, version }: Call): Promise<number> {
  const flags = optionsIn(args, {
    endpoint: { type: "string" },
    "log-level": { type: "string" },
    timeout: { type: "string" },
    close: { type: "boolean" },
  });
  const seconds = secondsIn(String(flags["timeout"] ?? "30"));
  const config = configFrom(env, { "log-level": "warn", ...flags }, "user");
  if (config.disabled) return print("", "hookspan is switched off by HOOKSPAN_DISABLED\n");
  const directory = createStateDirectory(realDisk, config.home);
  const log = createLog({ level: config.logLevel, stream: "stderr" });
  const end = await flushState({
    disk: realDisk,
    directory,
    // A request that would outlast the whole command is ended with it, and no span waits to be told whose it is.
    open: () => {
      const timeoutMs = Math.max(1, Math.min(config.timeoutMs, Math.round(seconds * 1000)));
      const unwaiting = { ...config, timeoutMs, identity: { ...config.identity, waitMs: 0 } };
      return openConfigured({
        config: unwaiting,
        identities: identitiesFrom(unwaiting, directory, log),
        directory,
        log,
        version,
        read: () => ({ ...configFrom(env, flags, "user"), timeoutMs }),
      });
    },
    timeoutMs: seconds * 1000,
    close: flags["close"] === true,
    log,
  });
  return end.status === "flushed" ? 0 : fail(`not flushed within ${seconds} s: ${end.reason}`);
}

/** What `--timeout` says. @throws UsageError */
export function secondsIn(timeout: string): number {
  const seconds = Number(timeout);
  if (seconds > 0) return seconds;
  throw new UsageError(`--timeout takes a number of seconds above 0, not "${timeout}"`);
}
