/** `hookspan doctor`: each hop from an agent to the store, in the order of the way. Changes nothing but a probe in the state directory. */

import { isAbsolute } from "node:path";

import type { Config } from "../../config/config.ts";
import type { Exporter } from "../../otlp/exporter.ts";
import { AGENT_SETUPS, type AgentName, AGENTS, type Surroundings } from "../agents.ts";
import { detect, type Detected, versionOf } from "../detect.ts";
import { hookProgram } from "../hook-copy.ts";
import { readSettings } from "../settings-file.ts";
import { agentFindings } from "./agent-findings.ts";
import { bridgeFinding } from "./bridge-finding.ts";
import type { Finding, Hop } from "./finding.ts";
import { type HookCommand, hookFinding, startFinding } from "./hook-run.ts";
import { intakeFinding, postUrlIn } from "./intake-finding.ts";
import { nodeFinding, readScript, scriptIn } from "./hook-script.ts";
import { collectorFindings, createProbe } from "./probe.ts";
import { commandOf, type Place, placesOf } from "./registered-places.ts";
import { stateFinding } from "./state-finding.ts";
import { type Stores, storeFindings } from "./stores.ts";

export type DoctorOptions = {
  around: Surroundings;
  /** Where the installed hook is, absolute. */
  data: string;
  node: string;
  /** What a bridge would take, with its headers; or why it cannot be read, and the state directory, if that is known. */
  config: { status: "read"; value: Config } | { status: "failed"; reason: string; home: string | undefined };
  createExporter: (config: Config) => Exporter;
  stores: Stores;
  /** How long the stores may take. */
  waitMs: number;
  nowMs: () => number;
};

/** An agent whose hooks post by themselves. */
type Post = { agent: AgentName; url: string };

/** The findings in the order of the way, each as soon as it is there. */
export async function* doctor(options: DoctorOptions): AsyncGenerator<Finding> {
  const { config } = options;
  yield configurationFinding(options);
  const hooks: HookCommand[] = [];
  const posts: Post[] = [];
  yield* agentHops(options, hooks, posts);
  yield* hookHops(hooks, options);
  const home = config.status === "read" ? config.value.home : config.home;
  if (home !== undefined) {
    yield* guarded("state", async () => [stateFinding(home)]);
    yield* guarded("bridge", async () => [bridgeFinding(home, options.nowMs())]);
    for (const { agent, url } of posts) yield await intakeFinding(agent, url, home, options.around.env);
  }
  if (config.status === "read") yield* sendingHops(config.value, options);
}

function configurationFinding({ config }: DoctorOptions): Finding {
  const hop = "configuration" as const;
  if (config.status === "failed")
    return { hop, verdict: "fail", text: config.reason, fix: "correct it; `hookspan config path` names the file" };
  if (config.value.disabled)
    return {
      hop,
      verdict: "fail",
      text: "HOOKSPAN_DISABLED is set: hooks and bridge do nothing",
      fix: "unset HOOKSPAN_DISABLED",
    };
  return { hop, verdict: "ok", text: config.value.file ?? "no file, so the defaults" };
}

async function* agentHops(options: DoctorOptions, hooks: HookCommand[], posts: Post[]): AsyncGenerator<Finding> {
  const { around, data, node } = options;
  const present = AGENTS.map((agent) => detect(agent, around)).filter(({ home, binary }) => home ?? binary);
  if (present.length === 0) {
    yield { hop: "agent", verdict: "fail", text: "no agent found", fix: "hookspan install AGENT, once you have one" };
    return;
  }
  const registered = present.filter(({ agent }) => placesOf(agent, around, readSettings).found.length > 0);
  const program = hookProgram(data, around.platform, node);
  for (const detected of present) {
    const isRegistered = registered.includes(detected);
    const version = isRegistered ? await versionIfAsked(detected, around) : undefined;
    const request = { detected, around, program, version, isNoneRegistered: registered.length === 0 };
    const { findings, places } = agentFindings(request, readSettings);
    yield* findings;
    if (isRegistered && isLeftOut(detected.agent, options)) yield leftOutFinding(detected.agent);
    hooks.push(...places.flatMap((place) => commandIn(detected, place, program.script)));
    const url = postUrlIn(detected.agent, places);
    if (url !== undefined) posts.push({ agent: detected.agent, url });
  }
}

function isLeftOut(agent: AgentName, { config }: DoctorOptions): boolean {
  return config.status === "read" && config.value.agents?.includes(agent) === false;
}

function leftOutFinding(agent: AgentName): Finding {
  return {
    hop: "configuration",
    agent,
    verdict: "warn",
    text: "nothing of it is recorded, for `agents` in the configuration does not name it",
    fix: "hookspan config unset agents",
  };
}

/** Only where a version decides something is a client asked for it. */
async function versionIfAsked({ agent, binary }: Detected, around: Surroundings) {
  return AGENT_SETUPS[agent].since === undefined || binary === undefined ? undefined : versionOf(binary, around);
}

/** One hook of each place; Claude Code's plugin runs the installed one. */
function commandIn({ agent }: Detected, { kind, handlers }: Place, script: string): HookCommand[] {
  const [first] = handlers.flatMap(({ event, handler }) => {
    const command = commandOf(handler);
    return command === undefined ? [] : [{ agent, event, command }];
  });
  if (first !== undefined) return [first];
  const quoted = `'${script.replaceAll("'", String.raw`'\''`)}'`;
  return kind === "plugin" && agent === "claude-code" ? [{ agent, event: "Stop", command: `${quoted} ${agent}` }] : [];
}

async function* hookHops(hooks: readonly HookCommand[], { around }: DoctorOptions): AsyncGenerator<Finding> {
  const seen = new Set<string>();
  const firstOf = new Map<string, HookCommand>();
  for (const hook of hooks) {
    const path = scriptIn(hook.command);
    if (path !== undefined && isAbsolute(path) && !firstOf.has(path)) firstOf.set(path, hook);
  }
  const broken = new Set<string>();
  for (const path of firstOf.keys()) {
    const script = readScript(path);
    if (script === undefined) continue; // The run says what is wrong with it.
    const finding = await nodeFinding(script, around.env);
    if (finding.verdict === "fail") broken.add(path);
    yield finding;
  }
  for (const hook of hooks) {
    if (seen.has(hook.command)) continue;
    seen.add(hook.command);
    const path = scriptIn(hook.command);
    for await (const finding of guarded("hook", async () => [await hookFinding(hook, around.env)])) {
      if (finding.verdict === "fail" && path !== undefined) broken.add(path);
      yield finding;
    }
  }
  for (const [path, hook] of firstOf) {
    if (broken.has(path)) yield { hop: "start", verdict: "unknown", text: "not tried, for the hook does not work" };
    else yield* guarded("start", async () => [await startFinding(hook, around.env)]);
  }
}

async function* sendingHops(config: Config, options: DoctorOptions): AsyncGenerator<Finding> {
  let exporter: Exporter;
  try {
    exporter = options.createExporter(config);
  } catch (error) {
    // A TLS file that cannot be read.
    const text = error instanceof Error ? error.message : String(error);
    yield { hop: "traces", verdict: "fail", text, fix: "hookspan config set tls.ca FILE" };
    return;
  }
  try {
    const probe = createProbe(options.nowMs());
    const findings = await collectorFindings(exporter, probe, config.endpoints);
    yield* findings;
    const isTaken = (hop: Hop) => findings.some((one) => one.hop === hop && one.verdict === "ok");
    const sent = { endpoint: config.endpoints.traces, traces: isTaken("traces"), metrics: isTaken("metrics") };
    yield* await storeFindings(options.stores, probe, { ...sent, waitMs: options.waitMs });
  } finally {
    await exporter.close();
  }
}

/** What the disk does not let us look at is not known, and the way goes on. */
async function* guarded(hop: Hop, look: () => Promise<Finding[]>): AsyncGenerator<Finding> {
  try {
    yield* await look();
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
    yield { hop, verdict: "unknown", text: `could not be looked at: ${error.message}` };
  }
}
