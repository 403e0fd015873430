/**
 * A stand-in Collector: takes OTLP/HTTP with JSON bodies and hands them on. It answers 200 only after the handler has
 * taken the body, so that what a sender knows to be accepted has been seen.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

/** What a handler makes of a parsed body; `refused` is answered with 400. */
export type Taken = { status: "taken" } | { status: "refused"; reason: string };

/**
 * `port` 0 takes a free one. `host` should stay on loopback: nothing here asks who is sending. `next`: base URL of a Collector
 * that gets each request first; what it refuses is refused, and not shown.
 */
export type ReceiverOptions = {
  host?: string;
  port: number;
  next?: string;
  onTraces: (body: unknown) => Taken;
  onMetrics: (body: unknown) => Taken;
};

type Listening = { status: "listening"; url: string } | { status: "failed"; reason: string };

export type Receiver = { listen: () => Promise<Listening>; close: () => Promise<void> };

export function createReceiver(options: ReceiverOptions): Receiver {
  const host = options.host ?? "127.0.0.1";
  const routes = new Map([
    ["/v1/traces", options.onTraces],
    ["/v1/metrics", options.onMetrics],
  ]);
  const server = createServer((request, response) => {
    handle(request, routes, options.next).then(
      (answer) => send(response, answer),
      // A sender that leaves in the middle of its body gets no answer; whatever else fails shall reach the sender.
      (error: unknown) =>
        request.complete ? send(response, { code: 500, message: String(error) }) : response.destroy(),
    );
  });
  return {
    listen: () =>
      new Promise((resolve) => {
        server.once("error", (error) => resolve({ status: "failed", reason: explain(error, host, options.port) }));
        server.listen(options.port, host, () => {
          const address = server.address();
          const port = address !== null && typeof address === "object" ? address.port : options.port;
          resolve({
            status: "listening",
            url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
          });
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const BODY_LIMIT = 20 * 1024 * 1024;

const unzip = promisify(gunzip);

/** `message` is absent where all went well: OTLP wants an empty response object then. */
type Answer = { code: number; message?: string };

async function handle(
  request: IncomingMessage,
  routes: Map<string, (body: unknown) => Taken>,
  next: string | undefined,
): Promise<Answer> {
  const refusal = refuse(request, routes);
  if (refusal) {
    request.resume();
    return refusal;
  }
  const sent = await readBody(request);
  if (sent === undefined) return TOO_LARGE;
  const body = request.headers["content-encoding"] === "gzip" ? await inflate(sent) : sent;
  if (!Buffer.isBuffer(body)) return body;
  const parsed = parse(body);
  if (parsed.status === "malformed") return { code: 400, message: "the body is not JSON" };
  const passed = next === undefined ? { code: 200 } : await pass(`${next}${pathOf(request)}`, body);
  if (passed.code !== 200) return passed;
  const taken = routes.get(pathOf(request))?.(parsed.value) ?? { status: "taken" };
  return taken.status === "taken" ? { code: 200 } : { code: 400, message: taken.reason };
}

function refuse(request: IncomingMessage, routes: Map<string, unknown>): Answer | undefined {
  // A browser says where its page comes from; no page has anything to send here.
  if (request.headers.origin !== undefined) return { code: 403, message: "requests of web pages are not taken" };
  const path = pathOf(request);
  if (!routes.has(path))
    return {
      code: 404,
      message: `nothing at ${path}; OTLP/HTTP is taken at ${[...routes.keys()].join(" and ")}`,
    };
  if (request.method !== "POST") return { code: 405, message: "only POST is taken" };
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    return {
      code: 415,
      message: `content type "${type}" is not taken, only application/json; set the exporter's protocol to http/json`,
    };
  }
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "gzip" && encoding !== "identity")
    return { code: 415, message: `content encoding "${encoding}" is not taken, only gzip` };
  return undefined;
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?")[0] ?? "";
}

/** The whole body, or undefined if it is too large. The rest is read and dropped: the sender then sees the answer. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size <= BODY_LIMIT) chunks.push(bytes);
    else chunks.length = 0;
  }
  return size <= BODY_LIMIT ? Buffer.concat(chunks) : undefined;
}

const TOO_LARGE: Answer = { code: 413, message: `the body is larger than ${BODY_LIMIT} bytes` };

async function inflate(bytes: Buffer): Promise<Buffer | Answer> {
  try {
    return await unzip(bytes, { maxOutputLength: BODY_LIMIT });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") return TOO_LARGE;
    return { code: 400, message: "the body is not gzip" };
  }
}

function parse(body: Buffer): { status: "parsed"; value: unknown } | { status: "malformed" } {
  try {
    return { status: "parsed", value: JSON.parse(body.toString("utf8")) };
  } catch {
    return { status: "malformed" };
  }
}

/** A Collector that cannot be reached is one that may come back: 503, which a sender tries again. */
async function pass(url: string, body: Buffer): Promise<Answer> {
  try {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(url, { method: "POST", headers, body: new Uint8Array(body) });
    const text = await answer.text();
    return answer.ok ? { code: 200 } : { code: answer.status, message: text };
  } catch (error) {
    return { code: 503, message: `nothing answers at ${url}: ${String(error)}` };
  }
}

function send(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.code, { "content-type": "application/json" });
  response.end(JSON.stringify(answer.message === undefined ? {} : { message: answer.message }));
}

function explain(error: Error, host: string, port: number): string {
  const code = "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") return `port ${port} is taken, probably by a Collector; use --port to take another one`;
  if (code === "EACCES") return `port ${port} may not be opened by this user; use --port with a number above 1023`;
  return `cannot listen on ${host}, port ${port}: ${error.message}`;
}
