import type { Config } from "../config/config.ts";
import { withSecretHeaders } from "../config/secret-headers.ts";
import { readUserPrices } from "../config/user-prices.ts";
import type { Identities } from "../bridge/identities.ts";
import { openBridge, type OpenBridge } from "../bridge/open-bridge.ts";
import { birthOf, isAlive } from "../bridge/process-alive.ts";
import { createReloadingExporter } from "../bridge/reloading-exporter.ts";
import { createRepositoryNames } from "../bridge/repository.ts";
import type { Log } from "../log.ts";
import { createExporter } from "../otlp/exporter.ts";
import { realDisk } from "../store/disk.ts";
import { loadInstanceId } from "../store/instance-id.ts";
import type { StateDirectory } from "../store/state-directory.ts";
import { createTroubleFile } from "../store/trouble-file.ts";

type Options = {
  config: Config;
  directory: StateDirectory;
  log: Log;
  version: string;
  /** The configuration as it is now, where the receiver refuses us. */
  read: () => Config;
  identities: Identities;
};

/** A bridge over the real disk and network, as the configuration wants it. Whoever opens one must hold the directory's lock. */
export function openConfigured({ config, directory, log, version, read, identities }: Options): OpenBridge {
  const about = { version, osType: process.platform === "win32" ? "windows" : process.platform };
  const instanceId = loadInstanceId(realDisk, directory.instanceId, config.instance);
  const troubles = createTroubleFile(realDisk, directory.trouble, Date.now);
  const exporter = createReloadingExporter({
    disk: realDisk,
    destination: withSecretHeaders(config),
    read: () => withSecretHeaders(read()),
    make: (destination) =>
      createExporter({
        ...destination,
        ...about,
        instanceId,
        userResource: config.resource,
        identityOf: (sessionId) => identities.attributesOf(sessionId, Date.now()),
      }),
    noteTrouble: (text) => troubles.note("configuration", text),
    log,
  });
  const opened = openBridge({
    disk: realDisk,
    directory,
    config,
    userPrices: readUserPrices(config.prices),
    exporter,
    isAlive,
    birthOf,
    repositoryOf: createRepositoryNames(),
    identities,
    about,
    log,
  });
  troubles.note("bridge", undefined);
  return opened;
}
