/** One life of a bridge: a process that may die at any operation of its disk, with what it still has under way. */

import { openBridge, type OpenBridge } from "../../src/bridge/open-bridge.ts";
import { createLog } from "../../src/log.ts";
import type { Exporter } from "../../src/otlp/exporter.ts";
import type { Outcome } from "../../src/otlp/outcome.ts";
import type { Disk } from "../../src/store/disk.ts";
import type { StateDirectory } from "../../src/store/state-directory.ts";
import type { Receiver } from "./receiver.ts";

const BOUNDS = {
  spoolBytes: 2 ** 29,
  outboxBytes: 2 ** 29,
  quarantineBytes: 2 ** 26,
  payloadBytes: 2 ** 25,
  ageMs: 14 * 86_400_000,
};

export function openOn(disk: Disk, directory: StateDirectory, exporter: Exporter, logFile: string): OpenBridge {
  return openBridge({
    disk,
    directory,
    config: { bounds: BOUNDS, capture: "none", exclude: [], agents: undefined, mcpNames: {} },
    userPrices: undefined,
    exporter,
    isAlive: () => true,
    repositoryOf: () => undefined,
    about: { version: "0.0.0", osType: "linux" },
    log: createLog({ level: "error", file: logFile }),
  });
}

/**
 * The real exporter of a process that may be dead: then nothing leaves it any more. Tells the receiver which spans may
 * rightly come again: those whose answer was lost, or of which the process died before it could note the answer.
 */
export function mortalExporter(
  real: Exporter,
  receiver: Receiver,
  isDead: () => boolean,
): { exporter: Exporter; died(): void } {
  let unnoted: string[] = [];

  return {
    exporter: {
      async sendSpans(batches) {
        if (isDead()) throw new Error("a dead process sends nothing");
        const ids = batches.flatMap(({ spans }) => spans.map(({ spanId }) => spanId));
        const outcome = await real.sendSpans(batches);
        if (isDead() || !isTaken(outcome)) receiver.mayRepeat(ids);
        unnoted = ids;
        // What follows the answer without a pause, the note of it on disk, is done by then.
        setImmediate(() => {
          unnoted = [];
        });
        return outcome;
      },
      async sendMetrics(points) {
        if (isDead()) throw new Error("a dead process sends nothing");
        return real.sendMetrics(points);
      },
      close: () => Promise.resolve(),
    },
    died: () => receiver.mayRepeat(unnoted),
  };
}

function isTaken({ status }: Outcome): boolean {
  return status === "accepted" || status === "partly_rejected";
}

/** Takes in, ends and sends everything. */
export async function drain(
  { bridge, delivery, outbox }: OpenBridge,
  machine: { nowNs(): bigint; setClock(ns: bigint): void },
): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    machine.setClock(machine.nowNs() + 3_000_000_000n);
    bridge.step(machine.nowNs(), { commitNow: true });
  }
  bridge.closeAll(machine.nowNs());
  bridge.commit(machine.nowNs());
  // A busy machine may miss the deadline of a request.
  for (let i = 0; i < 20 && outbox.usage().items > 0; i += 1) await delivery.sendSpans();
  for (let i = 0; i < 20; i += 1) {
    if (await delivery.sendMetrics(machine.nowNs(), { everything: true, own: undefined })) return;
  }
  throw new Error("the receiver is up and does not take the last totals");
}
