/** Whether the test metric arrived in Prometheus, or in what speaks its API. */

import { setTimeout as sleep } from "node:timers/promises";

import * as z from "zod";

import { ask, below, jsonOf } from "./ask.ts";
import type { Finding } from "./finding.ts";

/** In any translation of names: dots as underscores or as they are, with the unit or without. */
const QUERY = '{__name__=~"hookspan[._]doctor[._]probe[._]time.*"}';
const POLL_MS = 500;
/** Without its OTLP receiver only another way in could still bring it. */
const WAIT_WITHOUT_RECEIVER_MS = 5000;

const answer = z.looseObject({
  data: z.looseObject({ result: z.array(z.looseObject({ value: z.tuple([z.number(), z.string()]) })) }),
});
const flags = z.looseObject({ data: z.record(z.string(), z.string()) });

/** Whether a Prometheus answers at an address. */
export async function isPrometheus(base: string): Promise<boolean> {
  const reply = await ask(below(base, "/api/v1/status/buildinfo"), 1000);
  return reply.status === "answered" && reply.code === 200 && jsonOf(reply.text) !== undefined;
}

/** Asks until the metric is there with that value, at most `waitMs`. */
export async function prometheusFinding(base: string, value: number, waitMs: number): Promise<Finding> {
  const hop = "prometheus" as const;
  const began = performance.now();
  const takesOtlp = await takesOtlpAt(base);
  const limit = takesOtlp === false ? Math.min(waitMs, WAIT_WITHOUT_RECEIVER_MS) : waitMs;
  const url = `${below(base, "/api/v1/query")}?${new URLSearchParams({ query: QUERY }).toString()}`;
  for (;;) {
    const reply = await ask(url);
    const ms = Math.round(performance.now() - began);
    if (reply.status === "silent")
      return { hop, verdict: "fail", text: `${base} cannot be asked: ${reply.reason}`, fix: "--prometheus URL" };
    const parsed = answer.safeParse(jsonOf(reply.text));
    if (reply.code !== 200 || !parsed.success)
      return {
        hop,
        verdict: "fail",
        text: `${base} does not answer a query: HTTP ${reply.code}`,
        fix: "--prometheus URL",
      };
    if (parsed.data.data.result.some((one) => Number(one.value[1]) === value))
      return { hop, verdict: "ok", text: `the test metric arrived in ${base} after ${ms} ms`, ms };
    if (ms >= limit) return notArrived(base, takesOtlp, ms);
    await sleep(POLL_MS);
  }
}

function notArrived(base: string, takesOtlp: boolean | undefined, ms: number): Finding {
  const hop = "prometheus" as const;
  if (takesOtlp === false)
    return {
      hop,
      verdict: "fail",
      text: `${base} runs without its OTLP receiver, and the test metric did not arrive by another way: what the Collector sends there is dropped`,
      fix: "start Prometheus with --web.enable-otlp-receiver",
    };
  return {
    hop,
    verdict: "fail",
    text: `the test metric was accepted, and is not in ${base} after ${Math.round(ms / 1000)} s`,
    fix: "look into the Collector's log and its metrics exporter; if yours is another, --prometheus URL (or none)",
  };
}

/** Undefined where the store does not say. */
async function takesOtlpAt(base: string): Promise<boolean | undefined> {
  const reply = await ask(below(base, "/api/v1/status/flags"));
  const parsed = reply.status === "answered" ? flags.safeParse(jsonOf(reply.text)) : undefined;
  const flag = parsed?.success === true ? parsed.data.data["web.enable-otlp-receiver"] : undefined;
  return flag === undefined ? undefined : flag === "true";
}
