/**
 * The intake: agents that speak HTTP, and forwarders in other processes, hand their events over without a process for each. What
 * it takes becomes the very envelopes that hooks write, in the same spool.
 */

import { randomUUID } from "node:crypto";

import type { Config } from "../config/config.ts";
import type { Log } from "../log.ts";
import type { Disk } from "../store/disk.ts";
import type { StateDirectory } from "../store/state-directory.ts";
import { createTroubleFile } from "../store/trouble-file.ts";
import { createRoom } from "./body.ts";
import type { IntakeAddress } from "./discovery.ts";
import { createEvents } from "./events.ts";
import type { Destination } from "./pass-through.ts";
import type { Sighting } from "./sighting.ts";
import { createTelemetry } from "./telemetry.ts";
import { startServer, type RunningServer } from "./server.ts";
import { newToken, persistentToken } from "./token.ts";
import { createWebhook } from "./webhook.ts";

export type Intake = {
  /**
   * Listens until it is closed. A port that is taken, by the bridge before this one perhaps, is tried again and again:
   * `onListening` says when clients can come.
   */
  open(options: { onListening: (address: IntakeAddress) => void; onActivity: () => void }): OpenIntake;
};

/** Closing answers what is under way and takes nothing more. */
export type OpenIntake = { close(): Promise<void> };

type Deps = {
  disk: Disk;
  directory: StateDirectory;
  config: Pick<Config, "intake" | "bounds" | "identity">;
  /** The configuration as it is now, for what is passed on. */
  read: () => Destination;
  /** What passing telemetry says of users, and when: milliseconds since the epoch. */
  learn: (sightings: readonly Sighting[], nowMs: number) => void;
  log: Log;
};

const AGAIN_MS = 2000;
/** Bodies of all requests together; at least two of the largest. */
const ROOM_BYTES = 64 * 1024 * 1024;

export function createIntake(deps: Deps): Intake {
  const { disk, directory, log } = deps;
  const { intake: settings, bounds } = deps.config;
  const troubles = createTroubleFile(disk, directory.trouble, Date.now);
  const events = createEvents(disk, directory.spool);
  const telemetry = createTelemetry({
    read: deps.read,
    learn: deps.config.identity.learn ? (sightings) => deps.learn(sightings, Date.now()) : undefined,
    log,
  });
  const webhook = createWebhook({ disk, directory, secretFile: settings.hermesSecretFile, nowMs: Date.now });

  return {
    open({ onListening, onActivity }) {
      let server: RunningServer | undefined;
      let timer: NodeJS.Timeout | undefined;
      let isClosed = !settings.enabled;
      let starting: Promise<void> | undefined;
      if (settings.enabled) listen();
      return {
        async close() {
          isClosed = true;
          clearTimeout(timer);
          await starting;
          // Nobody tries any more.
          if (settings.enabled && server === undefined) troubles.note("intake", undefined);
          await server?.close();
          await events.settled();
          await webhook.settled();
          telemetry.close();
        },
      };

      function listen(): void {
        starting = start().catch((error: unknown) => {
          const text = `${settings.host} port ${settings.port}: ${String(error)}`;
          if (troubles.note("intake", text))
            log.error("the intake cannot listen; hooks work all the same", { error: text });
          if (!isClosed) timer = setTimeout(listen, AGAIN_MS);
        });
      }

      async function start(): Promise<void> {
        const token = settings.port === 0 ? newToken() : persistentToken(disk, directory.intakeToken);
        const instance = randomUUID();
        server = await startServer({
          ...settings,
          token,
          instance,
          maxBytes: bounds.payloadBytes,
          room: createRoom(Math.max(ROOM_BYTES, 2 * bounds.payloadBytes)),
          screen: (route, request) => {
            if (route.kind === "webhook") return webhook.screen(request);
            return (route.kind === "telemetry" ? telemetry : events).screen(route, request);
          },
          serve: (route, request, body) => {
            onActivity();
            if (route.kind === "webhook") return webhook.serve(request, body);
            return route.kind === "telemetry"
              ? telemetry.serve(route.signal, request, body)
              : events.serve(route, request, body);
          },
          onError: (error) => log.error("a request to the intake failed", { error: String(error) }),
        });
        if (isClosed) return;
        troubles.note("intake", undefined);
        onListening({ url: `http://${dialable(settings.host)}:${server.port}`, token, instance });
      }
    },
  };
}

/** What listens everywhere is dialled here. */
function dialable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}
