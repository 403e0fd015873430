import type { Recording } from "../../src/view/load-recording.ts";
import { moveTimes } from "../../src/view/replay.ts";

/** The same, as if its first hook had run at `startNs`. Times inside of payloads stay: Claude Code has none there. */
export function movedTo(startNs: bigint, recording: Recording): Recording {
  const byNs = startNs - recording.startNs;
  return {
    ...recording,
    startNs,
    hooks: recording.hooks.map((hook) => ({ ...hook, atNs: hook.atNs + byNs })),
    metas: recording.metas.map((meta) => ({ ...meta, atNs: meta.atNs + byNs })),
    transcripts: recording.transcripts.map(({ path, lines }) => ({
      path,
      lines: lines.map(({ atNs, text }) => ({ atNs: atNs + byNs, text: moveTimes(text, byNs, byNs) })),
    })),
  };
}
