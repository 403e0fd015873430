/** What a request asks for, by its method and path. */

import { refused, type Reply } from "./reply.ts";

export type Signal = "logs" | "metrics" | "traces";

export type Route =
  | { kind: "health"; nonce: string | undefined }
  /** A payload as the agent's hook would get it. `event` where the payload does not name it. */
  | { kind: "hook"; agent: string; event: string | undefined }
  /** A frame of Hermes' forwarder. */
  | { kind: "frame" }
  /** What Hermes posts by itself. Its signature stands in the place of the token. */
  | { kind: "webhook" }
  | { kind: "telemetry"; signal: Signal };

const HEALTH = /^(?:\/health|\/api\/hooks\/health)$/;
const HOOK = /^\/v1\/hooks\/([^/]*)$/;
const AGENT = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/;
const EVENT = /^[A-Za-z0-9._:/-]{1,128}$/;
const NONCE = /^[A-Za-z0-9_-]{16,128}$/;

/** `url` as it stands in the request line. Paths are compared as they are: nothing in them needs an escape. */
export function routeOf(method: string, url: string): Route | Reply {
  const [path = "", query = ""] = url.split("?", 2);
  const parameters = new URLSearchParams(query);
  if (HEALTH.test(path)) return allowing(method, ["GET", "HEAD"]) ?? health(parameters.get("nonce") ?? undefined);
  const agent = HOOK.exec(path)?.[1];
  if (agent !== undefined) return allowing(method, ["POST"]) ?? hook(agent, parameters.get("event") ?? undefined);
  if (path === "/api/hooks/ingest") return allowing(method, ["POST"]) ?? { kind: "frame" };
  if (path === "/hermes/webhook") return allowing(method, ["POST"]) ?? { kind: "webhook" };
  const signal = signalOf(path);
  if (signal !== undefined) return allowing(method, ["POST"]) ?? { kind: "telemetry", signal };
  return refused(
    404,
    "no such path; there are GET /health, POST /v1/hooks/{agent}, POST /api/hooks/ingest, POST /hermes/webhook, and POST /v1/logs, /v1/metrics and /v1/traces",
  );
}

function allowing(method: string, allowed: string[]): Reply | undefined {
  if (allowed.includes(method)) return undefined;
  return refused(405, `this path takes ${allowed.join(" or ")}`, { allow: allowed.join(", ") });
}

function health(nonce: string | undefined): Route | Reply {
  if (nonce === undefined || NONCE.test(nonce)) return { kind: "health", nonce };
  return refused(400, "nonce: allowed are 16 to 128 letters, digits, hyphens and underscores");
}

function hook(agent: string, event: string | undefined): Route | Reply {
  if (!AGENT.test(agent)) return refused(404, "the path names no agent: /v1/hooks/claude-code, for one");
  if (event !== undefined && !EVENT.test(event))
    return refused(400, "event: allowed are 1 to 128 letters, digits and . _ : / -");
  return { kind: "hook", agent, event };
}

function signalOf(path: string): Signal | undefined {
  switch (path) {
    case "/v1/logs":
      return "logs";
    case "/v1/metrics":
      return "metrics";
    case "/v1/traces":
      return "traces";
    default:
      return undefined;
  }
}
