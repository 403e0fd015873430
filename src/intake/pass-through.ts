/**
 * Other programs' telemetry on its way to the Collector: the same bytes, and the Collector's own answer. Nothing is kept here.
 * Where no answer can be had, the client is told to send it again, as OTLP has it: 503 and 504 are retried.
 */

import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

import type { Config } from "../config/config.ts";
import { readTls } from "../otlp/wire.ts";
import { codeOf } from "../store/disk.ts";
import { refused, type Reply } from "./reply.ts";
import type { Signal } from "./route.ts";

export type Destination = Pick<Config, "endpoints" | "headers" | "timeoutMs" | "tls">;

export type PassThrough = {
  /** Sends a body as it came. Never rejects. */
  pass(signal: Signal, request: IncomingMessage, body: Uint8Array): Promise<Reply>;
  close(): void;
};

type Way = { key: string; destination: Destination; http: HttpAgent; https: HttpsAgent };

const MAX_ANSWER_BYTES = 1024 * 1024;
const IDLE_MS = 15_000;
const REREAD_MS = 1000;
const AGAIN = { "retry-after": "5" };
/** Of the client's, what says how to read the body, and who it is. */
const KEPT = ["content-type", "content-encoding", "user-agent"] as const;
/** Of the Collector's answer. */
const ANSWERED = ["content-type", "content-encoding", "retry-after"] as const;
/** Names all who have passed it on already: an endpoint that leads back here, by way of others too, would be a ring. */
const VIA = "x-hookspan-via";

/** `read` gives the configuration as it is now; it is asked again after a failure. `name` is this intake's own. */
export function createPassThrough(read: () => Destination, name: string): PassThrough {
  let way: Way | undefined;
  let isInDoubt = true;
  let readMs = Number.NEGATIVE_INFINITY;

  return {
    async pass(signal, { headers }, body) {
      try {
        const { destination, http, https } = currentWay();
        const url = endpointOf(destination, signal);
        if (url === undefined)
          return refused(
            404,
            "no endpoint for logs is configured: set endpoints.logs, or endpoint instead of endpoints",
          );
        const passedBy = [headers[VIA] ?? []].flat().join(",").split(",").filter(Boolean);
        // Not 400: that would condemn the data, and a bridge whose own endpoint this is would throw its spans away.
        if (passedBy.includes(name)) return refused(421, "the configured endpoint leads back to this intake");
        const own = Object.fromEntries(
          Object.entries(destination.headers).map(([key, value]) => [key.toLowerCase(), value]),
        );
        const kept = Object.fromEntries(
          KEPT.flatMap((key) => (headers[key] === undefined ? [] : [[key, headers[key]]])),
        );
        const sent = { ...own, ...kept, "content-length": body.length, [VIA]: [...passedBy, name].join(",") };
        const reply = await exchange(new URL(url), { http, https }, sent, body, destination.timeoutMs);
        isInDoubt ||= reply.status === 401 || reply.status === 403 || reply.status === 404;
        return reply;
      } catch (error) {
        isInDoubt = true;
        return codeOf(error) === "ETIMEDOUT"
          ? refused(504, "the Collector did not answer in time; send it again", AGAIN)
          : refused(503, "the Collector cannot be reached; send it again", AGAIN);
      }
    },
    close() {
      way?.http.destroy();
      way?.https.destroy();
    },
  };

  /** What cannot be used as it is now leaves the way as it was. */
  function currentWay(): Way {
    const nowMs = performance.now();
    // Reading may run a command of the user's, and clients may come by the hundred.
    if (way === undefined || (isInDoubt && nowMs - readMs >= REREAD_MS)) {
      readMs = nowMs;
      try {
        const { endpoints, headers, timeoutMs, tls } = read();
        const destination = { endpoints, headers, timeoutMs, tls };
        const key = JSON.stringify(destination);
        if (key !== way?.key) way = wayTo(destination, key);
        isInDoubt = false;
      } catch (error) {
        if (way === undefined) throw error;
      }
    }
    return way;
  }
}

/** Of logs: configured, or beside that of traces. */
export function endpointOf({ endpoints }: Pick<Destination, "endpoints">, signal: Signal): string | undefined {
  if (signal !== "logs") return endpoints[signal];
  if (endpoints.logs !== undefined) return endpoints.logs;
  const url = new URL(endpoints.traces);
  if (!url.pathname.endsWith("/v1/traces")) return undefined;
  url.pathname = url.pathname.replace(/traces$/, "logs");
  return url.href;
}

function wayTo(destination: Destination, key: string): Way {
  const options = { keepAlive: true, timeout: IDLE_MS };
  return {
    key,
    destination,
    http: new HttpAgent(options),
    https: new HttpsAgent({ ...options, ...readTls(destination.tls) }),
  };
}

async function exchange(
  url: URL,
  agents: Pick<Way, "http" | "https">,
  headers: OutgoingHttpHeaders,
  body: Uint8Array,
  timeoutMs: number,
  isSecond = false,
): Promise<Reply> {
  const isTls = url.protocol === "https:";
  const options = { method: "POST", headers, agent: isTls ? agents.https : agents.http };
  const request = (isTls ? httpsRequest : httpRequest)(url, options);
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Reply>((resolve, reject) => {
      // Said here and not left to the request: one whose connection was given away says nothing any more.
      timer = setTimeout(() => {
        reject(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" }));
        request.destroy();
      }, timeoutMs);
      request.on("response", (response) => void replyFrom(response).then(resolve, reject));
      request.on("upgrade", (_, socket) => {
        reject(new Error("another protocol is no answer"));
        socket.destroy();
      });
      request.on("error", reject);
      request.end(body);
    });
  } catch (error) {
    // A kept connection that the Collector was just closing: nothing of this request was taken.
    if (request.reusedSocket && codeOf(error) === "ECONNRESET" && !isSecond)
      return await exchange(url, agents, headers, body, timeoutMs, true);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function replyFrom(response: IncomingMessage): Promise<Reply> {
  const { statusCode = 0 } = response;
  if (statusCode < 200 || statusCode > 599) {
    response.destroy();
    throw new Error(`${statusCode} is no answer`);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Buffer)) continue;
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) {
      response.destroy();
      throw new Error("the answer is too long");
    }
    chunks.push(chunk);
  }
  const headers = Object.fromEntries(
    ANSWERED.flatMap((key) => (response.headers[key] === undefined ? [] : [[key, response.headers[key]]])),
  );
  return { status: statusCode, headers, body: Buffer.concat(chunks) };
}
