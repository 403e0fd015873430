/**
 * Recognition: whose payload it is. Some agents run the hook files of others (Cursor and Copilot CLI run Claude Code's), so the
 * name that the hook was given tells only where it was installed. The payload's shape decides, the most telling sign first;
 * a payload without any sign is of the agent that the hook names.
 */

import type { Envelope } from "../event/envelope.ts";
import { parsedJson } from "./parsed-json.ts";

/** Agents whose shapes are known. A hook of any other name speaks a dialect that its user declared, and is believed. */
const KNOWN = new Set(["claude-code", "codex", "copilot-cli", "cursor", "gemini-cli", "hermes", "qwen-code"]);

/** Events that only Gemini CLI has. */
const GEMINI_EVENTS = /^(?:Before|After)(?:Agent|Model|Tool|ToolSelection)$/;

type Payload = Record<string, unknown>;

/** The agent that speaks. Never throws: what cannot be read, is left to the adapter of the declared agent. */
export function recognise({ agent, payload }: Pick<Envelope, "agent" | "payload">): string {
  if (!KNOWN.has(agent)) return agent;
  const json = parsedJson(payload);
  return isRecord(json) ? (signedBy(json) ?? agent) : agent;
}

function signedBy(payload: Payload): string | undefined {
  const event = wordOf(payload["hook_event_name"]);
  const transcript = wordOf(payload["transcript_path"]) || wordOf(payload["agent_transcript_path"]);
  const path = transcript.replaceAll("\\", "/");
  if ("cursor_version" in payload || ("conversation_id" in payload && "generation_id" in payload)) return "cursor";
  if (isGatewayFrame(payload) || isHermes(payload, event)) return "hermes";
  if (path.includes("/.codex/") || /\/rollout-[^/]+\.jsonl(?:\.zst)?$/.test(path)) return "codex";
  if (wordOf(payload["prompt_id"]).includes("########") || path.includes("/.qwen/")) return "qwen-code";
  if ("llm_request" in payload || GEMINI_EVENTS.test(event) || path.includes("/.gemini/")) return "gemini-cli";
  if (isCopilot(payload, event, path)) return "copilot-cli";
  // A turn's id and no transcript: a session of Codex that keeps none. Claude Code gives one to messages, not to turns.
  if ("turn_id" in payload && payload["transcript_path"] === null) return "codex";
  return isClaudeCode(payload, path) ? "claude-code" : undefined;
}

function isGatewayFrame(payload: Payload): boolean {
  return typeof payload["event_type"] === "string" && isRecord(payload["context"]) && !("hook_event_name" in payload);
}

/** All that is not of every event lies in `extra`, and names are in small letters. */
function isHermes(payload: Payload, event: string): boolean {
  return isRecord(payload["extra"]) && /^[a-z]+(?:_[a-z]+)*$/.test(event);
}

/** Two dialects: names and milliseconds in camelCase, without the event; or as Claude Code's, with a time in each payload. */
function isCopilot(payload: Payload, event: string, path: string): boolean {
  const isNameless = event === "" && !("extra" in payload) && !("hookEventName" in payload);
  if (isNameless) return typeof payload["sessionId"] === "string" && typeof payload["timestamp"] === "number";
  if (path.includes("/.copilot/")) return true;
  const isTimed = typeof payload["session_id"] === "string" && typeof payload["timestamp"] === "string";
  return isTimed && !("permission_mode" in payload) && !path.includes("/.claude/");
}

/** The name of the transcript is the session's id. */
function isClaudeCode(payload: Payload, path: string): boolean {
  const session = wordOf(payload["session_id"]);
  if (session === "" || "timestamp" in payload) return false;
  return path.includes("/.claude/projects/") || path.endsWith(`/${session}.jsonl`);
}

function wordOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function isRecord(value: unknown): value is Payload {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
