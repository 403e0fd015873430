import { posix } from "node:path";

/** Whether nothing is recorded of an agent, or of it in this directory. */
export type IsExcluded = (agent: string, cwd?: string) => boolean;

/** What the configuration leaves out: directories by `exclude`, and agents that `agents` does not name, where it names any. */
export function createExclude(config: {
  exclude: readonly string[];
  agents: readonly string[] | undefined;
}): IsExcluded {
  const isExcludedDirectory = excludedDirectories(config.exclude);
  return (agent, cwd) => config.agents?.includes(agent) === false || (cwd !== undefined && isExcludedDirectory(cwd));
}

/**
 * Tells the working directories of which nothing is recorded. `globs` are absolute: `*` and `?` stand for characters within
 * one folder name, `**` for any number of folders. A directory is excluded with everything below it. The time needed grows with
 * glob times path, whatever the glob, for a match goes back to the last star only, which is enough.
 */
export function excludedDirectories(globs: readonly string[]): (cwd: string) => boolean {
  const patterns = globs.map((glob) => [...foldersOf(glob), "**"]);
  return (cwd) => {
    const folders = foldersOf(cwd);
    return patterns.some((pattern) => matches(pattern, folders, isAnyFolders, matchesFolder));
  };
}

function foldersOf(path: string): string[] {
  return posix
    .normalize(path)
    .split("/")
    .filter((folder) => folder !== "");
}

function isAnyFolders(folder: string): boolean {
  return folder === "**";
}

function matchesFolder(pattern: string, folder: string): boolean {
  return matches(Array.from(pattern), Array.from(folder), isAnyCharacters, matchesCharacter);
}

function isAnyCharacters(character: string): boolean {
  return character === "*";
}

function matchesCharacter(pattern: string, character: string): boolean {
  return pattern === "?" || pattern === character;
}

/** Matches parts one by one; a star takes none at first and one more each time that the rest does not fit. */
function matches(
  pattern: readonly string[],
  parts: readonly string[],
  isStar: (part: string) => boolean,
  fits: (pattern: string, part: string) => boolean,
): boolean {
  let star = -1;
  let taken = 0;
  let p = 0;
  let i = 0;
  while (i < parts.length) {
    const wanted = pattern[p];
    if (wanted !== undefined && isStar(wanted)) {
      star = p++;
      taken = i;
    } else if (wanted !== undefined && fits(wanted, parts[i] ?? "")) {
      p++;
      i++;
    } else if (star >= 0) {
      p = star + 1;
      i = ++taken;
    } else {
      return false;
    }
  }
  return pattern.slice(p).every(isStar);
}
