/**
 * Agents whose hooks speak Claude Code's dialect, by their documentation; none of them was run. They decode as Claude Code does,
 * under their own name. Their transcripts are not read: nobody says that they have its form.
 */

import type { Envelope } from "../event/envelope.ts";
import { jsonText } from "../event/json-text.ts";
import type { Adapter, Decoded } from "./adapter.ts";
import { claudeCode } from "./claude-code.ts";
import { parsedJson } from "./parsed-json.ts";

/** By name of agent, what its events are called where that is not Claude Code's word. */
const DIALECTS: Record<string, Record<string, string>> = {
  "factory-droid": {},
  kiro: {
    agentSpawn: "SessionStart",
    userPromptSubmit: "UserPromptSubmit",
    preToolUse: "PreToolUse",
    postToolUse: "PostToolUse",
    stop: "Stop",
  },
  vscode: {},
  devin: {},
  auggie: {},
};

/** One adapter for each. */
export const claudeCompatible: readonly Adapter[] = Object.entries(DIALECTS).map(([agent, words]) => ({
  agent,
  decode: (envelope: Envelope) => decode(envelope, agent, words),
}));

function decode(envelope: Envelope, agent: string, words: Record<string, string>): Decoded {
  const json = parsedJson(envelope.payload);
  if (json === undefined) return { status: "invalid", reason: "malformed_json" };
  // Claude Code's marks in the environment are of a session around this one.
  const env = Object.fromEntries(Object.entries(envelope.env).filter(([name]) => name === "CI"));
  const text = jsonText(inClaudesWords(json, words));
  if (text === undefined) return { status: "invalid", reason: "malformed_json" };
  const decoded = claudeCode.decode({ ...envelope, env, payload: Buffer.from(text) });
  if (decoded.status === "invalid") return decoded;
  const events = decoded.events.filter(({ kind }) => kind !== "transcript.named");
  return { status: "decoded", events: events.map((event) => ({ ...event, agent })) };
}

/** Some write camelCase; a field that is there under Claude Code's name stands. */
function inClaudesWords(json: unknown, words: Record<string, string>): unknown {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return json;
  const renamed = Object.entries(json).map(([key, value]): [string, unknown] => [snakeCase(key), value]);
  const payload: Record<string, unknown> = { ...Object.fromEntries(renamed), ...json };
  const event = payload["hook_event_name"];
  return typeof event === "string" && Object.hasOwn(words, event)
    ? { ...payload, hook_event_name: words[event] }
    : payload;
}

function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
