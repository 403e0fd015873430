/** Whether an agent's hooks go by HTTP, and what would keep them from that. */

import { AGENT_SETUPS, type AgentName, hookFileOf, type Scope, type Surroundings } from "./agents.ts";
import { type HookAddress, isHttpHook, limitsIn, TOKEN_VARIABLE, type Transport } from "./http-hook.ts";
import { hooksIn } from "./json-hooks.ts";
import type { Manifest } from "./manifest.ts";
import type { Read } from "./plan.ts";
import { textOf } from "./settings-file.ts";
import { isAtLeast, type Version } from "./version.ts";

const OTHERWISE = "take `--transport command`";

/** How our hooks in a text reach the bridge: `http` if any does by HTTP; undefined if there are none of ours. */
export function transportIn(agent: AgentName, text: string): Transport | undefined {
  const { form } = AGENT_SETUPS[agent];
  if (form !== "groups" && form !== "flat") return undefined;
  const found = hooksIn(text, hookFileOf(agent));
  if (found.status === "invalid" || found.handlers.length === 0) return undefined;
  return found.handlers.some(({ handler }) => isHttpHook(handler, agent)) ? "http" : "command";
}

/** Why an agent's hooks cannot go by HTTP; undefined if they can. */
export function httpRefusal(
  agent: AgentName,
  request: { scope: Scope; versions: Readonly<Partial<Record<AgentName, Version>>>; address: HookAddress },
): string | undefined {
  const { title, http } = AGENT_SETUPS[agent];
  if (agent === "copilot-cli")
    return `${title} takes no variable into the headers of a hook without https, so the token would have to stand in its settings; ${OTHERWISE}`;
  if (http === undefined) return `${title} has no hooks by HTTP; ${OTHERWISE}`;
  if (request.scope === "project")
    return `${title} by HTTP is for the user's settings: a project's would send what others do there to whoever listens at that port; leave out --project, or ${OTHERWISE}`;
  if (request.address.status === "unfit") return `${title} by HTTP: ${request.address.reason}`;
  const version = request.versions[agent];
  const first = http.since.join(".");
  if (version === undefined)
    return `the version of ${title} is not known, and one before ${first} would ignore its settings as a whole; ${OTHERWISE}`;
  if (isAtLeast(version, http.since)) return undefined;
  return `${title} ${version.join(".")} has no hooks by HTTP, ${first} is the first; ${OTHERWISE}`;
}

/** A file that an agent reads as well and that has our hooks of another transport: each event would come twice. */
export function clashWith(
  agent: AgentName,
  transport: Transport,
  path: string,
  { around, manifest, read }: { around: Surroundings; manifest: Manifest; read: Read },
): string | undefined {
  const file = (scope: Scope): string | undefined => AGENT_SETUPS[agent].file(around, scope);
  const known = manifest.files.filter((one) => one.agent === agent && one.kind === "settings").map((one) => one.path);
  const places = [file("user"), file("project"), ...known].filter((one) => one !== undefined);
  return places.find((place) => {
    const other = place === path ? undefined : read(place);
    const text = other?.status === "present" ? textOf(other.bytes) : undefined;
    return text !== undefined && (transportIn(agent, text) ?? transport) !== transport;
  });
}

/** What somebody has to know whose hooks go by HTTP. `text` is that of the settings. */
export function httpNotes(agent: AgentName, text: string, address: HookAddress, around: Surroundings): string[] {
  if (address.status === "unfit") return [];
  const { title, http } = AGENT_SETUPS[agent];
  const { env, platform } = around;
  const how =
    platform === "win32"
      ? `what ${address.tokenFile} holds`
      : `for example by \`export ${TOKEN_VARIABLE}="$(cat ${shellQuoted(address.tokenFile)})"\` in your shell's profile; the bridge makes the file when it first starts`;
  const limits = limitsIn(text);
  return [
    ...((env[TOKEN_VARIABLE] ?? "") === ""
      ? [`${title} has to find the token in its environment as ${TOKEN_VARIABLE}, ${how}`]
      : []),
    `no ${http?.never.join(" or ")} by HTTP: where such a hook is wanted it stays a command`,
    `by HTTP, while no bridge listens, each event is lost and leaves an error line in the agent's transcript; \`hookspan service install\` keeps one running`,
    ...(limits.length > 0
      ? [`${limits.join(" and ")} in the settings must let ${address.url} and ${TOKEN_VARIABLE} through`]
      : []),
  ];
}

function shellQuoted(path: string): string {
  return `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
