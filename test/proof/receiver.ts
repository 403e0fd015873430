/**
 * The receiving side of a proof: takes, refuses, or takes and leaves the sender in the dark, and books which requests it
 * stored. A bridge's life is known by the header `x-life`.
 */

import { plain, type OtlpSpan } from "../support/otlp-json.ts";
import { createOtlpRecorder, type Answer, type RecordedRequest } from "../support/otlp-recorder.ts";
import type { Random } from "./random.ts";

/** A span by `<trace id> <span id>`, and the bytes that it came in. */
export type Arrived = { key: string; text: string; span: OtlpSpan };

/** `unsaid`: stored, but the sender did not get the whole answer. `refused`: not stored. */
export type Booked = { life: string; spans: Arrived[]; points: SeriesPoint[]; fate: "taken" | "unsaid" | "refused" };

/** A point of a cumulative series; `value` has the counts of a histogram too. `series` names agent, metric and attributes. */
export type SeriesPoint = {
  series: string;
  metric: string;
  attributes: Record<string, unknown>;
  startNs: bigint;
  atNs: bigint;
  value: number[];
};

export type Receiver = {
  url: string;
  booked: Booked[];
  /** How many requests were refused or left without an answer. */
  outages(): number;
  /** From now on so many of a hundred requests meet with trouble. */
  trouble(percent: number): void;
  /** Called for each request before anything becomes of it. True: its sender was killed; then half of them are not stored. */
  onRequest(listener: ((life: string, signal: "traces" | "metrics") => boolean) | undefined): void;
  close(): Promise<void>;
};

type Met = { fate: Booked["fate"]; answer: Answer };
type Trouble = Met & { fate: "unsaid" | "refused" };

const JSON_TYPE = { "content-type": "application/json" };
const DONE: Answer = { status: 200, headers: JSON_TYPE, body: '{"partialSuccess":{}}' };

const TAKEN: Met = { fate: "taken", answer: DONE };

const TROUBLES: [Trouble, ...Trouble[]] = [
  { fate: "refused", answer: { status: 503 } },
  { fate: "refused", answer: { status: 429, headers: { "retry-after": "1" } } },
  { fate: "refused", answer: { status: 401 } },
  { fate: "refused", answer: { status: 404 } },
  { fate: "refused", answer: { status: 307, headers: { location: "/elsewhere" } } },
  { fate: "refused", answer: { status: 200, headers: { "content-type": "text/html" }, body: "<html>Log in</html>" } },
  { fate: "refused", answer: { manner: "reset" } },
  { fate: "unsaid", answer: { manner: "reset" } },
  { fate: "unsaid", answer: { manner: "silence" } },
  { fate: "unsaid", answer: { ...DONE, manner: "drip" } },
  { fate: "unsaid", answer: { ...DONE, headers: { ...JSON_TYPE, "content-length": 99 }, manner: "reset" } },
  { fate: "unsaid", answer: { status: 502, body: "bad gateway" } },
];

/** Requests of more spans than this are too large for it, now and then. */
const TOO_MANY_SPANS = 12;

/** `forwardTo`: what is stored goes on to a real Collector first, whose word counts. */
export async function createReceiver(
  random: Random,
  options: { forwardTo?: string | undefined } = {},
): Promise<Receiver> {
  const recorder = await createOtlpRecorder();
  const booked: Booked[] = [];
  let percent = 0;
  let outages = 0;
  let listener: Parameters<Receiver["onRequest"]>[0];

  recorder.answerWith(async (request) => {
    const life = String(request.headers["x-life"] ?? "");
    const signal = request.path === "/v1/traces" ? "traces" : "metrics";
    const content = { life, spans: spansOf(request), points: pointsOf(request) };
    const isKilled = listener?.(life, signal) === true;
    const met = isKilled ? killed() : random.chance(percent / 100) ? troubleFor(content) : TAKEN;
    const { fate, answer } = met.fate === "refused" ? met : ((await forward(request)) ?? met);
    if (fate !== "taken" && !isKilled) outages += 1;
    booked.push({ ...content, fate });
    // Kept by nobody after this: a proof may run for hours.
    recorder.requests.length = 0;
    return answer;
  });

  return {
    url: recorder.url,
    booked,
    outages: () => outages,
    trouble: (next) => (percent = next),
    onRequest: (next) => (listener = next),
    close: () => recorder.close(),
  };

  /** Undefined if the Collector took it, or if there is none. */
  async function forward({ path, body }: RecordedRequest): Promise<Trouble | undefined> {
    if (options.forwardTo === undefined) return undefined;
    const headers = { "content-type": "application/json" };
    const response = await fetch(options.forwardTo + path, { method: "POST", headers, body: JSON.stringify(body) });
    return response.ok
      ? undefined
      : { fate: "refused", answer: { status: response.status, body: await response.text() } };
  }

  /** Nobody waits for the answer any more. */
  function killed(): Trouble {
    return { fate: random.chance(0.5) ? "refused" : "unsaid", answer: DONE };
  }

  function troubleFor({ spans }: { spans: Arrived[] }): Trouble {
    if (spans.length > TOO_MANY_SPANS && random.chance(0.4)) return { fate: "refused", answer: { status: 413 } };
    return random.pick(TROUBLES);
  }
}

function spansOf({ body }: RecordedRequest): Arrived[] {
  return (body.resourceSpans ?? []).flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({ key: `${span.traceId} ${span.spanId}`, text: JSON.stringify(span), span })),
    ),
  );
}

function pointsOf({ body }: RecordedRequest): SeriesPoint[] {
  return (body.resourceMetrics ?? []).flatMap(({ resource, scopeMetrics }) => {
    const agent = String(plain(resource.attributes)["service.name"]);
    return scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap((metric) =>
        [...(metric.sum?.dataPoints ?? []), ...(metric.histogram?.dataPoints ?? [])].map((point) => {
          const attributes = plain(point.attributes);
          const value =
            point.bucketCounts === undefined
              ? [Number(point.asInt ?? point.asDouble)]
              : [Number(point.sum), Number(point.count), ...point.bucketCounts.map(Number)];
          return {
            series: `${agent} ${metric.name} ${JSON.stringify(Object.entries(attributes).sort(byName))}`,
            metric: metric.name,
            attributes,
            startNs: BigInt(point.startTimeUnixNano),
            atNs: BigInt(point.timeUnixNano),
            value,
          };
        }),
      ),
    );
  });
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
