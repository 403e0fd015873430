/**
 * What the installer knows of each agent: where its settings are, what they look like, and which hooks belong there. The hooks
 * are those of the snippets in `hooks/`, so that both ways to register say the same.
 */

import { isAbsolute, join } from "node:path";

import claudeCode from "../../hooks/claude-code.settings.json" with { type: "json" };
import codex from "../../hooks/codex.hooks.json" with { type: "json" };
import copilotCli from "../../hooks/copilot-cli.hooks.json" with { type: "json" };
import cursor from "../../hooks/cursor.hooks.json" with { type: "json" };
import geminiCli from "../../hooks/gemini-cli.settings.json" with { type: "json" };
import qwenCode from "../../hooks/qwen-code.settings.json" with { type: "json" };
import type { Environment } from "../config/env.ts";
import { variable } from "../config/env.ts";
import { userHome } from "../config/path.ts";
import { commandLine, type HookProgram, isHookLine, nativePath, powershellLine } from "./command-line.ts";
import { httpHook, isHttpHook } from "./http-hook.ts";
import type { Handler, HookFile } from "./json-hooks.ts";
import { isAtLeast, type Version } from "./version.ts";

export const AGENTS = [
  "claude-code",
  "codex",
  "hermes",
  "cursor",
  "gemini-cli",
  "qwen-code",
  "opencode",
  "copilot-cli",
] as const;
export type AgentName = (typeof AGENTS)[number];

/** In all projects of a user, or in one. */
export type Scope = "user" | "project";

/** Where things are on this machine. */
export type Surroundings = { env: Environment; platform: NodeJS.Platform; /** Absolute. */ project: string };

export type AgentSetup = {
  title: string;
  binaries: readonly string[];
  /** The agent's directory of settings, which is there once the agent has run. */
  home(around: Surroundings): string;
  /** Its file of settings; undefined where it has none of this scope. */
  file(around: Surroundings, scope: Scope): string | undefined;
  /** `plugin`: the file is a program of ours. */
  form: "groups" | "flat" | "yaml" | "plugin";
  /** Other keys that a file of settings must have. */
  root?: Readonly<Record<string, unknown>>;
  /** The hooks, by event, with the path of the snippets. */
  hooks: Readonly<Record<string, Handler>>;
  /** Events that not every version takes, with the first that does. To ask for the version takes a second. */
  since?: Readonly<Record<string, Version>>;
  /** Where hooks can post by themselves: from which version, and which events no such hook is run for. */
  http?: { since: Version; never: readonly string[] };
  /** Variables that switch on its own OpenTelemetry, where that tells more than its hooks: with both, each run comes twice. */
  ownTelemetry?: readonly string[];
  /** What the user has to know or to do. */
  note?: string;
};

/** The path in the snippets that stands for the hook. */
const PLACEHOLDER = "/path/to/hookspan/hooks/hookspan.sh ";

const HERMES_EVENTS =
  "on_session_start pre_llm_call pre_tool_call post_tool_call pre_approval_request post_approval_response post_api_request post_auxiliary_call api_request_error subagent_start subagent_stop post_llm_call on_session_end on_session_finalize on_session_reset";

export const AGENT_SETUPS: Readonly<Record<AgentName, AgentSetup>> = {
  "claude-code": {
    title: "Claude Code",
    binaries: ["claude"],
    home: (around) => directory(around, "CLAUDE_CONFIG_DIR", ".claude"),
    // The line holds a path of this machine, so in a project it goes where no one else gets it.
    file: settings("settings.json", ".claude/settings.local.json"),
    form: "groups",
    hooks: grouped(claudeCode.hooks),
    // An older client ignores the whole file for one event it does not know; from 2.1.101 it passes over the event.
    since: {
      SubagentStart: [2, 0, 43],
      PermissionRequest: [2, 0, 45],
      PostCompact: [2, 1, 76],
      StopFailure: [2, 1, 78],
      PermissionDenied: [2, 1, 89],
      PostToolUseFailure: [2, 1, 100],
      PostToolBatch: [2, 1, 101],
    },
    // An older client ignores the whole file for a type of hook that it does not know.
    http: { since: [2, 1, 63], never: ["SessionStart", "Setup"] },
  },
  codex: {
    title: "Codex",
    binaries: ["codex"],
    home: (around) => directory(around, "CODEX_HOME", ".codex"),
    file: settings("hooks.json", ".codex/hooks.json"),
    form: "groups",
    hooks: grouped(codex.hooks),
    note: "Codex runs a hook only once you trust it, and `codex exec` says nothing when it skips one: open codex, type /hooks, and accept them",
  },
  hermes: {
    title: "Hermes",
    binaries: ["hermes"],
    home: (around) => directory(around, "HERMES_HOME", ".hermes"),
    file: settings("config.yaml", undefined),
    form: "yaml",
    hooks: Object.fromEntries(
      HERMES_EVENTS.split(" ").map((event) => [event, { command: `${PLACEHOLDER}hermes`, timeout: 5 }]),
    ),
    since: { post_auxiliary_call: [0, 20, 0] },
  },
  cursor: {
    title: "Cursor",
    binaries: ["cursor", "cursor-agent"],
    home: ({ env, platform }) => inHome(env, platform, ".cursor"),
    file: settings("hooks.json", ".cursor/hooks.json"),
    form: "flat",
    root: { version: 1 },
    hooks: flat(cursor.hooks),
    note: "not run against a real Cursor: if nothing comes, an event that your version does not know may void the file",
  },
  "gemini-cli": {
    title: "Gemini CLI",
    binaries: ["gemini"],
    home: ({ env, platform }) => inHome(env, platform, ".gemini"),
    file: settings("settings.json", ".gemini/settings.json"),
    form: "groups",
    hooks: grouped(geminiCli.hooks),
  },
  "qwen-code": {
    title: "Qwen Code",
    binaries: ["qwen"],
    home: ({ env, platform }) => inHome(env, platform, ".qwen"),
    file: settings("settings.json", ".qwen/settings.json"),
    form: "groups",
    hooks: grouped(qwenCode.hooks),
  },
  opencode: {
    title: "OpenCode",
    binaries: ["opencode"],
    home: ({ env, platform }) => {
      const xdg = variable(env, "XDG_CONFIG_HOME");
      const base = xdg !== undefined && isAbsolute(xdg) ? xdg : inHome(env, platform, ".config");
      return join(base, "opencode");
    },
    file: settings("plugin/hookspan.js", ".opencode/plugin/hookspan.js"),
    form: "plugin",
    hooks: {},
  },
  "copilot-cli": {
    title: "Copilot CLI",
    binaries: ["copilot"],
    home: (around) => directory(around, "COPILOT_HOME", ".copilot"),
    file: settings("hooks/hookspan.json", ".github/hooks/hookspan.json"),
    form: "flat",
    root: { version: 1 },
    hooks: flat(copilotCli.hooks),
    ownTelemetry: ["COPILOT_OTEL_ENABLED", "OTEL_EXPORTER_OTLP_ENDPOINT"],
    note: "Copilot CLI's own OpenTelemetry tells more than its hooks; where it is on, each run would come twice: then `hookspan uninstall copilot-cli`",
  },
};

/**
 * The hooks for a version, as they are to stand in the file. Of an unknown version, those that each documented one takes. With
 * the `url` of an intake, all that can be by HTTP are: one hook for each event, of the one kind or of the other.
 */
export function wantedHooks(
  agent: AgentName,
  program: HookProgram,
  version: Version | undefined,
  url?: string,
): Record<string, Handler> {
  const { hooks, since, http } = AGENT_SETUPS[agent];
  const oldest: Version = agent === "claude-code" ? [2, 0, 76] : [0, 19, 0];
  const takes = (event: string) => isAtLeast(version ?? oldest, since?.[event] ?? [0, 0, 0]);
  const isTaken = Object.entries(hooks).filter(([event]) => takes(event));
  const isPosted = (event: string) => http !== undefined && !http.never.includes(event);
  return Object.fromEntries(
    isTaken.map(([event, handler]) => [
      event,
      url !== undefined && isPosted(event) ? httpHook(agent, url, handler["timeout"]) : localised(handler, program),
    ]),
  );
}

/** The variable by which an agent's own telemetry is on here, if that makes its hooks idle. */
export function ownTelemetryOf(agent: AgentName, env: Environment): string | undefined {
  return AGENT_SETUPS[agent].ownTelemetry?.find((name) => !/^(?:|0|false|no|off)$/i.test(variable(env, name) ?? ""));
}

/** How the agent's file is read and edited. */
export function hookFileOf(agent: AgentName): HookFile {
  const { form, root = {} } = AGENT_SETUPS[agent];
  return {
    form: form === "groups" ? "groups" : "flat",
    root,
    isOurs: (handler) => isHttpHook(handler, agent) || isCommandHook(handler, agent),
  };
}

/** True for the name of an agent that can be installed. */
export function isAgentName(name: string): name is AgentName {
  return AGENTS.some((agent) => agent === name);
}

function isCommandHook({ command, commandWindows, bash, powershell, args }: Handler, agent: AgentName): boolean {
  const words = [command, ...(Array.isArray(args) ? args : [])].join(" ");
  return [command, commandWindows, bash, powershell, words].some(
    (line) => typeof line === "string" && isHookLine(line, agent),
  );
}

/** The snippet's handler, with the real hook in the place of the snippet's. */
function localised(handler: Handler, program: HookProgram): Handler {
  const entries = Object.entries(handler).map(([key, value]): [string, unknown] => {
    if (typeof value !== "string" || !value.startsWith(PLACEHOLDER)) return [key, value];
    const words = value.slice(PLACEHOLDER.length).split(" ");
    const isForPowershell = key === "bash" && program.platform === "win32";
    return isForPowershell ? ["powershell", powershellLine(program, words)] : [key, commandLine(program, words)];
  });
  return Object.fromEntries(entries);
}

function settings(inHomeDirectory: string, inProject: string | undefined): AgentSetup["file"] {
  return function file(this: AgentSetup, around, scope) {
    if (scope === "user") return join(this.home(around), inHomeDirectory);
    return inProject && join(around.project, inProject);
  };
}

/** Where a variable names a directory, the agent takes that, and so from where it is started if that is relative. */
function directory({ env, platform, project }: Surroundings, name: string, fallback: string): string {
  const named = variable(env, name);
  if (named === undefined) return inHome(env, platform, fallback);
  const path = nativePath(named, platform);
  return /^(?:[A-Za-z]:)?[\\/]/.test(path) ? path : join(project, path);
}

function inHome(env: Environment, platform: NodeJS.Platform, name: string): string {
  return join(nativePath(userHome(env), platform), name);
}

function grouped(hooks: Record<string, { hooks: Handler[] }[]>): Record<string, Handler> {
  return Object.fromEntries(Object.entries(hooks).map(([event, [group]]) => [event, group?.hooks[0] ?? {}]));
}

function flat(hooks: Record<string, Handler[]>): Record<string, Handler> {
  return Object.fromEntries(Object.entries(hooks).map(([event, [handler]]) => [event, handler ?? {}]));
}
