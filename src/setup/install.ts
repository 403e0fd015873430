/** `hookspan install` and `hookspan uninstall`: plan, show, ask, do. */

import { AGENT_SETUPS, type AgentName, AGENTS, ownTelemetryOf, type Scope, type Surroundings } from "./agents.ts";
import { ask, carryOut, isTerminal, type SetupDeps, type SetupEnd } from "./carry-out.ts";
import { detect, type Detected, versionOf } from "./detect.ts";
import type { HookAddress, Transport } from "./http-hook.ts";
import { installedFiles, opencodePlugin } from "./hook-copy.ts";
import { type InstallRequest, planInstall } from "./plan-install.ts";
import { emptyPlan, type Plan } from "./plan.ts";
import { planUninstall } from "./plan-uninstall.ts";
import { installedService } from "./service.ts";
import { readSettings } from "./settings-file.ts";
import type { Version } from "./version.ts";

export type InstallOptions = {
  /** Empty: all that are found. */
  agents: readonly AgentName[];
  scope: Scope;
  /** Only the hook itself, registered nowhere. */
  hookOnly: boolean;
  /** The user's word that Hermes may run our hooks. */
  allowHermes: boolean;
  /** Undefined: as it is, else by commands. */
  transport: Transport | undefined;
  /** Where hooks post to that go by HTTP. */
  address: HookAddress;
  /** What the configuration file is to say of the Collector; undefined: it stays. */
  configuration: { path: string; endpoint: string } | undefined;
  /** The running bundle, absolute, in its package. */
  running: string;
  node: string;
  /** How the user calls hookspan. */
  hookspan: string;
};

export type UninstallOptions = {
  agents: readonly AgentName[];
  /** Undefined: both. */
  scope: Scope | undefined;
  /** Sends what the state directory holds and removes it; what it gives is the reason why it could not. */
  purge: { home: string; run: () => Promise<string | undefined> } | undefined;
};

export async function install(options: InstallOptions, deps: SetupDeps): Promise<SetupEnd> {
  const { around, data } = deps;
  const named = options.hookOnly ? [] : options.agents;
  const isAll = !options.hookOnly && named.length === 0;
  const found = (isAll ? AGENTS : named).map((agent) => detect(agent, around));
  // Of all agents, only those can be meant whose hooks can go so.
  const isMeant = (agent: AgentName) => options.transport !== "http" || AGENT_SETUPS[agent].http !== undefined;
  const present = isAll
    ? found.filter(({ agent, home, binary }) => (home ?? binary) !== undefined && isMeant(agent))
    : found;
  if (isAll && present.length === 0) return { status: "nothing found" };
  const versions = await versionsOf(present, around);
  const leftOut = isAll ? present.flatMap(({ agent }) => leftOutOf(agent, around)) : [];
  const agents = present
    .map(({ agent }) => agent)
    .filter((agent) => !isAll || hasFile(agent, around, options.scope))
    .filter((agent) => !leftOut.some((one) => one.agent === agent));
  const notes = leftOut.map(({ note }) => note);
  if (isAll && agents.length === 0 && notes.length > 0) return carryOut({ ...emptyPlan(), notes }, deps);
  const request = {
    agents,
    scope: options.scope,
    around,
    data,
    node: options.node,
    files: installedFiles(options.running, data, options.node),
    plugin: opencodePlugin(options.running, data, options.node),
    versions,
    transport: options.transport,
    address: options.address,
    configuration: options.configuration,
    consentAt: options.allowHermes ? new Date() : undefined,
  };
  const planned = (asked: InstallRequest): Plan => {
    const plan = planInstall(asked, readSettings);
    return { ...plan, notes: [...plan.notes, ...notes] };
  };
  const plan = planned(request);
  const end = await carryOut(await withConsent(plan, request, deps, planned), deps);
  const isDone = (end.status === "done" || end.status === "partly") && !deps.dryRun && plan.changes.length > 0;
  if (isDone && agents.length > 0) deps.output.write(nextText(options.hookspan));
  return end;
}

export async function uninstall(options: UninstallOptions, deps: SetupDeps): Promise<SetupEnd> {
  const { purge } = options;
  const service = installedService(deps.around, readSettings);
  if (purge !== undefined && service !== undefined)
    return {
      status: "unfinished",
      reason: `${service} would start a bridge anew; \`hookspan service uninstall\` first`,
    };
  const plan = planUninstall({ ...options, around: deps.around, data: deps.data }, readSettings);
  if (purge === undefined && plan.changes.some(({ kind }) => kind === "configuration"))
    plan.notes.push(
      "what still waits has no endpoint then but the default; `hookspan flush` first, or --purge, sends it",
    );
  if (purge !== undefined) plan.notes.push(`${purge.home} is removed, once everything in it is sent`);
  return carryOut(plan, deps, { after: purge?.run });
}

/** The plan with the user's word that Hermes may run the hooks, where somebody is there to give it. */
async function withConsent(
  plan: Plan,
  request: InstallRequest,
  deps: SetupDeps,
  planned: (asked: InstallRequest) => Plan,
): Promise<Plan> {
  const isOpen = request.agents.includes("hermes") && request.consentAt === undefined && plan.changes.length > 0;
  if (!isOpen || deps.yes || deps.dryRun || !isTerminal(deps)) return plan;
  deps.output.write("Hermes runs a hook only with your consent.\n");
  const consents = await ask("Allow it to run hookspan's hooks? [y/N] ", deps);
  return consents ? planned({ ...request, consentAt: new Date() }) : plan;
}

/** Only where a version decides something is a client asked for it. */
async function versionsOf(
  found: readonly Detected[],
  around: Surroundings,
): Promise<Partial<Record<AgentName, Version>>> {
  const asked = found.filter(({ agent, binary }) => AGENT_SETUPS[agent].since !== undefined && binary !== undefined);
  const answers = await Promise.all(
    asked.map(async ({ agent, binary = "" }) => [agent, await versionOf(binary, around)] as const),
  );
  return Object.fromEntries(answers.filter(([, version]) => version !== undefined));
}

function nextText(hookspan: string): string {
  return `An agent that runs already may have to be started anew; after its next turn, \`${hookspan} status\` tells what came.
Data wait until a Collector takes them; without any, \`${hookspan} tail\` shows them in its place.
If nothing comes, \`${hookspan} doctor\` says why.
`;
}

/** Who asks for all agents does not want one whose own telemetry tells the same, and more. */
function leftOutOf(agent: AgentName, { env }: Surroundings): { agent: AgentName; note: string }[] {
  const name = ownTelemetryOf(agent, env);
  if (name === undefined) return [];
  const { title } = AGENT_SETUPS[agent];
  const note = `${title} is left out: its own OpenTelemetry is on (${name}) and tells more than its hooks; with both, each run would come twice. \`hookspan install ${agent}\` registers it even so`;
  return [{ agent, note }];
}

function hasFile(agent: AgentName, around: Surroundings, scope: Scope): boolean {
  return AGENT_SETUPS[agent].file(around, scope) !== undefined;
}
