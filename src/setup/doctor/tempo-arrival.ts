/** Whether the test span arrived in Tempo. */

import { setTimeout as sleep } from "node:timers/promises";

import { ask, below } from "./ask.ts";
import type { Finding } from "./finding.ts";
import { PROBE_SPAN } from "./probe.ts";

const POLL_MS = 500;

/** Whether a Tempo answers at an address. */
export async function isTempo(base: string): Promise<boolean> {
  const reply = await ask(below(base, "/api/echo"), 1000);
  return reply.status === "answered" && reply.code === 200 && reply.text.trim() === "echo";
}

/** Asks for the trace by its id until it is there, at most `waitMs`: a search would not see what is that young. */
export async function tempoFinding(base: string, traceId: string, waitMs: number): Promise<Finding> {
  const hop = "tempo" as const;
  const began = performance.now();
  for (;;) {
    const reply = await ask(below(base, `/api/v2/traces/${traceId}`));
    const ms = Math.round(performance.now() - began);
    if (reply.status === "silent")
      return { hop, verdict: "fail", text: `${base} cannot be asked: ${reply.reason}`, fix: "--tempo URL" };
    if (reply.code === 200 && reply.text.includes(PROBE_SPAN))
      return { hop, verdict: "ok", text: `the test span arrived in ${base} after ${ms} ms`, ms };
    if (reply.code !== 200 && reply.code !== 404)
      return {
        hop,
        verdict: "fail",
        text: `${base} does not answer for a trace: HTTP ${reply.code}`,
        fix: "--tempo URL",
      };
    if (ms >= waitMs)
      return {
        hop,
        verdict: "fail",
        text: `the test span was accepted, and is not in ${base} after ${Math.round(ms / 1000)} s`,
        fix: "look into the Collector's log and its traces exporter; if yours is another, --tempo URL (or none)",
      };
    await sleep(POLL_MS);
  }
}
