/** `hookspan service`: a bridge that always lives, under the manager of the user's services. */

import { dirname, join } from "node:path";

import { variable } from "../config/env.ts";
import type { Surroundings } from "./agents.ts";
import { carryOut, type SetupDeps, type SetupEnd } from "./carry-out.ts";
import { changeTo, emptyPlan, type Plan, type Read } from "./plan.ts";
import { runWord, serviceLog, type ServiceManager, serviceManager, type Word } from "./service-manager.ts";
import { isServiceText, type ServiceProgram, unsayable } from "./service-unit.ts";
import { readSettings, type SettingsFile, textOf } from "./settings-file.ts";

/** Variables that decide which directories hook and bridge share. */
const SHARED = ["HOOKSPAN_HOME", "HOOKSPAN_CONFIG", "XDG_STATE_HOME", "XDG_CONFIG_HOME"];
/** Variables of this shell that the service does not get: some hold secrets, all belong into the configuration. */
const OWN = ["HOOKSPAN_ENDPOINT", "HOOKSPAN_HEADERS", "HOOKSPAN_CAPTURE", "HOOKSPAN_INSTANCE", "HOOKSPAN_LOG_LEVEL"];

/** `file` as it is: `other` is of another version or another's. */
export type ServiceStatus = {
  path: string;
  file: "missing" | "complete" | "other";
  /** Whether the manager has it running, in its own word; undefined if there is nobody to ask. */
  state: string | undefined;
  reason: string | undefined;
};

export async function installService(manager: ServiceManager, node: string, deps: SetupDeps): Promise<SetupEnd> {
  const { around, data } = deps;
  const plan = planService(manager, programOf(around, data, node), readSettings);
  if (plan.problems.length > 0) return carryOut(plan, deps);
  const { mayFail, commands } = manager.start;
  plan.notes.push(`then: ${commands.map(shown).join(" && ")}`, ...manager.hints);
  const left = OWN.filter((name) => variable(around.env, name) !== undefined);
  if (left.length > 0)
    plan.notes.push(`the service does not get ${left.join(", ")}; \`hookspan config set\` keeps what it shall have`);
  return carryOut(plan, deps, {
    async after() {
      for (const word of mayFail) await runWord(word, around);
      return runAll(commands, around);
    },
  });
}

export async function uninstallService(manager: ServiceManager, deps: SetupDeps): Promise<SetupEnd> {
  const plan = planNoService(manager, readSettings);
  if (plan.changes.length === 0) return carryOut(plan, deps);
  plan.notes.push(`before: ${shown(manager.stop)}`);
  let reason: string | undefined;
  return carryOut(plan, deps, {
    async before() {
      reason = await runAll([manager.stop], deps.around);
    },
    async after() {
      return reason ?? runAll(manager.forget, deps.around);
    },
  });
}

/** Asks the manager, changes nothing. */
export async function serviceStatus(manager: ServiceManager, node: string, deps: SetupDeps): Promise<ServiceStatus> {
  const file = readSettings(manager.path);
  const text = manager.text(programOf(deps.around, deps.data, node));
  const isSame = file.status === "present" && textOf(file.bytes) === text;
  const answer = await runWord(manager.isRunning, deps.around);
  return {
    path: manager.path,
    file: file.status === "absent" ? "missing" : isSame ? "complete" : "other",
    state: answer.status === "done" ? "running" : undefined,
    reason: answer.status === "done" ? undefined : answer.reason,
  };
}

/** The file of a service that is installed; undefined if there is none of ours. */
export function installedService(around: Surroundings, read: Read): string | undefined {
  const path = serviceManager(around)?.path;
  return path !== undefined && isOurs(read(path)) ? path : undefined;
}

function planService(manager: ServiceManager, program: ServiceProgram, read: Read): Plan {
  const plan = emptyPlan();
  const file = read(manager.path);
  const problem =
    (read(program.bundle).status === "present"
      ? unsayable(program)
      : `${program.bundle} is not there, and the service would start it; \`hookspan install\` first`) ??
    problemOf(file);
  if (problem !== undefined) return { ...plan, problems: [problem] };
  const about = { kind: "settings", what: `the bridge as a service of ${manager.name}`, mode: 0o644 } as const;
  const changes = changeTo(file, Buffer.from(manager.text(program)), about);
  return { ...plan, changes, unchanged: changes.length > 0 ? [] : [manager.path] };
}

function planNoService(manager: ServiceManager, read: Read): Plan {
  const plan = emptyPlan();
  const file = read(manager.path);
  const problem = problemOf(file);
  if (problem !== undefined) return { ...plan, problems: [problem] };
  const changes = changeTo(file, undefined, { kind: "settings", what: "the service", mode: 0o644 });
  const units = dirname(manager.path);
  // Each goes only if nothing else is in it.
  const folders = [join(units, "default.target.wants"), units, dirname(units)];
  return { ...plan, changes, directories: manager.name === "systemd" ? folders : [] };
}

function problemOf(file: SettingsFile): string | undefined {
  if (file.status === "absent") return undefined;
  if (file.status === "unusable") return `${file.path} ${file.reason}`;
  if (!isOurs(file)) return `${file.path} is not hookspan's; move it away`;
  return file.locked && `${file.path} ${file.locked}`;
}

function isOurs(file: SettingsFile): boolean {
  return file.status === "present" && isServiceText(textOf(file.bytes) ?? "");
}

function programOf({ env }: Surroundings, data: string, node: string): ServiceProgram {
  const shared = SHARED.flatMap((name) => {
    const value = variable(env, name);
    return value === undefined ? [] : [[name, value]];
  });
  return {
    node,
    bundle: join(data, "dist", "hookspan.cjs"),
    env: Object.fromEntries(shared),
    log: serviceLog(env),
  };
}

/** Gives what was not run, and why; undefined if all was. */
async function runAll(words: readonly Word[], around: Surroundings): Promise<string | undefined> {
  for (const [at, word] of words.entries()) {
    const answer = await runWord(word, around);
    if (answer.status === "done") continue;
    const left = words.slice(at).map(shown).join(" && ");
    return `the files are as they should be, but not done is: ${left} (${answer.reason})`;
  }
  return undefined;
}

function shown(word: Word): string {
  return word.join(" ");
}
