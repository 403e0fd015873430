/** The manager of a user's services: systemd on Linux, launchd on macOS. It is asked by its own program. */

import { execFile } from "node:child_process";
import { userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { userHome, xdg } from "../config/path.ts";
import { codeOf } from "../store/disk.ts";
import type { Surroundings } from "./agents.ts";
import { LABEL, launchdPlist, type ServiceProgram, systemdUnit, UNIT } from "./service-unit.ts";

/** One command to a manager, program first. */
export type Word = readonly [string, ...string[]];

export type ServiceManager = {
  name: "systemd" | "launchd";
  /** Where the service's file belongs, absolute. */
  path: string;
  text(program: ServiceProgram): string;
  /** What makes it take the file up and run it anew; `mayFail` are those before, of which some have nothing to do. */
  start: { mayFail: readonly Word[]; commands: readonly Word[] };
  /** What ends it, while the file is there, and what makes the manager forget it. */
  stop: Word;
  forget: readonly Word[];
  isRunning: Word;
  /** What to say of a life without a login, and of logs. */
  hints: readonly string[];
};

/** `missing`: its program is not here. */
export type Answer =
  | { status: "done"; output: string }
  | { status: "failed"; reason: string }
  | { status: "missing"; reason: string };

const PATIENCE_MS = 60_000;

/** Undefined where there is none that hookspan knows. */
export function serviceManager({ env, platform }: Surroundings): ServiceManager | undefined {
  if (platform === "linux") {
    return {
      name: "systemd",
      path: join(xdg(env, "XDG_CONFIG_HOME", ".config"), "systemd", "user", UNIT),
      text: systemdUnit,
      start: {
        mayFail: [],
        commands: [systemctl("daemon-reload"), systemctl("enable", UNIT), systemctl("restart", UNIT)],
      },
      stop: systemctl("disable", "--now", UNIT),
      forget: [systemctl("daemon-reload")],
      isRunning: systemctl("is-active", UNIT),
      hints: [
        "it starts with your first login and ends with your last; `loginctl enable-linger` keeps it without one",
        `its log: journalctl --user -u ${UNIT}`,
      ],
    };
  }
  if (platform !== "darwin") return undefined;
  const path = join(userHome(env), "Library", "LaunchAgents", `${LABEL}.plist`);
  const domain = `gui/${userInfo().uid}`;
  const stop: Word = ["launchctl", "bootout", `${domain}/${LABEL}`];
  return {
    name: "launchd",
    path,
    text: launchdPlist,
    start: { mayFail: [stop], commands: [["launchctl", "bootstrap", domain, path]] },
    stop,
    forget: [],
    isRunning: ["launchctl", "print", `${domain}/${LABEL}`],
    hints: [`its log: ${serviceLog(env)}`],
  };
}

/** Where launchd puts what the bridge says. */
export function serviceLog(env: Surroundings["env"]): string {
  return join(userHome(env), "Library", "Logs", "hookspan.log");
}

/** Runs one command of a manager. */
export async function runWord([program, ...args]: Word, { env }: Surroundings): Promise<Answer> {
  try {
    const { stdout } = await promisify(execFile)(program, args, { env, timeout: PATIENCE_MS });
    return { status: "done", output: stdout.trim() };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return { status: "missing", reason: `there is no ${program} here` };
    const reason = saidBy(error) || String(error);
    return { status: "failed", reason };
  }
}

function systemctl(...words: string[]): Word {
  return ["systemctl", "--user", ...words];
}

/** The first line that the program wrote. */
function saidBy(error: unknown): string {
  if (!(error instanceof Error && "stdout" in error && "stderr" in error)) return "";
  const { stdout, stderr } = error;
  return `${String(stderr)}\n${String(stdout)}`.trim().split("\n")[0] ?? "";
}
