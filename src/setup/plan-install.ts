/**
 * The plan of `hookspan install`: the record first, so that whatever comes of the rest can be taken back; the hook to its place; then
 * each agent's settings with a backup beside them.
 */

import { join } from "node:path";

import { AGENT_SETUPS, type AgentName, type Scope, type Surroundings, wantedHooks } from "./agents.ts";
import { unquotable } from "./command-line.ts";
import { withApprovals } from "./hermes-allowlist.ts";
import { endpointChanges } from "./endpoint-change.ts";
import { type InstalledFile, hookProgram } from "./hook-copy.ts";
import { backupOf, hashOf, type Manifest, type ManifestFile, NO_MANIFEST } from "./manifest.ts";
import {
  type Change,
  changeTo,
  directoriesFor,
  edited,
  editOf,
  emptyPlan,
  type Plan,
  type Read,
  readManifest,
  recordChange,
} from "./plan.ts";
import { claudePluginIn } from "./claude-plugin.ts";
import { isBare, registered, registrationIn, unregistered, type Wanted } from "./registration.ts";
import type { HookAddress, Transport } from "./http-hook.ts";
import { missingDirectories, type SettingsFile, textOf } from "./settings-file.ts";
import { clashWith, httpNotes, httpRefusal, transportIn } from "./transport.ts";
import type { Version } from "./version.ts";

export type InstallRequest = {
  agents: readonly AgentName[];
  scope: Scope;
  around: Surroundings;
  /** Where the hook goes, absolute. */
  data: string;
  node: string;
  files: readonly InstalledFile[];
  /** The OpenCode plugin, with its paths. */
  plugin: string;
  /** Versions of the agents that are known. */
  versions: Readonly<Partial<Record<AgentName, Version>>>;
  /** Undefined: as the agent's hooks stand already, else by commands. */
  transport: Transport | undefined;
  /** Where hooks post to that go by HTTP. */
  address: HookAddress;
  /** What the configuration file is to say of the Collector; undefined: it stays. */
  configuration: { path: string; endpoint: string } | undefined;
  /** The moment of the user's word that Hermes may run the hooks; undefined without it. */
  consentAt: Date | undefined;
};

/** Reads, and changes nothing. */
export function planInstall(request: InstallRequest, read: Read): Plan {
  const { data, files, around } = request;
  const plan = emptyPlan();
  const reason = unquotable(hookProgram(data, around.platform, request.node));
  if (reason !== undefined) return { ...plan, problems: [reason] };
  const copies: Change[] = [];
  for (const { path, bytes, mode } of files) {
    const file = read(path);
    const change = changeTo(file, bytes, { kind: "hook", what: "the hook and what it starts", mode });
    const unfit = file.status === "unusable" ? file.reason : change.length > 0 ? file.locked : undefined;
    // One is enough: the others lie beside it.
    if (unfit !== undefined) return { ...plan, problems: [`${path} ${unfit}; nothing is installed`] };
    copies.push(...change);
  }
  const record = join(data, "install.json");
  const known = readManifest(read, record);
  if (typeof known === "string") return { ...plan, problems: [known] };
  const manifest: Manifest = {
    ...known,
    copies: [...new Set([...known.copies, ...files.map(({ path }) => path)])],
    directories: known === NO_MANIFEST ? missingDirectories(join(data, "hooks", "hookspan.sh")) : known.directories,
  };
  const { configuration } = request;
  const endpoint = configuration && endpointChanges(configuration.path, configuration.endpoint, manifest, plan, read);
  if (plan.problems.length > 0) return plan;
  const settings = request.agents.flatMap((agent) => agentChanges(agent, request, manifest, plan, read));
  // Where nothing can be registered, nothing is installed.
  const isInVain = plan.problems.length > 0 && settings.length === 0 && plan.unchanged.length === 0;
  if (isInVain) return plan;
  // Before the first hook can start a bridge, it stands where that sends to.
  return { ...plan, changes: [...recordChange(read, record, manifest), ...copies, ...(endpoint ?? []), ...settings] };
}

function agentChanges(agent: AgentName, request: InstallRequest, manifest: Manifest, plan: Plan, read: Read): Change[] {
  const setup = AGENT_SETUPS[agent];
  const { around, scope } = request;
  const path = setup.file(around, scope);
  if (path === undefined) {
    plan.problems.push(`${setup.title} has no settings of a project; leave out --project`);
    return [];
  }
  const doubled = agent === "claude-code" ? claudePluginIn(around, read) : undefined;
  if (doubled !== undefined) {
    plan.problems.push(
      `${setup.title} has hookspan as a plugin already (${doubled}), and with both each event would come twice; run \`claude plugin uninstall hookspan@hookspan\` first, or leave the plugin as it is`,
    );
    return [];
  }
  const file = read(path);
  const text = file.status === "present" ? (textOf(file.bytes) ?? "") : "";
  const transport = request.transport ?? transportIn(agent, text) ?? "command";
  const refusal = transport === "http" ? httpRefusal(agent, request) : undefined;
  if (refusal !== undefined) {
    plan.problems.push(refusal);
    return [];
  }
  const clash = clashWith(agent, transport, path, { around, manifest, read });
  if (clash !== undefined) {
    plan.problems.push(
      `${clash} has hooks of ours that ${transport === "http" ? "run a command" : "go by HTTP"}, and with both each event would come twice; take those out first (\`hookspan uninstall\`)`,
    );
    return [];
  }
  const url = transport === "http" && request.address.status === "fixed" ? request.address.url : undefined;
  const wanted = wantedOf(agent, request, url);
  const changes = settingsChanges(agent, file, wanted, manifest, plan, read);
  if (transport === "http") plan.notes.push(...httpNotes(agent, text, request.address, around));
  if (setup.note !== undefined) plan.notes.push(setup.note);
  if (setup.since !== undefined && request.versions[agent] === undefined)
    plan.notes.push(
      `the version of ${setup.title} is not known: only hooks that every documented version takes are added`,
    );
  if (scope === "project" && changes.length > 0)
    plan.notes.push(`${path} names a path of this machine: keep it out of version control`);
  return agent === "hermes" ? [...changes, ...consentChanges(request, wanted, manifest, plan, read)] : changes;
}

function settingsChanges(
  agent: AgentName,
  file: SettingsFile,
  wanted: Wanted,
  manifest: Manifest,
  plan: Plan,
  read: Read,
): Change[] {
  const after = editOf(file, (text) => registered(agent, text, wanted));
  if (after.status === "invalid") {
    plan.problems.push(`${file.path} ${after.reason}; it is left as it is`);
    return [];
  }
  const { title } = AGENT_SETUPS[agent];
  const kind = AGENT_SETUPS[agent].form === "plugin" ? "plugin" : "settings";
  const bytes = edited(after.text, after.before);
  const old = registrationIn(agent, textOf(after.before ?? Buffer.alloc(0)) ?? "", wanted);
  const count = kind === "plugin" ? "plugin" : `${Object.keys(wanted.hooks).length} hooks`;
  const what = `${title}: ${count}${old.status === "other" ? ", in the place of older ones" : ""}`;
  const change = changeTo(file, bytes, { kind, agent, what, mode: 0o666 });
  if (change.length === 0) {
    plan.unchanged.push(`${file.path} (${title})`);
    return [];
  }
  if (file.status === "present" && file.path !== file.real && old.status === "other" && kind === "plugin") {
    plan.problems.push(
      `${file.path} is a link to ${file.real}, a plugin of ours; remove the link, for the copy goes in its place`,
    );
    return [];
  }
  if (file.status !== "unusable" && file.locked !== undefined) {
    plan.problems.push(`${file.path} ${file.locked}; it is left as it is`);
    return [];
  }
  return change.flatMap((one) => recorded("settings", one, file, manifest, read));
}

/** Enters a change into the manifest, and puts the backup before it. */
function recorded(
  kind: ManifestFile["kind"],
  change: Change,
  file: SettingsFile,
  manifest: Manifest,
  read: Read,
): Change[] {
  const { agent, before: current, after } = change;
  if (agent === undefined || after === undefined) return [change];
  const entry = manifest.files.find(({ path }) => path === file.path);
  const saved = read(backupOf(file.path));
  const kept = saved.status === "present" ? saved.bytes : undefined;
  const isAsWeLeftIt = entry !== undefined && current !== undefined && hashOf(current) === entry.after;
  const isSaved = isAsWeLeftIt && (entry.before === null || (kept !== undefined && hashOf(kept) === entry.before));
  const without = isSaved ? (entry.before === null ? undefined : kept) : withoutOurs(kind, agent, current, kept);
  // Edited since we made it, but by nobody else's words.
  const isMadeByUs = entry?.before === null && without !== undefined && isBare(agent, textOf(without) ?? "");
  const original = isMadeByUs ? undefined : without;
  const next: ManifestFile = {
    agent,
    kind,
    path: file.path,
    before: original === undefined ? null : hashOf(original),
    after: hashOf(after),
    directories: entry?.directories ?? directoriesFor(file),
  };
  manifest.files = [...manifest.files.filter(({ path }) => path !== file.path), next];
  const about = { kind: "backup", agent, what: "the file as it was", mode: 0o600 } as const;
  return [...(original === undefined ? [] : changeTo(saved, original, about)), change];
}

/** The bytes of a file as it would be if we had never come. */
function withoutOurs(
  kind: ManifestFile["kind"],
  agent: AgentName,
  current: Buffer | undefined,
  kept: Buffer | undefined,
): Buffer | undefined {
  if (current === undefined) return undefined;
  const without = unregistered(kind, agent, textOf(current) ?? "", kept && textOf(kept));
  return without.status === "invalid" ? current : edited(without.text, current);
}

function consentChanges(request: InstallRequest, wanted: Wanted, manifest: Manifest, plan: Plan, read: Read): Change[] {
  const { consentAt, around } = request;
  if (consentAt === undefined) {
    plan.notes.push(
      "Hermes asks for each hook once, in a terminal, and runs none before; `hookspan install hermes --allow-hermes` answers for all of ours",
    );
    return [];
  }
  const file = read(join(AGENT_SETUPS.hermes.home(around), "shell-hooks-allowlist.json"));
  const after = editOf(file, (text) => withApprovals(text, wanted.hooks, consentAt));
  const locked = file.status === "unusable" ? undefined : file.locked;
  if (after.status === "invalid" || locked !== undefined) {
    plan.problems.push(`${file.path} ${after.status === "invalid" ? after.reason : locked}; it is left as it is`);
    return [];
  }
  const bytes = edited(after.text, after.before);
  const what = "Hermes: your consent to our hooks";
  const change = changeTo(file, bytes, { kind: "settings", agent: "hermes", what, mode: 0o600 });
  return change.flatMap((one) => recorded("consent", one, file, manifest, read));
}

/** The hooks of ours that an agent's file should hold, for who looks at an installation; with a `url`, by HTTP. */
export function wantedOf(
  agent: AgentName,
  request: Pick<InstallRequest, "around" | "data" | "node" | "plugin" | "versions">,
  url?: string,
): Wanted {
  const { around, data, node, plugin, versions } = request;
  return { hooks: wantedHooks(agent, hookProgram(data, around.platform, node), versions[agent], url), plugin };
}
