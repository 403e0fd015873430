import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import type { AgentEvent } from "../event/event.ts";
import { foldToEnd, lines, total } from "../../test/support/folded.ts";
import { createGeneric } from "./generic.ts";
import { genericSchema } from "./generic/schema.ts";

const NOW_NS = 1_795_000_100_000_000_000n;
const DOCS = join(import.meta.dirname, "..", "..", "docs");
const generic = createGeneric(["claude-code"]);

test("the published schema is the one that decides", () => {
  expect(JSON.parse(readFileSync(join(DOCS, "generic-event.schema.json"), "utf8"))).toEqual(
    JSON.parse(JSON.stringify(genericSchema())),
  );
});

test("a call of the model: tokens are disjoint, and its own cost counts", () => {
  const usage = { input: 1, cache_read: 2, cache_write: 3, output: 4, reasoning: 5 };
  const call = { event: "model.call", run: "r", model: "m", provider: "openai", usage, duration_ms: 2000 };
  const all = foldToEnd([...told({ ...call, id: "a", cost_usd: 0.5 }), ...told({ ...call, id: "a", cost_usd: 0.5 })]);
  expect(total(all, "hookspan.token.usage")).toBe(15);
  expect(total(all, "hookspan.cost", { "hookspan.cost.source": "reported" })).toBe(0.5);
  expect(lines(all, "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")[0]).toBe("chat m 98..100 6 9");
});

test("without a cost the table estimates; without usage nothing is counted", () => {
  const call = { event: "model.call", model: "m", provider: "openai" };
  expect(total(foldToEnd(told({ ...call, usage: { input: 1 } })), "hookspan.cost")).toBe(1);
  expect(total(foldToEnd(told(call)), "hookspan.token.usage")).toBe(0);
});

test.each([
  [{ outcome: "success" }, "success"],
  [{}, "success"],
  [{ exit_code: 3 }, "error command_failed"],
  [{ error_type: "timeout" }, "error timeout"],
  [{ outcome: "error" }, "error tool_error"],
  [{ outcome: "denied" }, "denied"],
])("a tool that ends %j: %s", (end, expected) => {
  const all = foldToEnd([
    ...told({ event: "tool.start", tool: "t" }),
    ...told({ event: "tool.end", tool: "t", ...end }),
  ]);
  expect(lines(all, "hookspan.tool.outcome", "error.type")[0]).toBe(`execute_tool t 100..100 ${expected}`);
});

test.each([
  ["2026-11-18T11:08:20Z", NOW_NS],
  [Number(NOW_NS / 1_000_000n) - 5000, NOW_NS - 5_000_000_000n],
  [5, NOW_NS],
  [undefined, NOW_NS],
])("time %s", (time, expectedNs) => {
  expect(told({ event: "session.start", time })[1]?.atNs).toBe(expectedNs);
});

test.each([
  ["[", "malformed_json"],
  ["{}", "schema: event (invalid_union)"],
  [{ event: "tool.start" }, "schema: tool (invalid_type)"],
  [{ event: "tool.start", tool: "two words" }, "schema: tool (invalid_format)"],
  [{ event: "session.start", session: "" }, "schema: session (too_small)"],
  [{ event: "session.start", time: "yesterday" }, "schema: time (invalid_format)"],
  [{ event: "model.call", model: "m", usage: { input: -1 } }, "schema: usage.input (too_small)"],
  [{ event: "run.end", error_type: "It broke: /home/user" }, "schema: error_type (invalid_format)"],
  [{ event: "session.start", agent: "claude-code" }, "schema: agent (name of another adapter)"],
])("%j is refused: %s", (input, reason) => {
  expect(decode(input)).toEqual({ status: "invalid", reason });
});

test("a tool may have a name of its own", () => {
  expect(told({ event: "session.start" }).map(({ agent }) => agent)).toEqual(["generic", "generic"]);
  expect(told({ event: "session.start", agent: "my-agent" })[1]?.agent).toBe("my-agent");
});

test("an event that this version does not know is noted", () => {
  expect(told({ event: "weather.changed" })).toMatchObject([{ kind: "noted", known: false, sessionId: "s" }]);
});

function told(fields: Record<string, unknown>): AgentEvent[] {
  const decoded = decode(fields);
  if (decoded.status === "invalid") throw new Error(decoded.reason);
  return decoded.events;
}

function decode(input: string | Record<string, unknown>) {
  const text = typeof input === "string" ? input : JSON.stringify({ session: "s", ...input });
  return generic.decode({ id: "e", agent: "generic", timeNs: NOW_NS, env: {}, payload: Buffer.from(text) });
}
