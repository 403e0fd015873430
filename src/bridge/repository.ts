import { realpathSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";

import { readBeginning } from "../transcript/regular-file.ts";

const MAX_NAMES = 256;
const MAX_LEVELS = 64;
const MAX_FILE_BYTES = 64 * 1024;
const MAX_NAME_LENGTH = 255;

/** Remembers the names of the last 256 directories that lie in a repository; one that does not is looked at each time. */
export function createRepositoryNames(): (cwd: string) => string | undefined {
  const names = new Map<string, string>();
  return (cwd) => {
    const name = names.get(cwd) ?? repositoryName(cwd);
    if (name === undefined) return undefined;
    names.delete(cwd);
    names.set(cwd, name);
    const oldest = names.keys().next();
    if (names.size > MAX_NAMES && !oldest.done) names.delete(oldest.value);
    return name;
  };
}

/**
 * The name of the repository that holds `cwd`: the last segment of origin's URL without `.git`, else the name of the main
 * worktree's folder. Read from git's files alone (gitrepository-layout(5)), no process is started. Never throws, and never
 * gives more of a URL than that segment: the rest may hold credentials.
 */
export function repositoryName(cwd: string): string | undefined {
  if (!isAbsolute(cwd)) return undefined;
  const found = findGitDirectory(realPath(cwd));
  if (found === undefined) return undefined;
  const shared = beginningOf(join(found.gitDirectory, "commondir"))?.trim();
  const common = shared ? resolve(found.gitDirectory, shared) : found.gitDirectory;
  const url = originUrl(beginningOf(join(common, "config")) ?? "");
  return (url === undefined ? undefined : nameInUrl(url)) ?? folderName(shared ? mainWorktree(common) : found.worktree);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** The nearest directory upwards that is a worktree, as git itself looks for it. */
function findGitDirectory(cwd: string): { worktree: string; gitDirectory: string } | undefined {
  let worktree = cwd;
  for (let level = 0; level < MAX_LEVELS; level++) {
    const gitDirectory = gitDirectoryOf(worktree);
    if (gitDirectory !== undefined) return { worktree, gitDirectory };
    const parent = dirname(worktree);
    if (parent === worktree) return undefined;
    worktree = parent;
  }
  return undefined;
}

/** `.git` is the directory itself, or a file that names it: linked worktrees, submodules, `--separate-git-dir`. */
function gitDirectoryOf(worktree: string): string | undefined {
  const dotGit = join(worktree, ".git");
  const kind = kindOf(dotGit);
  if (kind === "other") return undefined;
  const target = kind === "file" ? /^gitdir:(.*)$/m.exec(beginningOf(dotGit) ?? "")?.[1]?.trim() : dotGit;
  if (!target) return undefined;
  const gitDirectory = resolve(worktree, target);
  // Without a HEAD it is no repository, and git looks further up.
  return kindOf(join(gitDirectory, "HEAD")) === "file" ? gitDirectory : undefined;
}

function kindOf(path: string): "file" | "directory" | "other" {
  try {
    const stats = statSync(path);
    if (stats.isFile()) return "file";
    return stats.isDirectory() ? "directory" : "other";
  } catch {
    return "other";
  }
}

/** Tools link git's files (Android's repo does), and a checkout may belong to somebody else. */
function beginningOf(file: string): string | undefined {
  return readBeginning(file, MAX_FILE_BYTES, { ownOnly: false, followLinks: true });
}

/** The first `url` of `[remote "origin"]`, the one that git fetches from. Includes and `insteadOf` are not followed. */
function originUrl(config: string): string | undefined {
  let inOrigin = false;
  for (const line of config.split("\n")) {
    const section = /^\s*\[([^\]]*)\]/.exec(line);
    if (section !== null) inOrigin = /^remote\s+"origin"$/i.test(section[1]?.trim() ?? "");
    const url = inOrigin ? /^[^#;=]*?\burl\s*=(.*)$/i.exec(line)?.[1] : undefined;
    if (url !== undefined)
      return url
        .replace(/\s[#;].*$/, "")
        .trim()
        .replaceAll('"', "");
  }
  return undefined;
}

/** Takes `https://host/owner/name.git`, `user@host:owner/name` and paths. */
function nameInUrl(url: string): string | undefined {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\/[^/]*(.*)$/i.exec(url.replace(/[?#].*$/, ""));
  const path = withScheme === null ? url : (withScheme[1] ?? "");
  const segments = path
    .split(withScheme === null ? /[/\\:]/ : "/")
    .filter((segment) => segment !== "" && segment !== ".git");
  return acceptable(decoded(segments.at(-1) ?? "").replace(/\.git$/, ""));
}

/** `name/.git` belongs to the worktree `name`; a bare repository `name.git` has linked worktrees only. */
function mainWorktree(common: string): string {
  return basename(common) === ".git" ? dirname(common) : common;
}

function folderName(path: string): string | undefined {
  return acceptable(basename(path).replace(/\.git$/, ""));
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** An `@` would be left of a URL whose password holds a slash. */
function acceptable(name: string): string | undefined {
  const usable = name !== "" && name !== "." && name !== ".." && name.length <= MAX_NAME_LENGTH;
  return usable && !/[@/\\\p{Cc}]/u.test(name) ? name : undefined;
}
