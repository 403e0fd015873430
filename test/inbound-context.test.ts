// Which trace a recorded session is in, whose agent was given a context: whatever the order of delivery, the same one.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";
import * as z from "zod";

import type { EnvelopeDraft } from "../src/event/envelope.ts";
import { DELIVERIES, replayRecording } from "./support/recorded-session.ts";

const environments = z.record(z.string(), z.object({ claude: z.object({ TRACEPARENT: z.string() }) }));
const payload = z.object({ session_id: z.string(), hook_event_name: z.string() });

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const SAMPLED = `00-${TRACE}-${SPAN}-01`;

type Row = [situation: string, folder: string, around: Partial<EnvelopeDraft>, place: "child" | "link" | "none"];

const CLAUDE = "claude-code/22-traceparent-without-telemetry";
const sdk = { CLAUDE_PID: "4242", CLAUDE_CODE_ENTRYPOINT: "sdk-cli" };
const terminal = { CLAUDE_PID: "4242", CLAUDE_CODE_ENTRYPOINT: "cli" };

const ROWS: Row[] = [
  ["claude -p", CLAUDE, { traceparent: SAMPLED, env: sdk }, "child"],
  ["claude in a terminal", CLAUDE, { traceparent: SAMPLED, env: terminal }, "link"],
  ["claude in a terminal of a CI job", CLAUDE, { traceparent: SAMPLED, env: { ...terminal, CI: "true" } }, "child"],
  ["claude -p, not sampled", CLAUDE, { traceparent: `00-${TRACE}-${SPAN}-00`, env: sdk }, "link"],
  ["claude -p, nothing around it", CLAUDE, { env: sdk }, "none"],
  ["codex exec: its rollout says so", "codex/one-shell", { traceparent: SAMPLED }, "child"],
  ["codex exec in a CI job", "codex/one-shell", { traceparent: SAMPLED, env: { CI: "1" } }, "child"],
  ["codex exec with subagents", "codex/subagent", { traceparent: SAMPLED }, "child"],
  ["codex exec, not sampled", "codex/one-shell", { traceparent: `00-${TRACE}-${SPAN}-00` }, "link"],
  ["hermes -z", "hermes/oneshot", { traceparent: SAMPLED }, "child"],
  ["hermes in a terminal", "hermes/interactive", { traceparent: SAMPLED, env: { HERMES_INTERACTIVE: "1" } }, "link"],
  ["gemini: nothing tells that nobody is there", "gemini-cli/one-shell", { traceparent: SAMPLED }, "link"],
  ["gemini in a CI job", "gemini-cli/one-shell", { traceparent: SAMPLED, env: { CI: "true" } }, "child"],
  ["qwen in a CI job", "qwen-code/one-shell", { traceparent: SAMPLED, env: { CI: "true" } }, "child"],
  ["opencode in a CI job", "opencode/one-shell", { traceparent: SAMPLED, env: { CI: "true" } }, "child"],
];

describe("Claude Code's native traces", () => {
  const folder = join(import.meta.dirname, "recordings/claude-code/12-native-otel");
  const session = "0a8b34f9-4a9a-40f2-a87e-40159871cb99";
  /** What was in the environment of that session's hooks, by event: spans of the client, and at its ends the given one. */
  const recorded = environments.parse(JSON.parse(readFileSync(join(folder, "hook-env.json"), "utf8")));
  const interaction = recorded["UserPromptSubmit (command)"]?.claude.TRACEPARENT.split("-")[2];

  test.each(DELIVERIES)("a run is under the client's span of its prompt, delivered %s", async (delivery) => {
    const { spans } = await replayRecording(folder, delivery, {
      around: ({ stdin }) => {
        const { session_id: id, hook_event_name: event } = payload.parse(JSON.parse(stdin));
        const claude = id === session ? recorded[`${event} (command)`]?.claude : undefined;
        return { env: sdk, ...(claude === undefined ? {} : { traceparent: claude.TRACEPARENT }) };
      },
    });
    const [run, ...others] = spans.filter(
      ({ name, attributes }) => name === "invoke_agent claude-code" && attributes["session.id"] === session,
    );
    expect(others).toEqual([]);
    expect(interaction).not.toBe(SPAN);
    expect(run).toMatchObject({ traceId: TRACE, parentSpanId: interaction, parentIsRemote: true });
  });
});

describe.each(ROWS)("%s", (_, folder, around, place) => {
  test.each(DELIVERIES)("delivered %s", async (delivery) => {
    const { spans } = await replayRecording(join(import.meta.dirname, "recordings", folder), delivery, { around });
    const runs = spans.filter(
      ({ name, parentSpanId: id }) => name.startsWith("invoke_agent") && (id === undefined || id === SPAN),
    );
    expect(runs.length).toBeGreaterThan(0);
    for (const run of runs) {
      const isLinked = run.links.some(({ traceId, spanId }) => traceId === TRACE && spanId === SPAN);
      const isChild = run.traceId === TRACE && run.parentSpanId === SPAN && run.parentIsRemote === true;
      expect(isChild ? "child" : isLinked ? "link" : "none").toBe(place);
      expect(isChild && isLinked).toBe(false);
    }
    // What belongs to a run is in its trace, under a span of it.
    const ids = new Set(spans.map(({ spanId }) => spanId));
    const lost = spans.filter(({ parentSpanId: id }) => id !== undefined && id !== SPAN && !ids.has(id));
    expect(lost).toEqual([]);
    const outside = spans.filter(({ traceId, name }) => traceId !== TRACE && !name.startsWith("session "));
    expect(outside.length === 0).toBe(place === "child");
  });
});
