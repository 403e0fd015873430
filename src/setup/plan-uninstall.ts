/**
 * The plan of `hookspan uninstall`: each agent's settings as they were, byte for byte, where nobody has edited them since; else
 * without our entries. Then, with the last of them, the hook goes.
 */

import { dirname, join } from "node:path";

import { AGENTS, AGENT_SETUPS, type AgentName, type Scope, type Surroundings } from "./agents.ts";
import { endpointRemovals } from "./endpoint-change.ts";
import { backupOf, hashOf, type Manifest, type ManifestFile, NO_MANIFEST } from "./manifest.ts";
import {
  type Change,
  changeTo,
  edited,
  editOf,
  emptyPlan,
  type Plan,
  type Read,
  readManifest,
  recordChange,
} from "./plan.ts";
import { isBare, unregistered } from "./registration.ts";
import { installedService } from "./service.ts";
import { type SettingsFile, textOf } from "./settings-file.ts";

export type UninstallRequest = {
  /** Empty: all of them, wherever they are registered. */
  agents: readonly AgentName[];
  /** Undefined: both. */
  scope: Scope | undefined;
  around: Surroundings;
  /** Where the hook is, absolute. */
  data: string;
};

/** Reads, and changes nothing. */
export function planUninstall(request: UninstallRequest, read: Read): Plan {
  const { data } = request;
  const plan = emptyPlan();
  const record = join(data, "install.json");
  const manifest = readManifest(read, record);
  if (typeof manifest === "string") return { ...plan, problems: [manifest] };
  const gone = new Set<string>();
  for (const target of targetsOf(request, manifest)) {
    const changes = settingsChanges(target, plan, read);
    if (changes === undefined) continue;
    gone.add(target.path);
    plan.changes.push(...changes);
    if ("directories" in target) plan.directories.unshift(...target.directories.toReversed());
  }
  const files = manifest.files.filter(({ path }) => !gone.has(path));
  const user = stillNamed(request, manifest, plan, read);
  const service = installedService(request.around, read);
  if (files.length > 0 || (user ?? service) !== undefined || plan.problems.length > 0) {
    if (user !== undefined) plan.notes.push(`${user} still names ${data}, so the hook stays there`);
    if (files.length === 0 && service !== undefined)
      plan.notes.push(
        `${service} starts a bridge from ${data}, so the hook stays there; run \`hookspan service uninstall\`, then this again`,
      );
    plan.changes.push(...recordChange(read, record, { ...manifest, files }));
    return plan;
  }
  const about = { kind: "hook", what: "the hook and what it starts", mode: 0o644 } as const;
  for (const path of manifest.copies) plan.changes.push(...changeTo(read(path), undefined, about));
  const last = [...endpointRemovals(manifest, plan, read), ...recordChange(read, record, NO_MANIFEST)];
  plan.changes.push(...last.map((change): Change => ({ ...change, isLast: true })));
  plan.directories.push(
    ...new Set([...manifest.copies.map((path) => dirname(path)), ...manifest.directories.toReversed()]),
  );
  return plan;
}

type Target = ManifestFile | Pick<ManifestFile, "agent" | "kind" | "path">;

/** What the record names, and the places where somebody may have registered the hook by hand. */
function targetsOf({ agents, scope, around }: UninstallRequest, manifest: Manifest): Target[] {
  const names = agents.length > 0 ? agents : AGENTS;
  const scopes = scope === undefined ? (["user", "project"] as const) : [scope];
  const places = names.flatMap((agent) =>
    scopes.flatMap((one): Target[] => {
      const path = AGENT_SETUPS[agent].file(around, one);
      return path === undefined ? [] : [{ agent, kind: "settings", path }];
    }),
  );
  const isMeant = (file: ManifestFile) =>
    names.includes(file.agent) && (scope !== "project" || places.some(({ path }) => path === file.path));
  const isElsewhere = (file: ManifestFile) => scope === "user" && !isOfUser(file, around);
  const recorded = manifest.files.filter((file) => isMeant(file) && !isElsewhere(file));
  const isNew = ({ path }: Target, at: number) =>
    !manifest.files.some((file) => file.path === path) && places.findIndex((one) => one.path === path) === at;
  return [...recorded, ...places.filter(isNew)];
}

function isOfUser({ agent, path, kind }: ManifestFile, around: Surroundings): boolean {
  return kind === "consent" || AGENT_SETUPS[agent].file(around, "user") === path;
}

/** Undefined if the file has to be left alone. */
function settingsChanges(target: Target, plan: Plan, read: Read): Change[] | undefined {
  const { agent, kind, path } = target;
  const { title, form } = AGENT_SETUPS[agent];
  const file = read(path);
  const about = { kind: form === "plugin" ? "plugin" : "settings", agent, mode: 0o600 } as const;
  const backup = "after" in target ? read(backupOf(path)) : undefined;
  const noBackup = backup
    ? changeTo(backup, undefined, { kind: "backup", agent, what: "the file as it was", mode: 0o600 })
    : [];
  if (file.status === "absent") return noBackup;
  const saved = backup?.status === "present" ? backup.bytes : undefined;
  if ("after" in target && file.status === "present" && hashOf(file.bytes) === target.after && isWhole(target, saved)) {
    if (isLocked(file, plan)) return undefined;
    return [
      ...changeTo(file, target.before === null ? undefined : saved, { ...about, what: `${title}: as it was before` }),
      ...noBackup,
    ];
  }
  const without = editOf(file, (text) => unregistered(kind, agent, text, saved && textOf(saved)));
  if (without.status === "invalid") {
    // Of a file that we never touched nobody asked.
    if ("after" in target) plan.problems.push(`${path} ${without.reason}; it is left as it is`);
    return undefined;
  }
  const mayGo = form === "plugin" || ("after" in target && target.before === null);
  const isOver = mayGo && without.text !== "" ? isBare(agent, without.text) : mayGo;
  const before = without.before;
  const bytes = isOver ? undefined : edited(without.text, before);
  const isSame = before !== undefined && edited(without.text, before).equals(before);
  const changes = isSame ? [] : changeTo(file, bytes, { ...about, what: `${title}: without our hooks` });
  if (changes.length > 0 && isLocked(file, plan)) return undefined;
  return [...changes, ...noBackup];
}

function isWhole({ before }: ManifestFile, saved: Buffer | undefined): boolean {
  return before === null || (saved !== undefined && hashOf(saved) === before);
}

function isLocked(file: SettingsFile, plan: Plan): boolean {
  if (file.status !== "present" || file.locked === undefined) return false;
  plan.problems.push(`${file.path} ${file.locked}; it is left as it is`);
  return true;
}

/** A settings file that would name the hook even so: a hook of the user's that runs inside of ours. */
function stillNamed(
  { around, data }: UninstallRequest,
  manifest: Manifest,
  plan: Plan,
  read: Read,
): string | undefined {
  const places = Object.values(AGENT_SETUPS).flatMap((setup) => [
    setup.file(around, "user"),
    setup.file(around, "project"),
  ]);
  const paths = [...new Set([...places, ...manifest.files.map(({ path }) => path)])].filter(
    (path) => path !== undefined,
  );
  return paths.find((path) => {
    const change = plan.changes.find((one) => one.path === path);
    const file = read(path);
    const bytes = change ? change.after : file.status === "present" ? file.bytes : undefined;
    return bytes !== undefined && bytes.includes(join(data, "hooks"));
  });
}
