/** Whether hooks that post by themselves reach the bridge: it must live all the time, at their port, and take their token. */

import { type Environment, variable } from "../../config/env.ts";
import { verified } from "../../intake/discovery.ts";
import { realDisk } from "../../store/disk.ts";
import type { AgentName } from "../agents.ts";
import { isHttpHook, TOKEN_VARIABLE } from "../http-hook.ts";
import type { Finding } from "./finding.ts";
import type { Place } from "./registered-places.ts";

/** Where the hooks of an agent post to; undefined if none does. */
export function postUrlIn(agent: AgentName, places: readonly Place[]): string | undefined {
  const posted = places.flatMap(({ handlers }) => handlers).find(({ handler }) => isHttpHook(handler, agent));
  return posted && String(posted.handler["url"]);
}

/** Sends no event. */
export async function intakeFinding(agent: AgentName, url: string, home: string, env: Environment): Promise<Finding> {
  const base = { hop: "intake", agent } as const;
  const found = await verified(realDisk, home);
  if (found.status !== "verified") {
    const why = found.status === "refused" ? found.reason : `no bridge of ${home} listens`;
    return {
      ...base,
      verdict: "fail",
      text: `hooks post to ${url}, and ${why}, so their events are lost`,
      fix: "hookspan service install, which keeps a bridge running",
    };
  }
  if (new URL(found.url).port !== new URL(url).port)
    return {
      ...base,
      verdict: "fail",
      text: `hooks post to ${url}, and the bridge listens at ${found.url}`,
      fix: "set intake.port, then `hookspan install` and start the bridge again",
    };
  const token = variable(env, TOKEN_VARIABLE);
  if (token === found.token) return { ...base, verdict: "ok", text: `the bridge takes what hooks post to ${url}` };
  const text = `${TOKEN_VARIABLE} ${token === undefined ? "is not set here" : "is not the bridge's token"}; agents need it in their environment`;
  return { ...base, verdict: "warn", text, fix: "see what `hookspan install` says of it" };
}
