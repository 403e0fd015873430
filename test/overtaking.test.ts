// A transcript's line must not overtake the hooks that ran before it was written, also where a bridge comes late: it meets
// a session that it knows and finds hooks and lines of minutes at once, or more hooks than it folds in one piece.
import { appendFileSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

import { formatEnvelope } from "../src/event/envelope.ts";
import type { Exporter } from "../src/otlp/exporter.ts";
import type { SpanRecord } from "../src/trace/record.ts";
import { loadRecording } from "../src/view/load-recording.ts";
import { relocate } from "../src/view/replay.ts";
import { RECORDINGS } from "./support/recording-facts.ts";
import { openAt, replayRecording } from "./support/recorded-session.ts";
import { tempDirectory } from "./support/temp-state.ts";

const OTHER = "another-session";
const FOLDER = join(RECORDINGS, "02-subagents");
const recording = loadRecording(FOLDER);
const undisturbed = replayRecording(FOLDER, "backlog").then(({ spans }) => spans.map(shown).sort());

test.each([1, 2, 5, 12, 24])("a bridge has met %i hooks and their lines, and finds the rest at once", async (met) => {
  const late = createLate();
  const untilNs = recording.hooks[met - 1]?.atNs ?? 0n;
  late.write(0n, untilNs);
  late.step(untilNs);
  late.write(untilNs, late.endNs);
  expect(await late.finish()).toEqual(await undisturbed);
});

test.each([1, 3, 8, 20, 29])(
  "a bridge folds %i hooks of a session in one piece and the others in the next",
  async (first) => {
    const late = createLate();
    for (let i = 0; i < 1000 - first; i += 1)
      late.put(
        JSON.stringify({ session_id: OTHER, hook_event_name: "Notification" }),
        recording.startNs - 3_600_000_000_000n,
        i,
      );
    late.write(0n, late.endNs);
    expect(await late.finish()).toEqual(await undisturbed);
  },
);

function createLate() {
  const root = tempDirectory();
  const home = join(root, "home");
  const spans: SpanRecord[] = [];
  const open = openAt(join(root, "state"), collecting(spans), "none");
  const endNs = recording.hooks.at(-1)?.atNs ?? 0n;
  let count = 0;

  const put = (payload: string, atNs: bigint, n: number): void => {
    const id = `${String(n).padStart(6, "0")}-late`;
    const env = { CLAUDE_PID: "4242", CLAUDE_CODE_ENTRYPOINT: "sdk-cli" };
    const path = join(root, "state", "spool", `${id}.evt`);
    const bytes = formatEnvelope({ id, agent: "claude-code", timeNs: atNs, env, payload: Buffer.from(payload) });
    writeFileSync(path, bytes);
    utimesSync(path, Number(atNs) / 1e9 + 0.001, Number(atNs) / 1e9 + 0.001);
  };
  const step = (nowNs: bigint): void => void open.bridge.step(nowNs, { commitNow: true });

  return {
    endNs,
    put,
    step,
    /** Hooks and lines after one time, up to and with another. */
    write(afterNs: bigint, upToNs: bigint) {
      const isIn = ({ atNs }: { atNs: bigint }): boolean => atNs > afterNs && atNs <= upToNs;
      for (const { path, text } of recording.metas.filter(isIn)) writeAt(path, relocate(text, recording.home, home));
      for (const { path, lines } of recording.transcripts)
        for (const { text } of lines.filter(isIn)) writeAt(path, `${relocate(text, recording.home, home)}\n`);
      for (const hook of recording.hooks.filter(isIn))
        put(relocate(hook.stdin, recording.home, home), hook.atNs, 2000 + count++);
    },
    /** All that came out, as text. */
    async finish() {
      for (let i = 0n; i < 8n; i += 1n) step(endNs + i * 1_500_000_000n);
      open.bridge.closeAll(endNs + 12_000_000_000n);
      open.bridge.commit(endNs + 12_000_000_000n);
      await open.delivery.sendSpans();
      return spans
        .filter(({ attributes }) => attributes["session.id"] !== OTHER)
        .map(shown)
        .sort();
    },
  };

  function writeAt(path: string, text: string): void {
    const file = path.replace(recording.home, home);
    mkdirSync(dirname(file), { recursive: true });
    appendFileSync(file, text);
  }
}

function collecting(spans: SpanRecord[]): Exporter {
  const accepted = Promise.resolve({ status: "accepted" } as const);
  return {
    sendSpans(batches) {
      for (const batch of batches) spans.push(...batch.spans);
      return accepted;
    },
    sendMetrics: () => accepted,
    close: () => Promise.resolve(),
  };
}

function shown(span: SpanRecord): string {
  return `${span.traceId} ${span.spanId} ${span.name} ${span.startNs} ${span.endNs} ${JSON.stringify(span.attributes)}`;
}
