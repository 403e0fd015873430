/**
 * The HTTP server of the intake. Every answer is one that the client can act on: 202 when an event is on disk, 4xx when sending
 * it again would not help, 429 and 503 when it would.
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

import { headRefusal, withBody, type Body, type Room } from "./body.ts";
import { forbidden, isAuthorized, isLoopbackAddress } from "./guard.ts";
import { proofOf } from "./proof.ts";
import { json, refused, type Reply } from "./reply.ts";
import { routeOf, type Route } from "./route.ts";

export type ServerOptions = {
  /** An IP address; `port` 0: whichever is free. */
  host: string;
  port: number;
  token: string;
  /** Who answers here; another one after each start. */
  instance: string;
  maxBytes: number;
  room: Room;
  /** What the head of a request says against its body, before that is read. */
  screen: (route: Route, request: IncomingMessage) => Reply | undefined;
  /** What becomes of a request that is authorised and complete. */
  serve: (route: Route, request: IncomingMessage, body: Body) => Promise<Reply>;
  /** Something went wrong that is no client's fault. */
  onError: (error: unknown) => void;
  /** Milliseconds that a client has for the head, and for all of its request. */
  patienceMs?: { head: number; whole: number };
};

export type RunningServer = {
  port: number;
  /** Takes no more requests; those under way are answered, if that is done within two seconds. */
  close(): Promise<void>;
};

const PATIENCE_MS = { head: 10_000, whole: 60_000 };
/** Longer than the pauses of a forwarder that is busy. */
const IDLE_MS = 65_000;
const CONNECTIONS = 512;
/** How long a refused client may go on sending, so that it gets to read why. */
const LINGER_MS = 2000;
const FAREWELL_MS = 2000;

/** @throws if the address cannot be listened on. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { head, whole } = options.patienceMs ?? PATIENCE_MS;
  const server = createServer({
    headersTimeout: head,
    requestTimeout: whole,
    keepAliveTimeout: IDLE_MS,
    connectionsCheckingInterval: Math.min(1000, head),
    maxHeaderSize: 16 * 1024,
  });
  server.maxConnections = CONNECTIONS;
  let port = 0;
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    void answer(options, port, request, response);
  };
  server.on("request", onRequest);
  // Nobody is told to go on before the token was seen.
  server.on("checkContinue", onRequest);
  server.on("clientError", onClientError);
  server.listen(options.port, options.host);
  await once(server, "listening");
  server.on("error", options.onError);
  port = portOf(server);
  return { port, close: () => closed(server) };
}

async function answer(
  options: ServerOptions,
  port: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const reply = await replyTo(options, port, request, response);
    if (reply !== undefined) give(reply, request, response);
  } catch (error) {
    options.onError(error);
    give(refused(503, "the bridge could not do that; try again", { "retry-after": "5" }), request, response);
  }
}

/** Undefined if nobody waits for it any more. */
async function replyTo(
  options: ServerOptions,
  port: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Reply | undefined> {
  const { token, instance, maxBytes, room } = options;
  const barred = forbidden(request.headers, !isLoopbackAddress(options.host));
  if (barred !== undefined) return barred;
  const route = routeOf(request.method ?? "", request.url ?? "");
  if ("status" in route) return route;
  if (route.kind === "health") {
    const proof = route.nonce === undefined ? {} : { proof: proofOf(token, port, route.nonce) };
    return json(200, { ok: true, instance, ...proof });
  }
  if (route.kind !== "webhook" && !isAuthorized(request.headers.authorization, token))
    return refused(401, "the Authorization header must be Bearer and the token of this intake", {
      "www-authenticate": "Bearer",
    });
  const refusal = options.screen(route, request) ?? headRefusal(request.headers, maxBytes);
  if (refusal !== undefined) return refusal;
  if (request.headers.expect !== undefined) response.writeContinue();
  const read = await withBody(request, { maxBytes, room }, (body) => options.serve(route, request, body));
  if (read.status === "gone") return undefined;
  // Hermes sends a webhook again after a 5xx, and after nothing else.
  return route.kind === "webhook" && read.reply.status === 429 ? { ...read.reply, status: 503 } : read.reply;
}

function give({ status, headers, body }: Reply, request: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent || response.destroyed) return;
  const isRead = request.complete || request.readableEnded;
  const length = { "content-length": body.length, "cache-control": "no-store" };
  response.writeHead(status, { ...length, ...headers, ...(isRead ? {} : { connection: "close" }) });
  if (isRead || hasNoBody(request)) {
    response.end(body);
    return;
  }
  // To close at once would make the client's system throw the answer away.
  response.write(body);
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  request.once("end", end).once("close", end).resume();
}

function hasNoBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] === undefined && Number(headers["content-length"] ?? 0) === 0;
}

/** What Node's parser refuses never becomes a request. */
function onClientError(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const [status, text] =
    error.code === "HPE_HEADER_OVERFLOW"
      ? ["431 Request Header Fields Too Large", "the head of the request is too large"]
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? ["408 Request Timeout", "the request took too long to arrive"]
        : ["400 Bad Request", "this is not HTTP/1.1"];
  const body = JSON.stringify({ error: text });
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

async function closed(server: Server): Promise<void> {
  const end = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), FAREWELL_MS);
  // What becomes idle from now on is closed, too.
  const sweep = setInterval(() => server.closeIdleConnections(), 20);
  await end;
  clearTimeout(timer);
  clearInterval(sweep);
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
