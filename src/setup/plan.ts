/** What an installation or its end would change, before anything is changed. */

import type { AgentName } from "./agents.ts";
import { hashOf, type Manifest, manifestText, NO_MANIFEST, parseManifest } from "./manifest.ts";
import type { Edited } from "./json-hooks.ts";
import { bytesOf, missingDirectories, type Replacement, type SettingsFile, textOf } from "./settings-file.ts";

/** One file that would change. Nothing but these paths, and directories for them, is ever written. */
export type Change = Replacement & {
  /** `settings` are shown as a difference; the configuration is not, for it may hold secrets. */
  kind: "hook" | "backup" | "settings" | "plugin" | "configuration" | "record";
  agent?: AgentName;
  /** What the change does, in a few words. */
  what: string;
  /** Made only once everything else is done, and what comes after a plan too. */
  isLast?: true;
};

export type Plan = {
  /** In the order in which they are to be made: a crash between any two leaves what works. */
  changes: Change[];
  /** Directories to remove at the end if they are empty, innermost first. */
  directories: string[];
  /** Files that are left alone although something should be done, with the reason. */
  problems: string[];
  /** What stands well as it is. */
  unchanged: string[];
  /** What the user has to know. */
  notes: string[];
};

/** Reads a file; for a test or a view, any way to do it. */
export type Read = (path: string) => SettingsFile;

export function emptyPlan(): Plan {
  return { changes: [], directories: [], problems: [], unchanged: [], notes: [] };
}

/** The manifest of an installation; a text, what is wrong with it, where another version's or no manifest stands there. */
export function readManifest(read: Read, path: string): Manifest | string {
  const file = read(path);
  if (file.status === "absent") return NO_MANIFEST;
  const manifest = file.status === "present" ? parseManifest(textOf(file.bytes) ?? "") : undefined;
  return manifest ?? `${path} is no record that this version of hookspan can read; use the newer one, or remove it`;
}

/** The change of a file to new bytes; none if it has them already. */
export function changeTo(
  file: SettingsFile,
  after: Buffer | undefined,
  about: Pick<Change, "kind" | "what" | "mode" | "agent">,
): Change[] {
  if (file.status === "unusable") return [];
  const before = file.status === "present" ? file.bytes : undefined;
  const isSame = before === undefined || after === undefined ? before === after : before.equals(after);
  return isSame ? [] : [{ ...about, path: file.path, real: file.real, before, after }];
}

/** The record of an installation, as a change. */
export function recordChange(read: Read, path: string, manifest: Manifest): Change[] {
  const isOver = [manifest.copies, manifest.configuration, manifest.files].every(({ length }) => length === 0);
  const after = isOver ? undefined : Buffer.from(manifestText(manifest));
  return changeTo(read(path), after, { kind: "record", what: "what was installed", mode: 0o644 });
}

/** An edit of a file's text. `before` is undefined for a file that is not there. */
export function editOf(file: SettingsFile, edit: (text: string) => Edited): Edited & { before?: Buffer | undefined } {
  if (file.status === "unusable") return { status: "invalid", reason: file.reason };
  const before = file.status === "present" ? file.bytes : undefined;
  const text = before === undefined ? "" : textOf(before);
  return text === undefined ? { status: "invalid", reason: "is not UTF-8" } : { ...edit(text), before };
}

/** The bytes that an edit gives: those that were there if it changes nothing. */
export function edited(text: string, before: Buffer | undefined): Buffer {
  const after = bytesOf(text, before);
  return before !== undefined && hashOf(after) === hashOf(before) ? before : after;
}

/** Directories that a change would make, and that its end should take away. */
export function directoriesFor(file: SettingsFile): string[] {
  return file.status === "absent" ? missingDirectories(file.path) : [];
}
