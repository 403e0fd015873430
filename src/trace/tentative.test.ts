// What ends a run only if nothing else is heard of it.
import { expect, test } from "vitest";

import type { AgentEvent } from "../event/event.ts";
import { at, foldAll, foldToEnd, lines, usage } from "../../test/support/folded.ts";
import { dueNs } from "./expire.ts";

const PROMPT: AgentEvent = { ...at(0, "r"), kind: "prompt.submitted", trigger: "user" };
const FAILED: AgentEvent = { ...at(5, "r"), kind: "run.failed", errorType: "http_400", tentative: true };
const CALL: AgentEvent = {
  ...at(30, "r"),
  kind: "llm.called",
  messageId: "c",
  provider: "openai",
  requestModel: "m",
  responseModel: "m",
  startNs: at(6).atNs,
  usage: usage(1, 1),
};

test.each<[string, AgentEvent[], string]>([
  ["nothing", [], "0..5 error http_400"],
  ["the session's end", [{ ...at(6), kind: "session.ended", reason: "other" }], "0..5 error http_400"],
  ["the next prompt", [{ ...at(9, "r2"), kind: "prompt.submitted", trigger: "user" }], "0..5 error http_400"],
  ["another model's answer and a stop", [CALL, { ...at(31, "r"), kind: "run.stopped" }], "0..31 success"],
  ["another model's answer alone", [CALL], "0..30 abandoned"],
  ["another failure", [{ ...FAILED, ...at(8, "r"), errorType: "http_500" }], "0..8 error http_500"],
])("a tentative failure and then %s", (_, more, outcome) => {
  for (const events of [
    [PROMPT, FAILED, ...more],
    [PROMPT, ...more, FAILED],
  ]) {
    const first = lines(foldToEnd(events), "hookspan.run.outcome", "error.type").find((line) =>
      line.startsWith("invoke_agent claude-code 0.."),
    );
    expect(first).toBe(`invoke_agent claude-code ${outcome}`);
  }
});

test("a tentative failure waits for ten minutes, a certain one for two seconds", () => {
  const { tentative: _, ...certain } = FAILED;
  expect([dueAfterNs(FAILED), dueAfterNs(certain)]).toEqual([600_000_000_000n, 2_000_000_000n]);
});

test("an interruption of the session holds for what runs, and not for what has ended by itself", () => {
  const cut: AgentEvent = { ...at(9), kind: "run.interrupted", ofSession: true };
  const stop: AgentEvent = { ...at(8.98, "r"), kind: "run.stopped" };
  expect(outcomeOf([PROMPT, cut])).toEqual(["invoke_agent claude-code 0..9 interrupted"]);
  expect(outcomeOf([PROMPT, stop, cut])).toEqual(["invoke_agent claude-code 0..8.98 success"]);
  expect(outcomeOf([PROMPT, cut, stop])).toEqual(["invoke_agent claude-code 0..8.98 success"]);
});

/** How long after an event of the run something is due. */
function dueAfterNs(event: AgentEvent): bigint {
  const { session } = foldAll([PROMPT, event]);
  return ((session && dueNs(session)) ?? 0n) - event.atNs;
}

function outcomeOf(events: AgentEvent[]): string[] {
  return lines(foldToEnd(events), "hookspan.run.outcome").slice(0, 1);
}
