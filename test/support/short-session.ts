/** One short session of Claude Code, as its hooks and its transcript tell it, now. */

import { appendFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect } from "vitest";

import { QUIET } from "./hook-tree.ts";
import type { Installed } from "./installed.ts";

/** What comes of it, whatever stood between. */
export const SHORT_SESSION = {
  spans: [
    "chat claude-opus-5-5",
    "chat claude-opus-5-5",
    "execute_tool Bash",
    "invoke_agent claude-code",
    "session claude-code",
  ],
  totals: { "hookspan.session.count": 1, "hookspan.run.count": 1, "hookspan.token.usage": 18 },
};

/**
 * Runs the hooks, each of which has to end as it always does; with `isCut` the client goes without its last one. Returns between
 * which times, in ns, all of it happened.
 */
export async function runShortSession(
  installed: Installed,
  { id, env = {}, isCut = false }: { id: string; env?: NodeJS.ProcessEnv; isCut?: boolean },
): Promise<{ fromNs: bigint; toNs: bigint }> {
  const path = join(String(installed.env["HOME"]), ".claude", "projects", "p", `${id}.jsonl`);
  mkdirSync(dirname(path), { recursive: true });
  const fromNs = nowNs();
  const hook = async (name: string, more: object = {}): Promise<void> => {
    const payload = { session_id: id, prompt_id: `${id}-1`, transcript_path: path, hook_event_name: name, ...more };
    expect(await installed.hook(payload, env)).toEqual(QUIET);
  };
  const answer = (message: string): void => {
    const usage = { input_tokens: 7, output_tokens: 2 };
    const line = {
      type: "assistant",
      timestamp: new Date().toISOString(),
      message: { id: `${id}-${message}`, model: "claude-opus-5-5", usage, content: [] },
    };
    appendFileSync(path, `${JSON.stringify(line)}\n`);
  };
  const tool = { tool_name: "Bash", tool_use_id: `toolu_${id}`, tool_input: {} };
  await hook("SessionStart", { source: "startup" });
  await hook("UserPromptSubmit", { prompt: "Go." });
  answer("m1");
  await hook("PreToolUse", tool);
  await hook("PostToolUse", { ...tool, tool_response: {} });
  answer("m2");
  await hook("Stop");
  if (!isCut) await hook("SessionEnd", { reason: "other" });
  return { fromNs, toNs: nowNs() + 1_000_000n };
}

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
