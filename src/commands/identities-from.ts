import { homedir, hostname } from "node:os";

import { gitIdentity } from "../bridge/git-identity.ts";
import { createIdentities, type Identities } from "../bridge/identities.ts";
import type { Config } from "../config/config.ts";
import type { Log } from "../log.ts";
import { realDisk } from "../store/disk.ts";
import type { StateDirectory } from "../store/state-directory.ts";

/** Who the user is, as the configuration wants it told, on this machine. */
export function identitiesFrom(config: Config, directory: StateDirectory, log: Log): Identities {
  return createIdentities({
    disk: realDisk,
    directory,
    config,
    host: hostname(),
    git: () => gitIdentity(homedir(), process.env["XDG_CONFIG_HOME"]),
    log,
  });
}
