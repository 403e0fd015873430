// From a wrapped hook to the span and the counter at the receiver.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test, vi } from "vitest";

import { install, WAIT } from "../support/installed.ts";
import { plain } from "../support/otlp-json.ts";

const HOOKS = join(import.meta.dirname, "..", "..", "hooks");
const BASE = { session_id: "s", prompt_id: "p" };

test("a wrapped hook that says no is a span of its run, and counted once", async () => {
  const installed = await install();
  const folder = dirname(installed.tree.hookFile);
  const wrapper = join(folder, "hookspan-wrap.sh");
  for (const file of ["hookspan-wrap.sh", "hookspan-wrap-report.sh"]) cpSync(join(HOOKS, file), join(folder, file));
  await installed.hook({ ...BASE, hook_event_name: "UserPromptSubmit", prompt: "Go." });
  const options = ["--event", "UserPromptSubmit", "--name", "guard", "--settings", "/etc/claude-code/x.json"];
  const child = spawn("sh", [wrapper, ...options, "--", "sh", "-c", "cat >&2; exit 2"], { env: installed.env });
  child.stdin.end(JSON.stringify({ ...BASE, hook_event_name: "UserPromptSubmit", prompt: "Go." }));
  await once(child, "close");
  expect(child.exitCode).toBe(2);
  // Its report is written after its end.
  await vi.waitFor(
    () => expect(readdirSync(join(installed.state, "wrap")).filter((name) => name.includes("."))).toEqual([]),
    WAIT,
  );
  expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0 });
  const spans = installed.spans();
  const run = spans.find(({ name }) => name === "invoke_agent claude-code");
  const hooks = spans.filter(({ name }) => name.startsWith("execute_hook"));
  expect(hooks).toMatchObject([{ name: "execute_hook UserPromptSubmit", parentSpanId: run?.spanId }]);
  expect(plain(hooks[0]?.attributes ?? [])).toMatchObject({
    "hookspan.hook.name": "guard",
    "hookspan.hook.source": "system",
    "hookspan.hook.status": "blocked",
  });
  expect(installed.counted("hookspan.hook.run.count")).toBe(1);
  expect(spans.filter(({ name }) => name === "invoke_agent claude-code")).toHaveLength(1);
});
