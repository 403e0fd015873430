/** What a registered command runs: which script, and which Node that script starts a bridge with. */

import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { promisify } from "node:util";

import { type Environment, variable } from "../../config/env.ts";
import { isAtLeast, versionIn } from "../version.ts";
import type { Finding } from "./finding.ts";

/** A shell script of ours, with the paths that the installer wrote into it; empty where it wrote none. */
export type HookScript = { path: string; node: string; bundle: string };

const OLDEST = [20, 11, 0] as const;
const NODE_TIMEOUT_MS = 10_000;

/** The script in a command line; undefined for one that has none of ours. */
export function scriptIn(command: string): string | undefined {
  return wordsIn(command).find((word) => /(?:^|[/\\])hookspan\.sh$/.test(word));
}

/** Reads a script. Undefined if it is not there or not one of ours. */
export function readScript(path: string): HookScript | undefined {
  try {
    const text = readFileSync(path, "utf8");
    const value = (name: string) =>
      new RegExp(`^${name}='(.*)'$`, "m").exec(text)?.[1]?.replaceAll(String.raw`'\''`, "'");
    const [node, bundle] = [value("node"), value("bridge")];
    if (node === undefined || bundle === undefined) return undefined;
    return { path, node, bundle: bundle === "" ? join(dirname(path), "..", "dist", "hookspan.cjs") : bundle };
  } catch {
    return undefined;
  }
}

/** Whether the script finds a Node that can run the bridge, by running that Node. */
export async function nodeFinding(script: HookScript, env: Environment): Promise<Finding> {
  const base = { hop: "node" } as const;
  const fix = "install Node 20.11 or newer, then `hookspan install`";
  const isBaked = script.node !== "" && isExecutable(script.node);
  const node = isBaked ? script.node : inPath("node", env);
  if (node === undefined) {
    const baked = script.node === "" ? "" : `${script.node} is not there any more, and `;
    return { ...base, verdict: "fail", text: `${baked}PATH has no node, so ${script.path} starts no bridge`, fix };
  }
  const said = await versionSaid(node, env);
  const version = said.status === "said" ? versionIn(said.text) : undefined;
  if (version === undefined) {
    const how = said.status === "said" ? `says "${said.text.slice(0, 80).trim()}" for its version` : said.reason;
    return { ...base, verdict: "fail", text: `${node}, which the hook starts the bridge with, ${how}`, fix };
  }
  const name = `${node} ${version.join(".")}`;
  if (!isAtLeast(version, OLDEST))
    return { ...base, verdict: "fail", text: `${name}, which the hook starts the bridge with, is too old`, fix };
  if (!existsSync(script.bundle))
    return {
      ...base,
      verdict: "fail",
      text: `${script.bundle}, the bridge that ${script.path} starts, is not there`,
      fix: "hookspan install",
    };
  if (script.node !== "" && !isBaked)
    return {
      ...base,
      verdict: "warn",
      text: `${script.node} is not there any more; the hook takes ${name} from PATH`,
      fix: "hookspan install",
    };
  return { ...base, verdict: "ok", text: name };
}

/** The words of a simple command, as a shell splits them. */
function wordsIn(command: string): string[] {
  const words = command.match(/(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\])+/g) ?? [];
  return words.map((word) =>
    word.replaceAll(
      /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g,
      (_, single?: string, double?: string, one?: string) =>
        single ?? one ?? (double ?? "").replaceAll(/\\(["\\$`])/g, "$1"),
    ),
  );
}

async function versionSaid(node: string, env: Environment) {
  try {
    const running = promisify(execFile)(node, ["--version"], { timeout: NODE_TIMEOUT_MS, killSignal: "SIGKILL", env });
    running.child.stdin?.end();
    return { status: "said" as const, text: (await running).stdout };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "no word";
    return { status: "failed" as const, reason: `does not run (${code})` };
  }
}

function inPath(name: string, env: Environment): string | undefined {
  const folders = (variable(env, "PATH") ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
