/**
 * Hooks that post to the intake by themselves, without a process for each event. The token never stands in the settings: the
 * agent puts it into the header from its environment.
 */

import { isLoopbackAddress } from "../intake/guard.ts";
import type { Handler } from "./json-hooks.ts";
import { memberOf, parseJsonc } from "./jsonc.ts";

/** How the hooks of an agent reach the bridge: by a program for each event, or by HTTP. */
export const TRANSPORTS = ["command", "http"] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** The variable that holds the intake's token where the agent runs. */
export const TOKEN_VARIABLE = "HOOKSPAN_INTAKE_TOKEN";

/** Where HTTP hooks post to, or why they cannot. `tokenFile` is what the bridge keeps the token in. */
export type HookAddress = { status: "fixed"; url: string; tokenFile: string } | { status: "unfit"; reason: string };

/** What the settings of the intake offer to hooks, which cannot look anything up. */
export function hookAddress(
  { enabled, host, port }: { enabled: boolean; host: string; port: number },
  tokenFile: string,
): HookAddress {
  if (!enabled)
    return { status: "unfit", reason: "the intake is off; `hookspan config set intake.enabled true` first" };
  if (port === 0)
    return { status: "unfit", reason: "the intake has no fixed port; `hookspan config set intake.port 4319` first" };
  const local = { "0.0.0.0": "127.0.0.1", "::": "::1" }[host] ?? host;
  if (!isLoopbackAddress(local))
    return { status: "unfit", reason: `the intake listens on ${host} only, and hooks post to a loopback address` };
  return { status: "fixed", url: `http://${local.includes(":") ? `[${local}]` : local}:${port}`, tokenFile };
}

/** A hook as Claude Code takes it; `timeout` in seconds. */
export function httpHook(agent: string, url: string, timeout: unknown): Handler {
  return {
    type: "http",
    url: `${url}/v1/hooks/${agent}`,
    headers: {
      Authorization: `Bearer $${TOKEN_VARIABLE}`,
      // A hook's environment has the context that the agent was started in; a request has only what it is given.
      traceparent: "$TRACEPARENT",
      tracestate: "$TRACESTATE",
    },
    // Of no other variable does the client put the value into a header. One that is not set is empty there.
    allowedEnvVars: [TOKEN_VARIABLE, "TRACEPARENT", "TRACESTATE"],
    timeout,
  };
}

/** True for a hook that posts to an intake on this machine, of whatever port, or with our token. */
export function isHttpHook({ type, url, headers }: Handler, agent: string): boolean {
  if (type !== "http" || typeof url !== "string" || !URL.canParse(url)) return false;
  const { hostname, pathname } = new URL(url);
  if (pathname !== `/v1/hooks/${agent}`) return false;
  const isLocal = hostname === "localhost" || isLoopbackAddress(hostname.replace(/^\[(.*)\]$/, "$1"));
  return isLocal || JSON.stringify(headers ?? {}).includes(TOKEN_VARIABLE);
}

/** Keys of Claude Code's settings that would keep these hooks from posting unless they let them. */
export function limitsIn(text: string): string[] {
  const parsed = parseJsonc(text);
  if (parsed.status === "invalid") return [];
  const isSet = (key: string) => memberOf(parsed.root, key) !== undefined;
  return ["allowedHttpHookUrls", "httpHookAllowedEnvVars"].filter(isSet);
}
