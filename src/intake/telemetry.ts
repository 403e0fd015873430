/** Telemetry of agents themselves: what it says of users is learned, and all of it is passed on as it came. */

import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

import type { Log } from "../log.ts";
import type { Body } from "./body.ts";
import { toldInJson } from "./otlp-json-told.ts";
import { toldInProtobuf } from "./otlp-protobuf-told.ts";
import { createPassThrough, type Destination } from "./pass-through.ts";
import { refused, type Reply } from "./reply.ts";
import type { Route, Signal } from "./route.ts";
import { sightingsOf, type Sighting } from "./sighting.ts";

export type Telemetry = {
  /** What the head of a request says against it. */
  screen(route: Route, request: IncomingMessage): Reply | undefined;
  /** Answers as the Collector does. */
  serve(signal: Signal, request: IncomingMessage, body: Body): Promise<Reply>;
  close(): void;
};

type Deps = { read: () => Destination; learn: ((sightings: readonly Sighting[]) => void) | undefined; log: Log };

const JSON_TYPE = /^application\/json(?:\s*;.*)?$/i;
const PROTOBUF_TYPE = /^application\/x-protobuf(?:\s*;.*)?$/i;

export function createTelemetry({ read, learn, log }: Deps): Telemetry {
  const passThrough = createPassThrough(read, randomUUID());
  return {
    screen(_route, { headers }) {
      const type = headers["content-type"] ?? "";
      if (JSON_TYPE.test(type) || PROTOBUF_TYPE.test(type)) return undefined;
      return refused(415, "the Content-Type must be application/json or application/x-protobuf");
    },
    async serve(signal, request, { sent, plain }) {
      if (learn !== undefined) {
        try {
          const isJson = JSON_TYPE.test(request.headers["content-type"] ?? "");
          learn(sightingsOf(isJson ? toldInJson(plain) : toldInProtobuf(signal, plain)));
        } catch (error) {
          // Only the kind of the error: its text may quote the body. The Collector has its own word on it.
          log.warn("telemetry could not be read", { signal, error: error instanceof Error ? error.name : "" });
        }
      }
      return passThrough.pass(signal, request, sent);
    },
    close: () => passThrough.close(),
  };
}
