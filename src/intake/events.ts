/** Payloads of agents and frames of forwarders: each becomes an envelope in the spool, as a hook would have written it. */

import type { IncomingMessage } from "node:http";

import { adapterFor } from "../adapter/registry.ts";
import { formatEnvelope } from "../event/envelope.ts";
import { createGroupPut } from "../spool/put-group.ts";
import type { Disk } from "../store/disk.ts";
import type { Body } from "./body.ts";
import { frameRefusal, payloadRefusal, typeRefusal } from "./event-body.ts";
import { ACCEPTED, refused, type Reply } from "./reply.ts";
import type { Route } from "./route.ts";

export type Events = {
  /** What the head of a request says against it. */
  screen(route: Route, request: IncomingMessage): Reply | undefined;
  /** Says 202 once the event would survive a power cut. */
  serve(route: Route, request: IncomingMessage, body: Body): Promise<Reply>;
  /** Resolves when nothing is on its way to the disk. */
  settled(): Promise<void>;
};

const MAX_TRACEPARENT = 256;
const MAX_TRACESTATE = 1024;

export function createEvents(disk: Disk, spool: string): Events {
  const group = createGroupPut(disk, spool);

  return {
    screen(route, { headers }) {
      if (route.kind === "hook" && adapterFor(route.agent) === undefined)
        return refused(404, "hookspan knows no agent of this name");
      return typeRefusal(headers["content-type"]);
    },
    async serve(route, request, { plain }) {
      const refusal = route.kind === "frame" ? frameRefusal(plain) : payloadRefusal(plain);
      if (refusal !== undefined) return refusal;
      const received = { ...agentOf(route), timeNs: BigInt(Date.now()) * 1_000_000n, env: {}, payload: plain };
      const context = contextOf(request);
      try {
        await group.put((id) => formatEnvelope({ id, ...received, ...context }));
        return ACCEPTED;
      } catch {
        return refused(503, "the state directory would not take it (is its disk full?); try again later", {
          "retry-after": "5",
        });
      }
    },
    settled: () => group.settled(),
  };
}

/** Frames come from Hermes only. */
function agentOf(route: Route): { agent: string; event?: string } {
  if (route.kind !== "hook") return { agent: "hermes" };
  return { agent: route.agent, ...(route.event === undefined ? {} : { event: route.event }) };
}

function contextOf({ headers }: IncomingMessage): { traceparent?: string; tracestate?: string } {
  const { traceparent, tracestate } = headers;
  return {
    ...(typeof traceparent === "string" && traceparent.length <= MAX_TRACEPARENT ? { traceparent } : {}),
    ...(typeof tracestate === "string" && tracestate.length <= MAX_TRACESTATE ? { tracestate } : {}),
  };
}
