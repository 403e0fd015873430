import { join } from "node:path";

import { readBeginning } from "../transcript/regular-file.ts";

export type GitIdentity = { email?: string; name?: string };

const MAX_FILE_BYTES = 64 * 1024;

/**
 * `user.email` and `user.name` of the user's own git configuration, `$XDG_CONFIG_HOME/git/config` and `~/.gitconfig`, of which
 * the latter goes first, as git has it. No process is started, and includes and repositories' own settings are not followed. Never
 * throws.
 */
export function gitIdentity(home: string, xdgConfigHome: string = join(home, ".config")): GitIdentity {
  const files = [join(xdgConfigHome, "git", "config"), join(home, ".gitconfig")];
  return Object.assign({}, ...files.map((file) => identityIn(textOf(file))));
}

/** Users link this file to where they keep their settings. */
function textOf(file: string): string {
  return readBeginning(file, MAX_FILE_BYTES, { ownOnly: true, followLinks: true }) ?? "";
}

function identityIn(config: string): GitIdentity {
  const found: GitIdentity = {};
  let inUser = false;
  for (const line of config.split("\n")) {
    const section = /^\s*\[([^\]]*)\]/.exec(line);
    if (section !== null) inUser = /^user$/i.test(section[1]?.trim() ?? "");
    const [, key, raw] = (inUser && /^\s*(?:\[[^\]]*\])?\s*(email|name)\s*=(.*)$/i.exec(line)) || [];
    const value = raw
      ?.replace(/\s[#;].*$/, "")
      .trim()
      .replaceAll('"', "");
    if (value === undefined || value === "" || value.length > 256 || /\p{Cc}/u.test(value)) continue;
    if (key?.toLowerCase() === "email") found.email = value;
    else found.name = value;
  }
  return found;
}
