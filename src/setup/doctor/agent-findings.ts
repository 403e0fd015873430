/** An agent's own part of the way: found, hooks where they count, not hidden, not doubled, trusted. Reads, and runs nothing. */

import { join } from "node:path";

import { AGENT_SETUPS, type AgentName, type Surroundings, wantedHooks } from "../agents.ts";
import type { HookProgram } from "../command-line.ts";
import type { Detected } from "../detect.ts";
import { parseJsonc, valueOf, memberOf, childrenOf } from "../jsonc.ts";
import type { Read } from "../plan.ts";
import { textOf } from "../settings-file.ts";
import type { Version } from "../version.ts";
import { claudeLevels, claudeLevelsFinding } from "./claude-levels.ts";
import { codexEntries, codexLevelsFinding, codexTrustFinding } from "./codex-trust.ts";
import type { Finding } from "./finding.ts";
import { nativeFinding } from "./native-telemetry.ts";
import { commandOf, type Place, placesOf } from "./registered-places.ts";

export type AgentRequest = {
  detected: Detected;
  around: Surroundings;
  /** The hook as `install` would register it. */
  program: HookProgram;
  version: Version | undefined;
  /** No agent has our hooks: then that is the fault, and not a choice. */
  isNoneRegistered: boolean;
};

/** The findings of an agent that was found, and the places with hooks of ours. */
export function agentFindings(request: AgentRequest, read: Read): { findings: Finding[]; places: Place[] } {
  const { detected, around } = request;
  const { agent } = detected;
  const { found, unusable } = placesOf(agent, around, read);
  const findings: Finding[] = [foundFinding(detected)];
  for (const { path, reason } of unusable)
    findings.push({
      hop: "hooks",
      agent,
      verdict: "fail",
      text: `${path} ${reason}, so ${AGENT_SETUPS[agent].title} does not read it either`,
      fix: "correct the file",
    });
  if (found.length === 0) {
    if (unusable.length === 0) findings.push(missingFinding(request));
    return { findings, places: found };
  }
  findings.push(hooksFinding(request, found));
  const levels = agent === "claude-code" ? claudeLevels(around, read) : [];
  const codex = agent === "codex" ? codexEntries(around, read) : [];
  if (agent === "claude-code") findings.push(claudeLevelsFinding(levels));
  if (agent === "codex") findings.push(codexLevelsFinding(codex));
  findings.push(singleFinding(agent, found));
  const [first] = found;
  if (agent === "codex" && first !== undefined)
    findings.push(codexTrustFinding(first, textAt(first.path, read), codex));
  if (agent === "hermes") findings.push(consentFinding(found, around, read));
  const native = nativeFinding(agent, around, { levels, codex, read });
  return { findings: native === undefined ? findings : [...findings, native], places: found };
}

function foundFinding({ agent, home, binary }: Detected): Finding {
  const text = [home, binary].filter((path) => path !== undefined).join(", ");
  return { hop: "agent", agent, verdict: "ok", text: `found: ${text}` };
}

function missingFinding({ detected: { agent }, isNoneRegistered, around }: AgentRequest): Finding {
  const file = AGENT_SETUPS[agent].file(around, "user") ?? "its settings";
  return {
    hop: "hooks",
    agent,
    verdict: isNoneRegistered ? "fail" : "warn",
    text: `${file} has no hook of hookspan`,
    fix: `hookspan install ${agent}`,
  };
}

/** By the events that have a hook: where the hook lies is a matter of taste. */
function hooksFinding({ detected: { agent }, program, version }: AgentRequest, places: readonly Place[]): Finding {
  const where = places.map(({ path }) => path).join(", ");
  const base = { hop: "hooks", agent } as const;
  if (places.some(({ kind }) => kind === "plugin")) return { ...base, verdict: "ok", text: `the plugin of ${where}` };
  const events = new Set(places.flatMap(({ handlers }) => handlers.map(({ event }) => event)));
  const missing = Object.keys(wantedHooks(agent, program, version)).filter((event) => !events.has(event));
  if (missing.length === 0) return { ...base, verdict: "ok", text: `${events.size} events in ${where}` };
  const text = `${where} has no hook for ${missing.join(", ")}`;
  return { ...base, verdict: "warn", text, fix: `hookspan install ${agent}` };
}

function singleFinding(agent: AgentName, places: readonly Place[]): Finding {
  const base = { hop: "single", agent } as const;
  const twice = places.find(({ handlers }) => new Set(handlers.map(({ event }) => event)).size < handlers.length);
  if (places.length > 1)
    return {
      ...base,
      verdict: "fail",
      text: `the hook is registered in ${places.map(wordFor).join(" and in ")}, so it runs more than once for each event`,
      fix: fixForDoubled(agent, places),
    };
  if (twice !== undefined)
    return {
      ...base,
      verdict: "fail",
      text: `${twice.path} has the hook more than once for an event`,
      fix: `hookspan install ${agent}`,
    };
  return { ...base, verdict: "ok", text: "registered once" };
}

function wordFor({ kind, path }: Place): string {
  return kind === "plugin" ? `the plugin (${path})` : path;
}

function fixForDoubled(agent: AgentName, places: readonly Place[]): string {
  if (agent === "claude-code" && places.some(({ kind }) => kind === "plugin"))
    return "keep one: `claude plugin uninstall hookspan@hookspan`, or `hookspan uninstall claude-code`";
  const isInBoth = places.some(({ kind }) => kind === "project") && places.some(({ kind }) => kind === "user");
  return isInBoth ? `keep one: hookspan uninstall ${agent} --project` : "keep one of them";
}

/** Hermes runs a hook only if its list holds the event and the command, word for word. */
function consentFinding(places: readonly Place[], around: Surroundings, read: Read): Finding {
  const base = { hop: "trust", agent: "hermes" } as const;
  const path = join(AGENT_SETUPS.hermes.home(around), "shell-hooks-allowlist.json");
  const parsed = parseJsonc(textAt(path, read));
  const list = parsed.status === "parsed" ? childrenOf(memberOf(parsed.root, "approvals")).map(valueOf) : [];
  const isAllowed = (event: string, command: string) =>
    list.some(
      (one) =>
        typeof one === "object" &&
        one !== null &&
        "event" in one &&
        one.event === event &&
        "command" in one &&
        one.command === command,
    );
  const handlers = places.flatMap((place) => place.handlers);
  const open = handlers.filter(({ event, handler }) => !isAllowed(event, commandOf(handler) ?? ""));
  if (open.length === 0) return { ...base, verdict: "ok", text: `${path} allows every hook` };
  return {
    ...base,
    verdict: "fail",
    text: `${path} does not allow ${open.map(({ event }) => event).join(", ")}, so Hermes does not run them`,
    fix: "hookspan install hermes --allow-hermes",
  };
}

function textAt(path: string, read: Read): string {
  const file = read(path);
  return file.status === "present" ? (textOf(file.bytes) ?? "") : "";
}
