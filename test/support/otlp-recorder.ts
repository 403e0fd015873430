import { readFileSync } from "node:fs";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { parseOtlp, type OtlpBody } from "./otlp-json.ts";

/** One request as it arrived; `body` is its JSON, gunzipped. */
export type RecordedRequest = {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** Number of the TCP connection, from 1. */
  connection: number;
  bytes: number;
  body: OtlpBody;
};

/**
 * `drip`: the head, then a byte of body every few milliseconds, for ever. `silence`: nothing, ever. `reset`: the connection
 * is torn down, after the head and half a body if `status` is given.
 */
export type Answer = {
  status?: number;
  headers?: Record<string, string | number>;
  body?: string;
  manner?: "whole" | "drip" | "silence" | "reset";
};

type Answering = (request: RecordedRequest) => Answer | Promise<Answer>;

export type OtlpRecorder = {
  url: string;
  endpoints: { traces: string; metrics: string };
  requests: RecordedRequest[];
  /** How to answer from now on; at first 200 with an empty partial success, as the Collector does. */
  answerWith(answer: Answer | Answering): void;
  /** Resolves once `count` requests have arrived in all. */
  arrived(count: number): Promise<void>;
  close(): Promise<void>;
};

const TAKEN: Answer = {
  status: 200,
  headers: { "content-type": "application/json" },
  body: '{"partialSuccess":{}}',
};

/** Paths of the recorder's own certificate, which is its own authority, and of its key. */
export const RECORDER_CERTIFICATE = fileURLToPath(new URL("tls/cert.pem", import.meta.url));
export const RECORDER_KEY = fileURLToPath(new URL("tls/key.pem", import.meta.url));

/** An OTLP/HTTP receiver on a free port of 127.0.0.1 (or another loopback `host`) that records what comes and answers as it is told. */
export async function createOtlpRecorder(
  options: { tls?: "server" | "mutual"; port?: number; host?: string } = {},
): Promise<OtlpRecorder> {
  const host = options.host ?? "127.0.0.1";
  const requests: RecordedRequest[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const connections = new Map<object, number>();
  const dripping = new Set<NodeJS.Timeout>();
  let answering: Answering = take;

  const listener: RequestListener = (request, response) => {
    void (async () => {
      const bytes = await wholeBody(request);
      if (bytes === undefined) return;
      const recorded: RecordedRequest = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        connection: connections.get(request.socket) ?? connections.size + 1,
        bytes: bytes.length,
        body: parseOtlp((request.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString()),
      };
      connections.set(request.socket, recorded.connection);
      requests.push(recorded);
      for (const { count, resolve } of waiting) if (requests.length >= count) resolve();
      give(await answering(recorded), response, dripping);
    })();
  };

  const server = options.tls ? createTlsServer(tlsOptions(options.tls), listener) : createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(options.port ?? 0, host, resolve);
  });
  const url = `${options.tls ? "https" : "http"}://${host}:${portOf(server.address())}`;

  return {
    url,
    endpoints: { traces: `${url}/v1/traces`, metrics: `${url}/v1/metrics` },
    requests,
    answerWith: (answer) => {
      answering = typeof answer === "function" ? answer : () => answer;
    },
    arrived: (count) =>
      new Promise((resolve) => {
        if (requests.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
    close: async () => {
      for (const timer of dripping) clearInterval(timer);
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

/** Undefined if the sender died before it had sent all of it. */
async function wholeBody(request: IncomingMessage): Promise<Buffer | undefined> {
  try {
    return await buffer(request);
  } catch {
    return undefined;
  }
}

function take(): Answer {
  return TAKEN;
}

function give(
  { status, headers, body = "", manner = "whole" }: Answer,
  response: ServerResponse,
  dripping: Set<NodeJS.Timeout>,
): void {
  if (manner === "silence") return;
  if (manner === "reset" && status === undefined) {
    response.destroy();
    return;
  }
  response.writeHead(status ?? 200, headers);
  if (manner === "whole") response.end(body);
  if (manner === "reset") response.write(body, () => response.destroy());
  if (manner === "drip") {
    const timer = setInterval(() => response.write(" "), 5);
    dripping.add(timer);
    response.on("close", () => clearInterval(timer));
  }
}

function tlsOptions(kind: "server" | "mutual"): object {
  const cert = readFileSync(RECORDER_CERTIFICATE);
  return {
    cert,
    key: readFileSync(RECORDER_KEY),
    ...(kind === "mutual" ? { ca: cert, requestCert: true } : {}),
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("the recorder listens on no port");
  return address.port;
}
