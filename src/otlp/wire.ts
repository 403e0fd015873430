import { AsyncLocalStorage } from "node:async_hooks";
import { readFileSync } from "node:fs";
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent } from "node:https";

/** Paths of PEM files. */
export type TlsFiles = { ca?: string; cert?: string; key?: string };

/**
 * The one request of one export, and its answer as soon as the head of it is there. The body is the exporter's to read.
 * `hasConnected`: something of the request may have reached the receiver.
 */
type Exchange = { request?: ClientRequest; response?: IncomingMessage; hasConnected: boolean; isOver: boolean };

export type Wire = {
  /** For the exporter's `httpAgentOptions`: one agent for each protocol, shared by both signals. */
  agent: (protocol: string) => HttpAgent;
  /** Runs one export; its request is seen in `exchange` while it goes on, and torn down if it is still open at the end. */
  exchange<T>(send: (exchange: Exchange) => Promise<T>): Promise<T>;
  /** Closes all connections. */
  close(): void;
};

/** Shorter than the idle time of any common receiver, so that a request seldom meets a connection that is being closed. */
const IDLE_MS = 15_000;

/**
 * Watches the official exporter's requests through the HTTP agent that it takes, for what it hides: the status and the
 * Retry-After of answers that it would retry itself. It also sees to it that one export is one request, without the
 * exporter's idle timeout: the caller's deadline is the only clock.
 *
 * @throws if a TLS file cannot be read.
 */
export function createWire(tls: TlsFiles): Wire {
  const exchanges = new AsyncLocalStorage<Exchange>();
  const options = { keepAlive: true, timeout: IDLE_MS };
  const http = watched(new HttpAgent(options), exchanges);
  const https = watched(new HttpsAgent({ ...options, ...readTls(tls) }), exchanges);

  return {
    agent: (protocol) => (protocol === "http:" ? http : https),
    exchange: async (send) => {
      const exchange: Exchange = { hasConnected: false, isOver: false };
      try {
        return await exchanges.run(exchange, () => send(exchange));
      } finally {
        exchange.isOver = true;
        if (exchange.response?.complete !== true) exchange.request?.destroy();
      }
    },
    close: () => {
      http.destroy();
      https.destroy();
    },
  };
}

/** @throws if a file cannot be read. */
export function readTls(tls: TlsFiles): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  return {
    ...(tls.ca === undefined ? {} : { ca: readPem("ca", tls.ca) }),
    ...(tls.cert === undefined ? {} : { cert: readPem("cert", tls.cert) }),
    ...(tls.key === undefined ? {} : { key: readPem("key", tls.key) }),
  };
}

function readPem(name: keyof TlsFiles, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Error(`cannot read tls.${name} from ${path}: check the path in the configuration`, {
      cause,
    });
  }
}

type RequestTaker = { addRequest: (request: ClientRequest, ...rest: unknown[]) => void };

function watched<A extends HttpAgent>(agent: A, exchanges: AsyncLocalStorage<Exchange>): A {
  if (!takesRequests(agent)) throw new Error("Agent.addRequest is missing: use Node 20 to 24");
  const addRequest = agent.addRequest.bind(agent);
  agent.addRequest = (request, ...rest) => {
    const exchange = exchanges.getStore();
    if (exchange) watch(request, exchange);
    addRequest(request, ...rest);
  };
  return agent;
}

/** `http.request` hands every request to `addRequest` of its agent; the type declarations leave that method out. */
function takesRequests(agent: HttpAgent): agent is HttpAgent & RequestTaker {
  return "addRequest" in agent && typeof agent.addRequest === "function";
}

function watch(request: ClientRequest, exchange: Exchange): void {
  // The exporter calls this next, with a timeout that is there only to rule out its own retries. The one retry that can
  // still come (Retry-After: 0, answered within a millisecond) may bring a negative one, on which Node throws before the
  // exporter listens for errors; hence a listener of our own too, or a torn down request would end the process.
  request.setTimeout = () => request;
  request.on("error", () => undefined);
  if (exchange.isOver || exchange.request !== undefined) {
    request.destroy(new Error("one export is one request"));
    return;
  }
  exchange.request = request;
  request.once("socket", (socket) => {
    exchange.hasConnected = !socket.connecting;
    // A kept connection never connects again: a listener for each of its requests would stay with it.
    if (socket.connecting)
      socket.once("connect", () => {
        exchange.hasConnected = true;
      });
  });
  request.once("response", (response: IncomingMessage) => {
    exchange.response = response;
  });
}
