// A bridge that comes late, to more events than it takes in at once: the clock has run on, and must not end what goes on further
// down in the backlog.
import { expect, test } from "vitest";

import { createStage, type Stage } from "../support/stage.ts";

const OTHERS = 2500;
const AFTER_S = 3 + OTHERS / 10;

/** A long call between two thousand events of another session; then both agents are gone. */
function longCall(stage: Stage, step: (seconds: number) => void): void {
  const main = { session: "s", run: "r1", pid: 1001 };
  const call = { tool_name: "Bash", tool_use_id: "toolu_1", tool_input: {} };
  stage.put(0, "SessionStart", { source: "startup" }, main);
  stage.put(1, "UserPromptSubmit", { prompt: "Go." }, main);
  stage.put(2, "PreToolUse", call, main);
  step(2.5);
  others(stage);
  step(AFTER_S);
  stage.put(AFTER_S + 1, "PostToolUse", { ...call, tool_response: {} }, main);
  stage.put(AFTER_S + 2, "Stop", {}, main);
  stage.put(AFTER_S + 3, "SessionEnd", { reason: "other" }, main);
  for (const pid of [1001, 1002]) stage.dead.add(pid);
}

/** A session that ends, and is taken up again behind two thousand events of another one. */
function resumed(stage: Stage, step: (seconds: number) => void): void {
  stage.put(0, "SessionStart", { source: "startup" }, { session: "s" });
  stage.put(1, "UserPromptSubmit", { prompt: "Go." }, { session: "s", run: "r1" });
  stage.put(2, "SessionEnd", { reason: "other" }, { session: "s" });
  step(2.5);
  others(stage);
  step(AFTER_S);
  stage.put(AFTER_S + 1, "SessionStart", { source: "resume" }, { session: "s" });
  stage.put(AFTER_S + 2, "UserPromptSubmit", { prompt: "Go on." }, { session: "s", run: "r2" });
  stage.put(AFTER_S + 3, "SessionEnd", { reason: "other" }, { session: "s" });
}

function others(stage: Stage): void {
  const other = { session: "other", pid: 1002 };
  for (let i = 0; i < OTHERS; i += 1) stage.put(3 + i / 10, "Notification", { message: "m" }, other);
}

test.each<[string, (stage: Stage, step: (seconds: number) => void) => void, number]>([
  ["an hour late, the agents gone: a long call and its run end as they did", longCall, 3600],
  ["two days late: a session that was taken up again is still one session", resumed, 2 * 86_400],
])("%s", { timeout: 120_000 }, async (_, story, lateS) => {
  const [inTime, late] = [await createStage(), await createStage()];
  story(inTime, (seconds) => {
    for (let i = 0; i < 4; i += 1) inTime.step(seconds);
  });
  story(late, () => undefined);
  for (let i = 0; i < 8; i += 1) {
    inTime.step(AFTER_S + 5 + i * 20);
    late.step(lateS + i * 20);
  }
  const [expected, found] = [await inTime.sent(), await late.sent()];
  const names = [
    "gen_ai.operation.name",
    "hookspan.run.outcome",
    "hookspan.tool.outcome",
    "hookspan.session.end_reason",
  ];
  expect(found.lines(...names).sort()).toEqual(expected.lines(...names).sort());
  for (const metric of ["hookspan.session.count", "hookspan.run.count"])
    expect([metric, found.total(metric)]).toEqual([metric, expected.total(metric)]);
});
