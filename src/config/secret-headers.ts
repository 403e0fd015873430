/**
 * Headers that stand in no configuration: in a file, or printed by a command (a keychain, a vault, a token that expires). Their
 * values are in no message.
 */

import { execSync } from "node:child_process";
import { readFileSync } from "node:fs";

import type { Config } from "./config.ts";
import { ConfigError } from "./error.ts";
import { checkSettings } from "./file.ts";

/** A bridge waits for it, so not for long. */
const COMMAND_TIMEOUT_MS = 10_000;

/**
 * The configuration with the headers of `headersFile` and `headersCommand` laid over `headers`, as they are now.
 * @throws ConfigError if they cannot be had.
 */
export function withSecretHeaders(config: Config): Config {
  const { headersFile, headersCommand } = config;
  const headers = {
    ...config.headers,
    ...(headersFile !== undefined && linesIn(fileText(headersFile), `headersFile ${headersFile}`)),
    ...(headersCommand !== undefined && linesIn(commandText(headersCommand), "headersCommand")),
  };
  return { ...config, headers };
}

function fileText(path: string): string {
  try {
    return readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch (cause) {
    throw new ConfigError(`headersFile ${path}: cannot be read; correct its permissions or name another`, { cause });
  }
}

function commandText(command: string): string {
  try {
    return execSync(command, {
      encoding: "utf8",
      timeout: COMMAND_TIMEOUT_MS,
      stdio: ["ignore", "pipe", "ignore"],
      windowsHide: true,
    });
  } catch {
    // The error quotes the command and what it printed.
    throw new ConfigError(`headersCommand: did not end well within ${COMMAND_TIMEOUT_MS / 1000} s; run it by hand`);
  }
}

/** `name: value`, one a line; empty lines and those that begin with `#` are passed over. */
function linesIn(text: string, where: string): Record<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const pairs = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    if (colon < 1) throw new ConfigError(`${where}: a line without a colon; allowed: lines of "name: value"`);
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
  return checkSettings({ headers: Object.fromEntries(pairs) }, where).headers ?? {};
}
