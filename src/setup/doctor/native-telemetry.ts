/** Agents that send telemetry of their own: what of it tells the same as ours, and what is and is not counted twice. */

import { join } from "node:path";

import { variable } from "../../config/env.ts";
import { AGENT_SETUPS, type AgentName, type Surroundings } from "../agents.ts";
import { parseJsonc } from "../jsonc.ts";
import type { Read } from "../plan.ts";
import { textOf } from "../settings-file.ts";
import { claudeEnvironment, type Level } from "./claude-levels.ts";
import type { Finding } from "./finding.ts";
import { type TomlEntry, tomlText } from "./toml-entries.ts";

/** What an agent's own telemetry and ours have in common. */
const OVERLAP: Partial<Record<AgentName, string>> = {
  "claude-code":
    "its claude_code.* metrics tell the same tokens and cost as hookspan.*, under other names: neither is counted twice, a sum of both is",
  codex:
    "its codex.* metrics tell the same tokens as hookspan.*, under other names: neither is counted twice, a sum of both is",
  "gemini-cli":
    "gen_ai.client.token.usage and gen_ai.client.operation.duration come from both under one name: a panel that does not ask for service.namespace hookspan counts them twice; hookspan.* comes from here alone",
};

/** Undefined for an agent of which nothing is known. */
export function nativeFinding(
  agent: AgentName,
  around: Surroundings,
  known: { levels: readonly Level[]; codex: readonly TomlEntry[]; read: Read },
): Finding | undefined {
  const overlap = OVERLAP[agent];
  if (overlap === undefined) return undefined;
  const where = switchedOnBy(agent, around, known);
  const base = { hop: "native", agent } as const;
  if (where === undefined) return { ...base, verdict: "ok", text: "no telemetry of its own beside ours" };
  const fix = "keep one of the two, or never add them up";
  return { ...base, verdict: "warn", text: `its own telemetry is on too (${where}); ${overlap}`, fix };
}

function switchedOnBy(
  agent: AgentName,
  around: Surroundings,
  { levels, codex, read }: { levels: readonly Level[]; codex: readonly TomlEntry[]; read: Read },
): string | undefined {
  if (agent === "claude-code") {
    const name = "CLAUDE_CODE_ENABLE_TELEMETRY";
    if (isOn(claudeEnvironment(levels)[name])) return `${name} in the settings`;
    return isOn(variable(around.env, name)) ? `${name} in the environment` : undefined;
  }
  if (agent === "codex") {
    const on = codex.find(
      ({ path, value }) =>
        path[0] === "otel" &&
        /^(?:exporter|trace_exporter|metrics_exporter)$/.test(path[1] ?? "") &&
        tomlText(value) !== "none",
    );
    return on && `[otel] ${on.path[1]} in config.toml`;
  }
  if (variable(around.env, "GEMINI_TELEMETRY_ENABLED") === "true") return "GEMINI_TELEMETRY_ENABLED in the environment";
  const files = [AGENT_SETUPS[agent].home(around), join(around.project, ".gemini")].map((at) =>
    join(at, "settings.json"),
  );
  return files.find((path) => isGeminiOn(path, read));
}

function isGeminiOn(path: string, read: Read): boolean {
  const file = read(path);
  const parsed = file.status === "present" ? parseJsonc(textOf(file.bytes) ?? "") : undefined;
  const value: unknown = parsed?.status === "parsed" ? parsed.value : undefined;
  if (typeof value !== "object" || value === null || !("telemetry" in value)) return false;
  const { telemetry } = value;
  return typeof telemetry === "object" && telemetry !== null && "enabled" in telemetry && telemetry.enabled === true;
}

function isOn(value: unknown): boolean {
  return value === true || value === 1 || (typeof value === "string" && /^(?:1|true|yes|on)$/i.test(value));
}
