import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

import { ConfigError } from "./error.ts";
import { type Environment, variable } from "./env.ts";

/** Where the configuration file is, or would be. @throws ConfigError for a relative path in the environment. */
export function configFile(env: Environment, flags: { config?: string | undefined } = {}): string {
  if (flags.config !== undefined) return resolve(flags.config);
  return absolute(env, "HOOKSPAN_CONFIG") ?? join(xdg(env, "XDG_CONFIG_HOME", ".config"), "hookspan", "config.json");
}

/** Where the state directory is. @throws ConfigError for a relative path in the environment. */
export function stateHome(env: Environment, flags: { home?: string | undefined } = {}): string {
  if (flags.home !== undefined) return resolve(flags.home);
  return absolute(env, "HOOKSPAN_HOME") ?? join(xdg(env, "XDG_STATE_HOME", ".local/state"), "hookspan");
}

/** Where the installed hook and its bundle lie. */
export function dataHome(env: Environment): string {
  return join(xdg(env, "XDG_DATA_HOME", ".local/share"), "hookspan");
}

/** Hook and bridge run in other directories than the shell that set the variable, so a relative path would mean many. */
function absolute(env: Environment, name: string): string | undefined {
  const path = variable(env, name);
  if (path === undefined || isAbsolute(path)) return path && resolve(path);
  throw new ConfigError(
    `environment variable ${name}: ${JSON.stringify(path)} stands there; allowed: an absolute path`,
  );
}

/** A directory of the XDG specification, or its place in the home. Relative paths are to be ignored: https://specifications.freedesktop.org/basedir-spec/latest/ */
export function xdg(env: Environment, name: string, fallback: string): string {
  const path = variable(env, name);
  return path !== undefined && isAbsolute(path) ? resolve(path) : join(userHome(env), fallback);
}

/** The user's home directory. */
export function userHome(env: Environment): string {
  const home = variable(env, "HOME");
  return home !== undefined && isAbsolute(home) ? home : homedir();
}
