/**
 * An exporter that looks at the configuration again when its receiver would not take data: new credentials or another
 * endpoint need no restart. Only where and how to send is taken anew; what makes a series' identity is not.
 */

import { createHash } from "node:crypto";

import type { Config } from "../config/config.ts";
import type { Log } from "../log.ts";
import type { Exporter } from "../otlp/exporter.ts";
import type { Disk } from "../store/disk.ts";

export type Destination = Pick<Config, "endpoints" | "headers" | "timeoutMs" | "compression" | "tls">;

type Deps = {
  disk: Pick<Disk, "read">;
  /** As the bridge started. */
  destination: Destination;
  /** As it is configured now; throws if that cannot be used. */
  read: () => Destination;
  /** Throws if a TLS file cannot be read. */
  make: (destination: Destination) => Exporter;
  /** Why the configuration cannot be used as it is now; undefined if it can. True if that is news. */
  noteTrouble: (text: string | undefined) => boolean;
  log: Log;
};

/** @throws if a TLS file cannot be read. */
export function createReloadingExporter(deps: Deps): Exporter {
  const { log } = deps;
  let current = deps.make(deps.destination);
  let known = fingerprint(deps.disk, deps.destination);
  let isInDoubt = false;

  return {
    sendSpans: (batches) => watched((exporter) => exporter.sendSpans(batches)),
    sendMetrics: (points) => watched((exporter) => exporter.sendMetrics(points)),
    close: () => current.close(),
  };

  async function watched(send: (exporter: Exporter) => ReturnType<Exporter["sendSpans"]>): ReturnType<typeof send> {
    if (isInDoubt) reload();
    const outcome = await send(current);
    isInDoubt ||= outcome.status === "retry" || outcome.status === "unauthorized";
    return outcome;
  }

  function reload(): void {
    isInDoubt = false;
    try {
      const destination = deps.read();
      const next = fingerprint(deps.disk, destination);
      if (next !== known) {
        const before = current;
        current = deps.make(destination);
        known = next;
        // What is under way over the old connections comes to its end.
        void before.close();
        log.info("the configuration has changed; sending as it says now", { endpoint: destination.endpoints.traces });
      }
      deps.noteTrouble(undefined);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (deps.noteTrouble(text))
        log.error("the configuration cannot be used as it is now; sending as before", { reason: text });
    }
  }
}

/** Of the files too: a certificate is renewed under its old name. */
function fingerprint(
  disk: Pick<Disk, "read">,
  { tls, endpoints, headers, timeoutMs, compression }: Destination,
): string {
  const files = Object.values(tls).map((path) => createHash("sha256").update(disk.read(path)).digest("hex"));
  return JSON.stringify([endpoints, headers, timeoutMs, compression, tls, files]);
}
