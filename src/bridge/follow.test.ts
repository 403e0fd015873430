import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { tempState } from "../../test/support/temp-state.ts";
import type { Session } from "../trace/session.ts";
import { newSession } from "../trace/session.ts";
import { emptyTally } from "../trace/tally.ts";
import { createFollow } from "./follow.ts";

const NOW_NS = 1_795_196_713_000_000_000n;
const MS = 1_000_000n;

/** What changes of the first session between two looks, how much later the second one is, and whether it sees the new line. */
test.each<[string, number, Partial<Session> | undefined, number, boolean]>([
  ["a quiet one among few, at once", 32, undefined, 1, true],
  ["a quiet one of many, a moment later", 33, undefined, 499, false],
  ["a quiet one of many, half a second later", 33, undefined, 500, true],
  ["a quiet one of many, the clock set back", 33, undefined, -1, true],
  ["one of many in which something happened, at once", 33, {}, 1, true],
])("a transcript has grown: %s", (_, count, changed, laterMs, isSeen) => {
  const { sessions, files, follow } = setUp(count);
  expect(follow.sizes(sessions, NOW_NS).size).toBe(count);
  expect(follow.sizes(sessions, NOW_NS).size).toBe(count === 33 ? 0 : count);
  appendFileSync(files[0] ?? "", "{}\n");
  const next = sessions.map((one, i) => (i === 0 && changed !== undefined ? { ...one, ...changed } : one));
  const sizes = follow.sizes(next, NOW_NS + BigInt(laterMs) * MS);
  expect(sizes.get(files[0] ?? "")).toBe(isSeen ? 6 : undefined);
  expect(sessions.some((one) => follow.isBehind(one))).toBe(false);
});

test("of many, the one whose run has stopped is looked at in every step, and so is one that is due to end", () => {
  const { sessions, files, follow } = setUp(33);
  const [first, second] = sessions;
  if (first !== undefined) first.runs = [stoppedRun()];
  if (second !== undefined) second.segments = [{ ...segment(), endedNs: NOW_NS - 60_000n * MS }];
  follow.sizes(sessions, NOW_NS);
  expect([...follow.sizes(sessions, NOW_NS + MS).keys()]).toEqual(files.slice(0, 2));
});

test("where something happens in a session just after it was passed over, nothing of it may end before it is looked at", () => {
  const { sessions, follow } = setUp(33);
  follow.sizes(sessions, NOW_NS);
  follow.sizes(sessions, NOW_NS + MS);
  const [first] = sessions;
  const changed = first && { ...first };
  expect([first, changed].map((one) => one && follow.isBehind(one))).toEqual([false, true]);
  follow.sizes(changed ? [changed, ...sessions.slice(1)] : [], NOW_NS + MS);
  expect(changed && follow.isBehind(changed)).toBe(false);
});

function setUp(count: number) {
  const { home } = tempState();
  const files = Array.from({ length: count }, (_, i) => join(home, `s${i}.jsonl`));
  for (const file of files) writeFileSync(file, "{}\n");
  const sessions = files.map((file, i): Session => ({
    ...newSession("claude-code", `s${i}`, NOW_NS),
    segments: [segment()],
    transcripts: { [file]: { messages: [] } },
  }));
  const follow = createFollow({ fold: () => true, session: () => undefined, onSkipped: () => undefined });
  return { sessions, files, follow };
}

function segment(): Session["segments"][number] {
  return { startNs: NOW_NS, started: true, eventful: true, lastNs: NOW_NS, runs: [], runCount: 0 };
}

function stoppedRun(): Session["runs"][number] {
  const context = { traceId: "a".repeat(32), spanId: "a".repeat(16) };
  const times = { startNs: NOW_NS, lastNs: NOW_NS, stoppedNs: NOW_NS };
  return { key: "p", context, ...times, synthetic: false, trigger: "user", tally: emptyTally() };
}
