/**
 * `hookspan install --endpoint`: one more file of the plan, the configuration. It is taken back with the hook itself, and only where
 * nobody has edited it since: from then on it is the user's.
 */

import { ConfigError } from "../config/error.ts";
import { withSetting } from "./config-edit.ts";
import { backupOf, hashOf, type Manifest } from "./manifest.ts";
import { type Change, changeTo, directoriesFor, type Plan, type Read } from "./plan.ts";
import { bytesOf, textOf } from "./settings-file.ts";

const BACKUP = { kind: "backup", what: "the file as it was", mode: 0o600 } as const;

/**
 * The configuration file with another endpoint, entered into the manifest. None if it says so already; undefined if it cannot be
 * edited, which the plan then says.
 */
export function endpointChanges(
  path: string,
  endpoint: string,
  manifest: Manifest,
  plan: Plan,
  read: Read,
): Change[] | undefined {
  const file = read(path);
  const before = file.status === "present" ? file.bytes : undefined;
  const text = before === undefined ? "" : textOf(before);
  const unfit = file.status === "unusable" ? file.reason : text === undefined ? "is not UTF-8" : file.locked;
  if (unfit !== undefined) {
    plan.problems.push(`${path} ${unfit}; nothing is installed, for the data would go elsewhere`);
    return undefined;
  }
  const after = withEndpoint(text ?? "", endpoint, path);
  if (typeof after !== "string") {
    plan.problems.push(`${after.reason}; nothing is installed, for the data would go elsewhere`);
    return undefined;
  }
  const what = `the configuration: endpoint ${endpoint}`;
  // It may come to hold secrets.
  const about = { kind: "configuration", what, mode: 0o600 } as const;
  const [change] = changeTo(file, after === text ? before : bytesOf(after, before), about);
  if (change?.after === undefined) {
    plan.unchanged.push(`${path} (${what})`);
    return [];
  }
  const known = manifest.configuration.find((one) => one.path === path);
  const saved = read(backupOf(path));
  const kept = saved.status === "present" ? saved.bytes : undefined;
  const isOurs = known !== undefined && before !== undefined && hashOf(before) === known.after;
  const isSaved = isOurs && (known.before === null || (kept !== undefined && hashOf(kept) === known.before));
  const original = isSaved ? (known.before === null ? undefined : kept) : before;
  const entry = {
    path,
    before: original === undefined ? null : hashOf(original),
    after: hashOf(change.after),
    directories: known?.directories ?? directoriesFor(file),
  };
  manifest.configuration = [...manifest.configuration.filter((one) => one !== known), entry];
  return [...(original === undefined ? [] : changeTo(saved, original, BACKUP)), change];
}

/** The configuration as it was. Made last of all: what is to be sent before still goes to the endpoint. */
export function endpointRemovals({ configuration }: Manifest, plan: Plan, read: Read): Change[] {
  return configuration.flatMap(({ path, before, after, directories }): Change[] => {
    const file = read(path);
    const backup = read(backupOf(path));
    const noBackup = changeTo(backup, undefined, BACKUP);
    const isGone = file.status === "absent";
    const saved = backup.status === "present" ? backup.bytes : undefined;
    const isAsWeLeftIt = file.status === "present" && file.locked === undefined && hashOf(file.bytes) === after;
    const isWhole = before === null || (saved !== undefined && hashOf(saved) === before);
    if (!isGone && !(isAsWeLeftIt && isWhole)) {
      plan.notes.push(`${path} is kept: it was edited since \`hookspan install --endpoint\``);
      return noBackup;
    }
    plan.directories.push(...directories.toReversed());
    const about = { kind: "configuration", what: "the configuration: as it was before", mode: 0o600 } as const;
    const original = before === null || isGone ? undefined : saved;
    return [...changeTo(file, original, about), ...noBackup];
  });
}

function withEndpoint(text: string, endpoint: string, path: string): string | { reason: string } {
  try {
    return withSetting(text, "endpoint", endpoint, `configuration file ${path}`);
  } catch (error) {
    if (error instanceof ConfigError) return { reason: error.message };
    throw error;
  }
}
