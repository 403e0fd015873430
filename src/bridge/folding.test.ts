import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import type { AgentEvent } from "../event/event.ts";
import { emptyTotals } from "../metric/totals.ts";
import { createCommit } from "../store/commit.ts";
import { realDisk } from "../store/disk.ts";
import { emptyIndex } from "../store/index-file.ts";
import { createQuarantine } from "../store/quarantine.ts";
import { createSessionStore } from "../store/session-store.ts";
import { createStateDirectory } from "../store/state-directory.ts";
import { SESSION_VERSION, sessionSchema } from "../trace/session.ts";
import { createFolding, type Folding } from "./folding.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hookspan-folding-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const at = (seconds: number, sessionId: string) => ({ agent: "a", sessionId, atNs: BigInt(seconds) * 1_000_000_000n });
const tool = { callId: "t", tool: "Bash" };

function open(): { folding: Folding; commit: () => void } {
  const directory = createStateDirectory(realDisk, join(home, "state"));
  const quarantine = createQuarantine(realDisk, directory.quarantine, { quarantineBytes: 1e6, ageMs: 1e9 });
  const commit = createCommit({ disk: realDisk, quarantine }, directory);
  commit.applyPending();
  const store = createSessionStore({ disk: realDisk, quarantine }, directory.sessions, SESSION_VERSION, (json) =>
    sessionSchema.parse(json),
  );
  const folding = createFolding({
    store,
    totals: emptyTotals(),
    index: emptyIndex(),
    policy: { price: () => undefined, capture: () => undefined },
    repositoryOf: () => undefined,
    birthOf: () => undefined,
    onUnreadable: () => {},
  });
  return { folding, commit: () => void commit.commit({ ...folding.take(), envelopes: [], quarantine: [] }) };
}

test("the events of a child session become its root's, in the same process and after a restart", () => {
  const start: AgentEvent[] = [
    { ...at(1, "root"), kind: "prompt.submitted", trigger: "user", runKey: "r" },
    {
      ...at(2, "root"),
      kind: "subagent.started",
      runKey: "r",
      subagentId: "s",
      type: "Explore",
      childSessionId: "child",
    },
    { ...at(3, "child"), kind: "tool.started", subagentId: "s", ...tool },
  ];
  const first = open();
  for (const event of start) expect(first.folding.fold(event)).toBe(true);
  first.commit();

  const second = open();
  second.folding.fold({ ...at(4, "child"), kind: "tool.ended", subagentId: "s", ...tool, outcome: "success" });
  expect(second.folding.session("a", "child")?.id).toBe("root");
  const [batch] = second.folding.take().held;
  const root = second.folding.session("a", "root");
  expect(batch?.traceId).toBe(root?.runs[0]?.context.traceId);
  expect(batch?.spans[0]?.parentSpanId).toBe(root?.subagents[0]?.context.spanId);
  expect(batch?.spans[0]?.attributes["session.id"]).toBe("root");
});

test("23: a conversation that goes on under other session ids keeps the id of the first, over a restart too", () => {
  const first = open();
  for (const event of rotate(10, "one", "two")) first.folding.fold(event);
  first.commit();
  const second = open();
  for (const event of rotate(30, "two", "three")) second.folding.fold(event);
  const [batch] = second.folding.take().held;
  expect(batch?.spans[0]?.attributes).toMatchObject({
    "session.id": "three",
    "gen_ai.conversation.id": "one",
    "session.previous_id": "two",
  });
});

function rotate(seconds: number, from: string, to: string): AgentEvent[] {
  return [
    { ...at(seconds, from), kind: "session.ended", reason: "other" },
    { ...at(seconds, to), kind: "session.continued", previousSessionId: from },
    { ...at(seconds + 1, to), kind: "session.ended", reason: "other" },
    { ...at(seconds + 9, to), kind: "time.passed" },
  ];
}
