// Whatever a payload or a transcript line holds: it is decoded or refused with a reason, it folds, the session can be kept on
// disk, and what comes out can be sent.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Adapter, Decoded } from "../src/adapter/adapter.ts";
import { copilotCli } from "../src/adapter/copilot-cli.ts";
import { cursor } from "../src/adapter/cursor.ts";
import { adapterFor } from "../src/adapter/registry.ts";
import type { AgentEvent } from "../src/event/event.ts";
import { ATTRIBUTES } from "../src/registry/attributes.ts";
import { METRIC_ATTRIBUTES } from "../src/registry/metrics.ts";
import type { Attributes } from "../src/trace/record.ts";
import { sessionSchema } from "../src/trace/session.ts";
import { foldToEnd } from "./support/folded.ts";
import { recordedInputs, recordedSessions } from "./support/recordings.ts";

const SESSION = "s";
const FILE = `/home/user/${SESSION}.jsonl`;
const NOW_NS = 1_795_000_100_000_000_000n;

/** Enough of them that each field meets each kind of nonsense. */
const RUNS = 10_000;

/** What a field may not be expected to hold. */
const nonsense = fc.oneof(
  fc.constantFrom<unknown>(null, true, "", "NaN", "-1", -1, 0, 0.5, 1e21, 1e308, -1e308, [], {}, [null], { a: 1 }),
  fc.constantFrom("\ud800", "\u0000", "../../x", "__proto__", "+275760-09-13T00:00:00.000Z", "-000001-01-01T00:00:00Z"),
  fc.double(),
  fc.jsonValue({ maxDepth: 2 }),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.integer({ min: 0, max: 600 }).map((length) => "x".repeat(length)),
);

const AGENTS = [...new Set(recordedSessions().map(({ agent }) => agent))].map((agent) => {
  const adapter = adapterFor(agent);
  if (adapter === undefined) throw new Error(`no adapter for the recorded agent ${agent}`);
  const inputs = recordedSessions(agent).map(({ path }) => recordedInputs(path));
  return { agent, adapter, payloads: inputs.flatMap((one) => one.payloads), lines: inputs.flatMap((one) => one.lines) };
});

/** Agents without a recording: every documented event with every field that is read. */
const DOCUMENTED = [
  {
    adapter: cursor,
    names: [
      "sessionStart",
      "sessionEnd",
      "beforeSubmitPrompt",
      "preToolUse",
      "postToolUse",
      "postToolUseFailure",
      "subagentStart",
      "subagentStop",
      "afterAgentResponse",
      "preCompact",
      "stop",
      "afterAgentThought",
    ],
    fields: {
      conversation_id: "s",
      generation_id: "g",
      parent_conversation_id: "s",
      model: "m",
      cursor_version: "3.18.2",
      workspace_roots: ["/x"],
      tool_name: "Shell",
      tool_use_id: "a\nb",
      tool_input: {},
      tool_output: '{"exitCode":3}',
      duration: 5,
      duration_ms: 5,
      subagent_id: "a",
      subagent_type: "explore",
      tool_call_id: "t",
      loop_count: 0,
      status: "completed",
      input_tokens: 9,
      output_tokens: 1,
      cache_read_tokens: 4,
      cache_write_tokens: 1,
    },
  },
  {
    adapter: copilotCli,
    names: [
      "sessionStart",
      "sessionEnd",
      "userPromptSubmitted",
      "preToolUse",
      "postToolUse",
      "postToolUseFailure",
    ].concat(["SubagentStart", "SubagentStop", "PreCompact", "Stop", "ErrorOccurred", "notification"]),
    fields: {
      sessionId: "s",
      timestamp: 1_795_000_099_000,
      cwd: "/x",
      toolName: "bash",
      toolArgs: "{}",
      agentId: "a",
      toolResult: { resultType: "success" },
      error: {},
      errorContext: "model_call",
      recoverable: false,
    },
  },
].map(({ adapter, names, fields }) => ({
  agent: adapter.agent,
  adapter,
  payloads: names.map((name): unknown => ({ ...fields, hook_event_name: name })),
}));

describe.each([...AGENTS, ...DOCUMENTED])("$agent", ({ agent, adapter, payloads }) => {
  test("payloads", { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(fc.array(mutated(payloads), { minLength: 1, maxLength: 3 }), (bodies) => {
        const decoded = bodies.map((body) => decode(adapter, Buffer.from(JSON.stringify(body))));
        expect(
          faultsOf(
            agent,
            decoded.flatMap((one) => (one.status === "decoded" ? one.events : [])),
          ),
        ).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  test("bytes", { timeout: 120_000 }, () => {
    const recorded = fc.constantFrom(...payloads).map((body) => Buffer.from(JSON.stringify(body)));
    const cut = fc.tuple(recorded, fc.nat(), fc.uint8Array({ maxLength: 4 })).map(([bytes, at, noise]) => {
      const i = at % bytes.length;
      return Buffer.concat([bytes.subarray(0, i), noise, bytes.subarray(i + noise.length)]);
    });
    fc.assert(
      fc.property(
        fc.oneof(
          cut,
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          const decoded = decode(adapter, bytes);
          expect(faultsOf(agent, decoded.status === "decoded" ? decoded.events : [])).toEqual([]);
          expect(decoded.status === "decoded" || decoded.reason !== "").toBe(true);
        },
      ),
      { numRuns: RUNS },
    );
  });
});

describe.each(AGENTS.filter(({ lines }) => lines.length > 0))("$agent", ({ agent, adapter, lines: recordedLines }) => {
  test("lines, and what the decoder remembers of them", { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(fc.array(mutated(recordedLines), { minLength: 1, maxLength: 3 }), nonsense, (lines, memory) => {
        let decoder: unknown = memory;
        const events: AgentEvent[] = [];
        for (const line of lines) {
          const decoded = adapter.decodeLine?.(JSON.stringify(line), { sessionId: SESSION, file: FILE, decoder });
          decoder = JSON.parse(JSON.stringify(decoded?.decoder ?? null));
          events.push(...(decoded?.events ?? []));
        }
        expect(faultsOf(agent, events)).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });
});

/** One of the recorded things, with some of its fields, at any depth, replaced, dropped or added. */
function mutated(things: readonly unknown[]): fc.Arbitrary<unknown> {
  const change = fc.tuple(fc.nat(), nonsense);
  return fc
    .tuple(fc.constantFrom(...things), fc.array(change, { maxLength: 4 }))
    .map(([thing, changes]) => changes.reduce<unknown>((one, [at, value]) => replaced(one, at, value), thing));
}

function replaced(thing: unknown, at: number, value: unknown): unknown {
  if (typeof thing !== "object" || thing === null) return value;
  const entries = Object.entries(thing);
  const [key, old] = entries[at % (entries.length + 1)] ?? ["added", undefined];
  const next = at % 3 === 0 ? replaced(old, Math.floor(at / 7), value) : value;
  if (Array.isArray(thing)) return thing.map((one: unknown, i) => (String(i) === key ? next : one));
  return { ...thing, [key]: next };
}

function decode(adapter: Adapter, payload: Uint8Array): Decoded {
  const env = { CLAUDE_PID: "42", CLAUDE_CODE_ENTRYPOINT: "cli" };
  return adapter.decode({ id: "e", agent: adapter.agent, timeNs: NOW_NS, env, payload });
}

/** What is wrong with what the events make. */
function faultsOf(agent: string, decoded: readonly AgentEvent[]): unknown[] {
  const one = { agent, sessionId: SESSION, atNs: NOW_NS - 50_000_000_000n };
  const events = decoded.map((event): AgentEvent => ({ ...event, sessionId: SESSION }));
  const all = foldToEnd([{ ...one, kind: "prompt.submitted", trigger: "user" }, ...events]);
  const kept = sessionSchema.safeParse(JSON.parse(JSON.stringify(all.session, decimal)));
  return [
    ...(kept.success ? [] : kept.error.issues),
    ...all.spans.filter(({ startNs, endNs }) => startNs < 0n || endNs < startNs || endNs >= 2n ** 63n),
    ...all.spans.flatMap(({ attributes, links }) =>
      [attributes, ...links.map((link) => link.attributes)].flatMap(oddOnes),
    ),
    // Too high an estimate of cost is taken back.
    ...all.increments.filter(
      ({ metric, value }) => !Number.isFinite(value) || (value < 0 && metric !== "hookspan.cost"),
    ),
    ...all.increments.filter(({ metric, attributes }) =>
      Object.keys(attributes).some((name) => METRIC_ATTRIBUTES.get(metric)?.includes(name) !== true),
    ),
  ];
}

/** Attributes that nobody has described, and numbers that are none. */
function oddOnes(attributes: Attributes): unknown[] {
  return Object.entries(attributes).filter(
    ([name, value]) => !ATTRIBUTES.has(name) || (typeof value === "number" && !Number.isFinite(value)),
  );
}

function decimal(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
