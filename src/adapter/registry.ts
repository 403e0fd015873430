import type { Adapter } from "./adapter.ts";
import { claudeCode } from "./claude-code.ts";
import { claudeCompatible } from "./claude-compatible.ts";
import { codex } from "./codex.ts";
import { geminiCli } from "./gemini-cli.ts";
import { copilotCli } from "./copilot-cli.ts";
import { cursor } from "./cursor.ts";
import { createGeneric } from "./generic.ts";
import { hermes } from "./hermes.ts";
import { opencode } from "./opencode.ts";
import { qwenCode } from "./qwen-code.ts";

const OWN: readonly Adapter[] = [
  claudeCode,
  codex,
  copilotCli,
  cursor,
  geminiCli,
  hermes,
  opencode,
  qwenCode,
  ...claudeCompatible,
];

const ADAPTERS: readonly Adapter[] = [...OWN, createGeneric(OWN.map(({ agent }) => agent))];

/** The adapter of an agent by the name that its hook was given; undefined for a name that no adapter has. */
export function adapterFor(agent: string): Adapter | undefined {
  return ADAPTERS.find((adapter) => adapter.agent === agent);
}
