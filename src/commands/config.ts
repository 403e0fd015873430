/** `hookspan config` as it is typed. */

import { type Config, loadConfig } from "../config/config.ts";
import { type Environment, hookspanSettings } from "../config/env.ts";
import { readConfigFile } from "../config/file.ts";
import { configFile } from "../config/path.ts";
import { knownKeys } from "../config/schema.ts";
import { keysOf, withoutSetting, withSetting } from "../setup/config-edit.ts";
import { bytesOf, readSettings, replaceSettings, textOf } from "../setup/settings-file.ts";
import { UsageError, wordsIn } from "./arguments.ts";
import { type Call, print } from "./command.ts";

type Setting = { key: string; value: unknown; source: "environment" | "file" | "default" };

/** `hookspan config`. */
export async function config({ args, env }: Call): Promise<number> {
  return print(configure(args, env));
}

/** Gives what to print. @throws UsageError, ConfigError */
export function configure(args: string[], env: Environment): string {
  const { flags, operands } = wordsIn(args, { json: { type: "boolean" } });
  const [action, key = "", value] = operands;
  const wanted = { path: 1, list: 1, get: 2, unset: 2, set: 3 }[action ?? ""];
  if (wanted === undefined) throw new UsageError("config takes list, get KEY, set KEY VALUE, unset KEY or path");
  if (operands.length !== wanted)
    throw new UsageError(`config ${action} takes ${wanted - 1} words behind it, not ${operands.length - 1}`);
  if (action === "path") return `${configFile(env)}\n`;
  if (action === "list") return listed(settingsOf(env), flags["json"] === true);
  if (action === "get") return `${shown(valueOf(env, key))}\n`;
  change(configFile(env), (text, where) =>
    action === "unset" ? withoutSetting(text, key, where) : withSetting(text, key, value ?? "", where),
  );
  return "";
}

/** Each key as a bridge that a hook starts would take it, secrets as a word. */
function settingsOf(env: Environment): Setting[] {
  const loaded = loadConfig({ env, ambientOtel: false, hookStarted: true });
  const inEnvironment = hookspanSettings({ ...env, HOOKSPAN_CAPTURE: undefined });
  const inFile = readConfigFile(configFile(env)) ?? {};
  const sourceOf = (key: string): Setting["source"] =>
    key in inEnvironment ? "environment" : key in inFile ? "file" : "default";
  return knownKeys([]).flatMap((key): Setting[] => {
    const value = effective(loaded, key, { ...inFile, ...inEnvironment });
    return value === undefined ? [] : [{ key, value, source: sourceOf(key) }];
  });
}

function valueOf(env: Environment, key: string): unknown {
  const [outer, inner] = keysOf(key);
  const known = knownKeys([]);
  if (!known.includes(outer)) throw new UsageError(`unknown key "${outer}"; known keys: ${known.join(", ")}`);
  const value = settingsOf(env).find((one) => one.key === outer)?.value;
  if (inner === undefined) return value;
  return typeof value === "object" && value !== null ? Reflect.get(value, inner) : undefined;
}

function effective(loaded: Config, key: string, set: Readonly<Record<string, unknown>>): unknown {
  if (key === "headers") return Object.fromEntries(Object.keys(loaded.headers).map((name) => [name, "(secret)"]));
  if (key === "timeout") return loaded.timeoutMs;
  if (key === "bounds") {
    const { ageMs, ...bounds } = loaded.bounds;
    return { ...bounds, ageDays: ageMs / 86_400_000 };
  }
  // The two are one thing: what is set is shown, else where the default leads.
  if (key === "endpoint")
    return set["endpoint"] ?? (set["endpoints"] === undefined ? "http://127.0.0.1:4318" : undefined);
  if (key === "endpoints") return set["endpoint"] === undefined ? set["endpoints"] : undefined;
  return Reflect.get(loaded, key);
}

function listed(settings: Setting[], json: boolean): string {
  if (json) return `${JSON.stringify(Object.fromEntries(settings.map(({ key, ...rest }) => [key, rest])), null, 2)}\n`;
  return settings.map(({ key, value, source }) => `${key.padEnd(14)} ${source.padEnd(11)} ${shown(value)}\n`).join("");
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

function change(path: string, edit: (text: string, where: string) => string): void {
  const file = readSettings(path);
  if (file.status === "unusable") throw new UsageError(`${path} ${file.reason}`);
  const before = file.status === "present" ? file.bytes : undefined;
  if (file.status === "present" && file.locked !== undefined) throw new UsageError(`${path} ${file.locked}`);
  const text = before === undefined ? "" : (textOf(before) ?? "");
  const after = edit(text, `configuration file ${path}`);
  // It may come to hold secrets.
  if (after !== text) replaceSettings({ path, real: file.real, before, after: bytesOf(after, before), mode: 0o600 });
}
