import { dirname, isAbsolute, join } from "node:path";

import { z } from "zod";

import { readBeginning } from "./regular-file.ts";

const PLAIN_ID = /^[A-Za-z0-9_-]{1,128}$/;
const MAX_META_BYTES = 64 * 1024;

const metaSchema = z.object({
  toolUseId: z.string().max(256).exactOptional(),
  parentAgentId: z.string().regex(PLAIN_ID).exactOptional(),
});

/** What Claude Code writes beside a subagent's transcript: the call that launched it, and the subagent that made the call. */
export type SubagentMeta = { toolUseId?: string; parentAgentId?: string };

/**
 * Where Claude Code may keep a subagent's transcript, newest layout first; whether one is there, reading it tells. Both ids
 * come from payloads and become parts of a path, so an id that could lead elsewhere has no files.
 */
export function subagentFiles(mainTranscript: string, sessionId: string, agentId: string): string[] {
  if (!isAbsolute(mainTranscript) || !PLAIN_ID.test(sessionId) || !PLAIN_ID.test(agentId)) return [];
  const directory = dirname(mainTranscript);
  const name = `agent-${agentId}.jsonl`;
  return [join(directory, sessionId, "subagents", name), join(directory, name)];
}

/** Reads the `.meta.json` beside a subagent's transcript; it appears a moment after the subagent's start. */
export function readMeta(subagentFile: string): SubagentMeta | undefined {
  if (!subagentFile.endsWith(".jsonl")) return undefined;
  const file = `${subagentFile.slice(0, -".jsonl".length)}.meta.json`;
  const text = readBeginning(file, MAX_META_BYTES, { ownOnly: true, followLinks: false });
  if (text === undefined) return undefined;
  const meta = metaSchema.safeParse(jsonOf(text));
  return meta.success ? meta.data : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
