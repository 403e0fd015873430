import { leaveWord } from "../bridge/leave-word.ts";
import { runBridge } from "../bridge/run-bridge.ts";
import type { Config } from "../config/config.ts";
import { stateHome } from "../config/path.ts";
import { withSecretHeaders } from "../config/secret-headers.ts";
import { createIntake } from "../intake/intake.ts";
import { createLog } from "../log.ts";
import { realDisk } from "../store/disk.ts";
import { createStateDirectory } from "../store/state-directory.ts";
import { type Flags, optionsIn } from "./arguments.ts";
import { type Call, fail, print } from "./command.ts";
import { configFrom, type StartedBy } from "./config-from.ts";
import { identitiesFrom } from "./identities-from.ts";
import { openConfigured } from "./open-configured.ts";

/** `hookspan bridge`: as a user runs it, or with `--until-idle`, as a hook does. */
export async function bridge(call: Call): Promise<number> {
  const flags = optionsIn(call.args, {
    endpoint: { type: "string" },
    "log-level": { type: "string" },
    "until-idle": { type: "boolean" },
  });
  if (flags["until-idle"] !== true) return run(call, flags, "user");
  try {
    return await run(call, flags, "hook");
  } catch (error) {
    leaveWord(realDisk, () => stateHome(call.env), error);
    throw error;
  }
}

async function run({ env, version, untilAskedToLeave }: Call, flags: Flags, startedBy: StartedBy): Promise<number> {
  const untilIdle = startedBy === "hook";
  const config = configFrom(env, flags, startedBy);
  if (config.disabled) return print("", "hookspan is switched off by HOOKSPAN_DISABLED\n");
  const directory = createStateDirectory(realDisk, config.home);
  const log = createLog(
    untilIdle ? { level: config.logLevel, file: directory.log } : { level: config.logLevel, stream: "stderr" },
  );
  const read = (): Config => configFrom(env, flags, startedBy);
  const identities = identitiesFrom(config, directory, log);
  const end = await runBridge({
    disk: realDisk,
    directory,
    open: () => openConfigured({ config, directory, log, version, read, identities }),
    intake: createIntake({
      disk: realDisk,
      directory,
      config,
      read: () => withSecretHeaders(read()),
      learn: identities.learn,
      log,
    }),
    untilIdle,
    signal: untilAskedToLeave(),
    version,
    log,
  });
  if (end.status === "left") return 0;
  return untilIdle ? 0 : fail(`another bridge (pid ${end.pid}) has ${config.home}; stop it, or set HOOKSPAN_HOME`);
}
