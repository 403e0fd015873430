import { expect, test } from "vitest";

import type { EventBase } from "../../event/event.ts";
import { hookRuns, stopHookRuns } from "./hook-lines.ts";

const base: EventBase = { agent: "claude-code", sessionId: "s", atNs: 1n };

test.each([
  ["hook_success", {}, "completed"],
  ["hook_non_blocking_error", {}, "failed"],
  ["hook_blocking_error", {}, "blocked"],
  ["hook_cancelled", { timedOut: true, timeoutMs: 1000 }, "failed"],
  ["hook_cancelled", { timedOut: false }, "stopped"],
  ["hook_cancelled", {}, "stopped"],
])("an attachment %s %j is a hook that %s", (type, fields, status) => {
  const attachment = { type, hookEvent: "PreToolUse", command: "./guard.sh", durationMs: 3, ...fields };
  expect(hookRuns({ attachment }, base, "u")).toMatchObject([{ kind: "hook.ran", hookName: "guard.sh", status }]);
});

test("what comes beside one of these is no run", () => {
  const attachment = { type: "hook_system_message", hookEvent: "PreToolUse", timedOut: true };
  expect(hookRuns({ attachment }, base, "u")).toEqual([]);
});

test.each([
  [["./a.sh"], false, ["completed"]],
  [["./a.sh"], true, ["stopped"]],
  [["./a.sh", "./b.sh"], true, ["completed", "completed"]],
])("stop hooks %j, of which one let all end: %s", (commands, preventedContinuation, statuses) => {
  const hookInfos = commands.map((command) => ({ command, durationMs: 3 }));
  const summary = { hookInfos, hookErrors: [], failedHookErrorIndexes: [], preventedContinuation };
  expect(stopHookRuns(summary, base, "u").map((run) => run.kind === "hook.ran" && run.status)).toEqual(statuses);
});
