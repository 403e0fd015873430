/**
 * The intake: agents that speak HTTP, and forwarders in other processes, hand their events over without a process for each. What
 * it takes becomes the very envelopes that hooks write, in the same spool.
 */

import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

import { adapterFor } from "../adapter/registry.ts";
import type { Config } from "../config/config.ts";
import { formatEnvelope } from "../event/envelope.ts";
import type { Log } from "../log.ts";
import { createGroupPut, type GroupPut } from "../spool/put-group.ts";
import type { Disk } from "../store/disk.ts";
import type { StateDirectory } from "../store/state-directory.ts";
import { createTroubleFile } from "../store/trouble-file.ts";
import { createRoom, type Body } from "./body.ts";
import type { IntakeAddress } from "./discovery.ts";
import { frameRefusal, payloadRefusal, typeRefusal } from "./event-body.ts";
import { ACCEPTED, refused, type Reply } from "./reply.ts";
import type { Route } from "./route.ts";
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
  config: Pick<Config, "intake" | "bounds">;
  log: Log;
};

const AGAIN_MS = 2000;
/** Bodies of all requests together; at least two of the largest. */
const ROOM_BYTES = 64 * 1024 * 1024;

export function createIntake(deps: Deps): Intake {
  const { disk, directory, log } = deps;
  const { intake: settings, bounds } = deps.config;
  const troubles = createTroubleFile(disk, directory.trouble, Date.now);
  const group = createGroupPut(disk, directory.spool);
  const name = createNames();
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
          await server?.close();
          await group.settled();
          await webhook.settled();
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
          screen: (route, request) => (route.kind === "webhook" ? webhook.screen(request) : screen(route, request)),
          serve: (route, request, body) => {
            onActivity();
            if (route.kind === "webhook") return webhook.serve(request, body);
            return serve({ group, name }, route, request, body);
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

function screen(route: Route, request: IncomingMessage): Reply | undefined {
  switch (route.kind) {
    case "hook":
      if (adapterFor(route.agent) === undefined) return refused(404, "hookspan knows no agent of this name");
      return typeRefusal(request.headers["content-type"]);
    case "frame":
      return typeRefusal(request.headers["content-type"]);
    case "telemetry":
    case "webhook":
    case "health":
      return undefined;
  }
}

async function serve(
  { group, name }: { group: GroupPut; name: Names },
  route: Route,
  request: IncomingMessage,
  { plain }: Body,
): Promise<Reply> {
  if (route.kind === "health" || route.kind === "telemetry" || route.kind === "webhook")
    return refused(404, "not served");
  const refusal = route.kind === "frame" ? frameRefusal(plain) : payloadRefusal(plain);
  if (refusal !== undefined) return refusal;
  const { id, timeNs } = name.next();
  const envelope = formatEnvelope({
    id,
    agent: route.kind === "frame" ? "hermes" : route.agent,
    timeNs,
    env: {},
    payload: plain,
    ...contextOf(request),
    ...(route.kind === "hook" && route.event !== undefined ? { event: route.event } : {}),
  });
  try {
    await group.put(id, envelope);
    return ACCEPTED;
  } catch {
    return refused(503, "the state directory would not take it (is its disk full?); try again later", {
      "retry-after": "5",
    });
  }
}

function contextOf({ headers }: IncomingMessage): { traceparent?: string; tracestate?: string } {
  const { traceparent, tracestate } = headers;
  return {
    ...(typeof traceparent === "string" && traceparent.length <= 256 ? { traceparent } : {}),
    ...(typeof tracestate === "string" && tracestate.length <= 1024 ? { tracestate } : {}),
  };
}

type Names = { next(): { id: string; timeNs: bigint } };

/** Names that never recur, and that sort as they were given: within a millisecond the name decides the order. */
function createNames(): Names {
  const life = randomUUID();
  let count = 0;
  return {
    next() {
      count += 1;
      return { id: `${life}.${String(count).padStart(12, "0")}`, timeNs: BigInt(Date.now()) * 1_000_000n };
    },
  };
}

/** What listens everywhere is dialled here. */
function dialable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}
