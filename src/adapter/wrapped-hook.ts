/** The run of another hook, as our wrapper saw it: its envelope holds the payload that the hook got, and how the hook ended. */

import { posix } from "node:path";

import type { Envelope } from "../event/envelope.ts";
import type { AgentEvent, EventBase } from "../event/event.ts";
import { optional } from "../event/optional.ts";

type HookRun = AgentEvent & { kind: "hook.ran" };

const SOURCES = ["system", "user", "project", "unknown"] as const;

/** Folders of settings that an administrator writes. */
const MANAGED = ["/etc/", "/Library/Application Support/", "C:/Program Files/", "C:/ProgramData/"];

/**
 * The one event that such an envelope tells of; undefined if the agent's adapter found nobody in the payload that it is of.
 * `decoded` is what that adapter made of it: who, which run and which call. Nothing else of it happened here.
 */
export function wrappedHook(envelope: Envelope, decoded: readonly AgentEvent[]): HookRun | undefined {
  const { wrap } = envelope;
  const [first] = decoded;
  if (wrap === undefined || first === undefined) return undefined;
  const callId = decoded.flatMap((event) => ("callId" in event && event.callId !== undefined ? [event.callId] : []))[0];
  const beganNs = nanoseconds(wrap["began"]);
  const endedNs = nanoseconds(wrap["ended"]);
  const isTimed = beganNs !== undefined && endedNs !== undefined && endedNs >= beganNs;
  const base: EventBase = {
    agent: first.agent,
    sessionId: first.sessionId,
    // By the clock that gave the envelope its time; a clock ahead of the disk's would put the run after all that is to come.
    atNs: endedNs !== undefined && endedNs < envelope.timeNs ? endedNs : envelope.timeNs,
    ...optional("runKey", first.runKey),
    ...optional("subagentId", first.subagentId),
    ...optional("taskId", first.taskId),
  };
  return {
    ...base,
    kind: "hook.ran",
    hookEvent: word(envelope.event) ?? "unknown",
    hookName: word(wrap["name"]) ?? "unknown",
    source: sourceOf(wrap, envelope.cwd),
    status: statusOf(wrap),
    ...(isTimed ? { durationMs: Number(endedNs - beganNs) / 1e6 } : {}),
    ...optional("callId", callId),
    id: envelope.id,
  };
}

/**
 * The agents' own rules: 2 is a no; with any other code but 0 a hook has failed, so has one that was killed, as agents do when
 * it takes too long; and of one that ended well, what it printed may be a no, or the word that all shall end.
 */
function statusOf({ code, decision }: Record<string, string>): HookRun["status"] {
  if (code === "2") return "blocked";
  if (code !== "0") return "failed";
  if (decision === "stop") return "stopped";
  return decision === "block" ? "blocked" : "completed";
}

/** As told; else by the settings file that names the hook. */
function sourceOf(wrap: Record<string, string>, cwd: string | undefined): HookRun["source"] {
  const told = SOURCES.find((source) => source === wrap["source"]);
  if (told !== undefined) return told;
  const file = (wrap["settings"] ?? "").replaceAll("\\", "/");
  if (file === "" || file.split("/").includes("..")) return "unknown";
  if (MANAGED.some((folder) => file.startsWith(folder))) return "system";
  if (file.startsWith("~/.")) return "user";
  const home = wrap["home"]?.replaceAll("\\", "/");
  const isAbsolute = file.startsWith("/") || /^[A-Za-z]:\//.test(file);
  if (!isAbsolute) return "project";
  // The home's own dot folders; a project may well lie below the home.
  if (home !== undefined && file.startsWith(`${home}/.`)) return "user";
  // `<project>/.agent/settings.json`, and we are in it.
  const project = posix.dirname(posix.dirname(file));
  const here = cwd?.replaceAll("\\", "/");
  return here !== undefined && (here === project || here.startsWith(`${project}/`)) ? "project" : "unknown";
}

/** A name is the user's own and goes out as an attribute: a short one of harmless characters, or none. */
function word(text: string | undefined): string | undefined {
  return text !== undefined && /^[\w.@+: -]{1,64}$/.test(text) ? text : undefined;
}

/** Seconds with up to nine decimals. Some locales have a comma. */
function nanoseconds(text: string | undefined): bigint | undefined {
  const match = /^(\d{1,12})[.,](\d{1,9})$/.exec(text ?? "");
  if (match === null) return undefined;
  return BigInt(match[1] ?? "0") * 1_000_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}
