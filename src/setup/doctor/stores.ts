/** Where Tempo and Prometheus are asked: where the user says, else where the shipped stack has them. */

import type { Finding } from "./finding.ts";
import type { Probe } from "./probe.ts";
import { isPrometheus, prometheusFinding } from "./prometheus-arrival.ts";
import { isTempo, tempoFinding } from "./tempo-arrival.ts";

/** URLs; "none" for a store that is not to be asked, undefined for one that is to be looked for. */
export type Stores = { tempo: string | undefined; prometheus: string | undefined };

const SHIPPED = { tempo: "http://127.0.0.1:3200", prometheus: "http://127.0.0.1:9090" };

/** What was accepted is looked for, nothing else. `endpoint` is that of the Collector. */
export async function storeFindings(
  stores: Stores,
  probe: Probe,
  sent: { endpoint: string; traces: boolean; metrics: boolean; waitMs: number },
): Promise<Finding[]> {
  const [tempo, prometheus] = await Promise.all([
    urlOf("tempo", stores.tempo, sent.endpoint, isTempo),
    urlOf("prometheus", stores.prometheus, sent.endpoint, isPrometheus),
  ]);
  return Promise.all([
    tempo === undefined || !sent.traces ? notAsked("tempo", tempo) : tempoFinding(tempo, probe.traceId, sent.waitMs),
    prometheus === undefined || !sent.metrics
      ? notAsked("prometheus", prometheus)
      : prometheusFinding(prometheus, probe.value, sent.waitMs),
  ]);
}

function notAsked(hop: "tempo" | "prometheus", url: string | undefined): Finding {
  const text =
    url === undefined ? `not asked whether it arrived: name yours by --${hop} URL` : `not asked: nothing was accepted`;
  return { hop, verdict: "unknown", text };
}

/** A Collector elsewhere has its stores elsewhere, whatever runs here. */
async function urlOf(
  store: keyof Stores,
  named: string | undefined,
  endpoint: string,
  isThere: (base: string) => Promise<boolean>,
): Promise<string | undefined> {
  if (named !== undefined) return named === "none" ? undefined : named;
  const isHere = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(endpoint).hostname);
  return isHere && (await isThere(SHIPPED[store])) ? SHIPPED[store] : undefined;
}
