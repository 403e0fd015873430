// What the exporter sends is what the terminal view understands: both ends are ours, the wire between them is OTLP.
import { EventEmitter, once } from "node:events";
import { afterEach, expect, test } from "vitest";
import type { MetricName } from "../../src/metric/instruments.ts";
import { createExporter, type Exporter } from "../../src/otlp/exporter.ts";
import type { Attributes, SpanBatch, SpanRecord } from "../../src/trace/record.ts";
import { runTail, type TailOutcome } from "../../src/view/tail.ts";

const START_NS = 1_795_196_717_000_000_000n;
const TRACE = "5c0f5c0f5c0f5c0f5c0f5c0f5c0f5c0f";
const closing: (() => Promise<unknown>)[] = [];

afterEach(() => Promise.all(closing.splice(0).map((close) => close())));

test.for<["none" | "gzip"]>([["none"], ["gzip"]])(
  "a run, its late subagent and the totals as text, compression %s",
  async ([compression]) => {
    const tail = await startTail({ json: false });
    const exporter = exporterTo(tail.url, compression);
    const outcomes = [
      await exporter.sendSpans([RUN]),
      await exporter.sendSpans([LATE]),
      await exporter.sendMetrics(METRICS),
    ];
    expect(outcomes.map(({ status }) => status)).toEqual(["accepted", "accepted", "accepted"]);
    expect(await tail.stop()).toEqual({ status: "done" });
    expect(tail.text().replace(tail.url, "http://...")).toMatchInlineSnapshot(`
      "Listening on http://... in a Collector's place. Runs appear when they are over. Ctrl-C ends it.

      run · session 8ca4fbb7                    time        in    cached     out      cost  outcome
      invoke_agent claude-code                 2.1 s                               $0.0919  success
      ├─ chat claude-opus-5-5                  16 ms    17,909         0     120   $0.0919
      └─ execute_tool Agent                    10 ms                                        success

      later, in a run above · session 8ca4f…    time        in    cached     out      cost  outcome
      execute_tool Agent (above)
      └─ invoke_agent general-purpose          1.8 s
         └─ execute_tool Bash                  1.5 s                                        exit_code

      totals, in tokens                  input  cache read cache write      output   reasoning         all
      claude-opus-5-5                        0           0      17,900           0           0      17,900
      cost $0.0919 (estimated)
      runs 1 (success) · sessions 1 · subagents 0

      "
    `);
  },
);

test("one JSON value per line", async () => {
  const tail = await startTail({ json: true });
  const exporter = exporterTo(tail.url, "none");
  await exporter.sendSpans([RUN]);
  await exporter.sendMetrics(METRICS);
  await exporter.sendMetrics(METRICS);
  await tail.stop();
  const lines = tail
    .text()
    .trimEnd()
    .split("\n")
    .map((line) => line.slice(0, line.indexOf(",")));
  expect(lines).toEqual(['{"type":"listening"', '{"type":"run"', '{"type":"totals"']);
  expect(() =>
    tail
      .text()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).not.toThrow();
});

test("on a terminal the totals stay at the bottom", async () => {
  const tail = await startTail({ json: false, color: true, columns: 120 });
  const exporter = exporterTo(tail.url, "none");
  await exporter.sendMetrics(METRICS);
  await exporter.sendSpans([RUN]);
  await tail.stop();
  const screen = playOnTerminal(tail.text());
  expect(screen.filter((line) => line.startsWith("totals"))).toHaveLength(1);
  expect(screen.findIndex((line) => line.startsWith("totals"))).toBeGreaterThan(
    screen.findIndex((line) => line.startsWith("run")),
  );
});

test("a port that is taken", async () => {
  const tail = await startTail({ json: false });
  const second = await startTail({ json: false, port: Number(new URL(tail.url).port) });
  expect(await second.stop()).toMatchObject({
    status: "failed",
    reason: expect.stringContaining("use --port"),
  });
});

const RUN: SpanBatch = {
  agent: "claude-code",
  agentVersion: "2.1.329",
  traceId: TRACE,
  spans: [
    span("02", "01", "chat claude-opus-5-5", 100, 116, {
      "gen_ai.operation.name": "chat",
      "gen_ai.usage.input_tokens": 17_909,
      "gen_ai.usage.cache_read.input_tokens": 0,
      "gen_ai.usage.output_tokens": 120,
      "hookspan.cost.usd": 0.091936,
    }),
    span("03", "01", "execute_tool Agent", 130, 140, { "hookspan.tool.outcome": "success" }),
    span("01", undefined, "invoke_agent claude-code", 0, 2104, {
      "gen_ai.operation.name": "invoke_agent",
      "hookspan.run.outcome": "success",
      "hookspan.cost.usd": 0.091936,
    }),
  ],
};

const LATE: SpanBatch = {
  ...RUN,
  spans: [
    {
      ...span("05", "04", "execute_tool Bash", 250, 1770, { "error.type": "exit_code" }),
      error: { message: "exit code" },
    },
    span("04", "03", "invoke_agent general-purpose", 140, 1890, {
      "gen_ai.operation.name": "invoke_agent",
    }),
  ],
};

const METRICS = [
  counter("hookspan.token.usage", 17_900, {
    "gen_ai.request.model": "claude-opus-5-5",
    "hookspan.token.kind": "cache_write",
  }),
  counter("hookspan.cost", 0.091936, {
    "gen_ai.request.model": "claude-opus-5-5",
    "hookspan.cost.source": "estimated",
  }),
  counter("hookspan.run.count", 1, {
    "hookspan.run.outcome": "success",
    "hookspan.run.trigger": "user",
  }),
  counter("hookspan.session.count", 1, {}),
];

function span(
  id: string,
  parent: string | undefined,
  name: string,
  fromMs: number,
  toMs: number,
  attributes: Attributes,
): SpanRecord {
  return {
    traceId: TRACE,
    spanId: id.repeat(8),
    ...(parent === undefined ? {} : { parentSpanId: parent.repeat(8) }),
    name,
    kind: "internal",
    startNs: START_NS + BigInt(fromMs) * 1_000_000n,
    endNs: START_NS + BigInt(toMs) * 1_000_000n,
    attributes: { "session.id": "8ca4fbb7-8a1c-4bfb-8713-e9617a126ebc", ...attributes },
    links: [],
  };
}

/** As the first export of a series: a zero at its start, then the value. */
function counter(metric: MetricName, value: number, attributes: Attributes) {
  const points = [0, value].map((one, i) => ({
    attributes,
    startNs: START_NS,
    atNs: START_NS + BigInt(i) * 1_000_000_000n,
    value: one,
  }));
  return { agent: "claude-code", metric, points };
}

function exporterTo(url: string, compression: "none" | "gzip"): Exporter {
  const exporter = createExporter({
    instanceId: "6f3a",
    osType: "linux",
    userResource: {},
    version: "0.0.0",
    endpoints: { traces: `${url}/v1/traces`, metrics: `${url}/v1/metrics` },
    headers: {},
    timeoutMs: 5000,
    compression,
    tls: {},
  });
  closing.push(() => exporter.close());
  return exporter;
}

type Tail = { url: string; text: () => string; stop: () => Promise<TailOutcome> };

/** Resolves as soon as the view has written its first words, or could not start. */
async function startTail({
  port = 0,
  json,
  color = false,
  columns,
}: {
  port?: number;
  json: boolean;
  color?: boolean;
  columns?: number;
}): Promise<Tail> {
  let text = "";
  const controller = new AbortController();
  const said = new EventEmitter();
  const started = once(said, "words");
  const out = {
    write: (more: string) => {
      text += more;
      said.emit("words");
    },
    ...(columns === undefined ? {} : { columns }),
  };
  const ended = runTail({ port, json, color, out, signal: controller.signal });
  const stop = (): Promise<TailOutcome> => {
    controller.abort();
    return ended;
  };
  closing.push(stop);
  await Promise.race([started, ended]);
  return { url: /http:\/\/[\d.:]+/.exec(text)?.[0] ?? "", text: () => text, stop };
}

/** The lines that are to be seen at the end: obeys "up n lines" (and clear below), drops colours. */
function playOnTerminal(text: string): string[] {
  const lines: string[] = [""];
  for (const [i, part] of text.split("\u001B[").entries()) {
    const [sequence = "", parameter = "", letter] = i === 0 ? [] : (/^(\d*)([A-Za-z])/.exec(part) ?? []);
    if (letter === "A") lines.splice(-1 - Number(parameter), Infinity, "");
    const [rest = "", ...next] = part.slice(sequence.length).split("\n");
    lines.push(`${lines.pop() ?? ""}${rest}`, ...next);
  }
  return lines;
}
