/** Which agents are on this machine: by their directory of settings, or by their program. */

import { execFile } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { promisify } from "node:util";

import { variable } from "../config/env.ts";
import { userHome } from "../config/path.ts";
import { AGENT_SETUPS, type AgentName, type Surroundings } from "./agents.ts";
import { type Version, versionIn } from "./version.ts";

/** Long enough for a client that looks for updates first. */
const VERSION_TIMEOUT_MS = 10_000;

/** An agent as it was found; neither of the two: it is not here. */
export type Detected = {
  agent: AgentName;
  /** Its directory of settings, if it is there. */
  home: string | undefined;
  /** Its program, if one is in PATH or where its installer puts it. */
  binary: string | undefined;
};

export function detect(agent: AgentName, around: Surroundings): Detected {
  const setup = AGENT_SETUPS[agent];
  const home = setup.home(around);
  const isThere = statSync(home, { throwIfNoEntry: false })?.isDirectory() === true;
  return { agent, home: isThere ? home : undefined, binary: programOf(setup.binaries, around) };
}

/** Runs `<program> --version`. Undefined if it says none in time. */
export async function versionOf(program: string, around: Surroundings): Promise<Version | undefined> {
  // On Windows most are scripts, which only a shell runs.
  const isScript = around.platform === "win32" && /\.(?:cmd|bat)$/i.test(program);
  const options = { timeout: VERSION_TIMEOUT_MS, killSignal: "SIGKILL", shell: isScript, env: around.env } as const;
  try {
    const running = promisify(execFile)(isScript ? `"${program}"` : program, ["--version"], options);
    running.child.stdin?.end();
    return versionIn((await running).stdout);
  } catch {
    return undefined;
  }
}

function programOf(names: readonly string[], { env, platform }: Surroundings): string | undefined {
  const inPath = (variable(env, "PATH") ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  // Where installers put programs whether or not PATH knows.
  const folders = [...inPath, join(userHome(env), ".local", "bin"), join(userHome(env), ".claude", "local")];
  const endings = platform === "win32" ? [".exe", ".cmd", ".bat"] : [""];
  const candidates = folders.flatMap((folder) =>
    names.flatMap((name) => endings.map((end) => join(folder, name + end))),
  );
  return candidates.find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
