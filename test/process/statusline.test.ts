// The status line tap as users have it: the real script beside the real hook, a client that is a process, and the real bridge.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, cpSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { expect, onTestFinished, test, vi } from "vitest";

import { install, WAIT, type Installed } from "../support/installed.ts";
import { runShortSession, SHORT_SESSION } from "../support/short-session.ts";

const ID = "6f0e0000-0000-4000-8000-000000000013";
const COST = "hookspan.cost";
const TAP = join(import.meta.dirname, "..", "..", "hooks", "hookspan-statusline.sh");

test("a client that is killed costs what it showed; told again, and by its books at last, it costs no cent twice", async () => {
  const installed = await install();
  const client = await startClient();
  const env = { CLAUDE_PID: String(client.pid) };
  await runShortSession(installed, { id: ID, env, isCut: true });
  await show(installed, 0.25);
  // Shown many times, kept once.
  for (const usd of [0.5, 0.5, 1.25]) await show(installed, usd);
  expect(readdirSync(join(installed.state, "statusline"))).toEqual([`${ID}.json`]);
  await vi.waitFor(() => expect(installed.counted("hookspan.token.usage")).toBe(18), WAIT);
  expect(installed.counted(COST)).toBeLessThan(0.01);

  client.kill("SIGKILL");
  await once(client, "exit");
  expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0 });
  expect(installed.counted(COST)).toBeCloseTo(1.25, 9);
  expect(
    installed
      .spans()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(SHORT_SESSION.spans);
  expect(installed.counted("hookspan.code.line.count")).toBe(4);

  // Its books turn up in the transcript after all.
  const path = join(String(installed.env["HOME"]), ".claude", "projects", "p", `${ID}.jsonl`);
  const books = { totalCostUSD: 1.5, totalLinesAdded: 3, totalLinesRemoved: 1, startTime: Date.now() - 30_000 };
  appendFileSync(path, `${JSON.stringify({ type: "cost-state", sessionId: ID, ...books })}\n`);
  await runEnd(installed);
  await vi.waitFor(() => expect(installed.counted(COST)).toBeCloseTo(1.5, 9), WAIT);
  expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0 });
  expect(installed.counted(COST)).toBeCloseTo(1.5, 9);
  expect(installed.counted("hookspan.code.line.count")).toBe(4);
});

test("a client that states its books costs those, whatever it showed", async () => {
  const installed = await install();
  await runShortSession(installed, { id: ID, isCut: true });
  await show(installed, 1.25);
  const path = join(String(installed.env["HOME"]), ".claude", "projects", "p", `${ID}.jsonl`);
  const books = { totalCostUSD: 1, totalLinesAdded: 1, totalLinesRemoved: 0, startTime: Date.now() - 30_000 };
  appendFileSync(path, `${JSON.stringify({ type: "cost-state", sessionId: ID, ...books })}\n`);
  const ended = { session_id: ID, transcript_path: path, hook_event_name: "SessionEnd", reason: "other" };
  await installed.hook({ ...ended, cost: { total_cost_usd: 1.25 } });
  await vi.waitFor(() => expect(installed.spans()).toHaveLength(SHORT_SESSION.spans.length), WAIT);
  expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0 });
  expect(installed.counted(COST)).toBeCloseTo(1, 9);
  expect(installed.counted("hookspan.code.line.count")).toBe(1);
});

/** The client shows its status line, which is the tap around the user's own. */
async function show({ tree, env }: Installed, usd: number): Promise<void> {
  const script = join(tree.root, "hooks", "hookspan-statusline.sh");
  cpSync(TAP, script);
  const cost = { total_cost_usd: usd, total_duration_ms: 5000, total_lines_added: 3, total_lines_removed: 1 };
  const payload = JSON.stringify({ hook_event_name: "Status", session_id: ID, cwd: "/nowhere", cost });
  const child = spawn("sh", [script, "--", "cat"], { env });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stdin.end(payload);
  await once(child, "close");
  expect([child.exitCode, said]).toEqual([0, payload]);
}

/** Somebody takes the session up and leaves it at once, so that the bridge looks at it again. */
async function runEnd(installed: Installed): Promise<void> {
  const path = join(String(installed.env["HOME"]), ".claude", "projects", "p", `${ID}.jsonl`);
  const base = { session_id: ID, transcript_path: path };
  await installed.hook({ ...base, hook_event_name: "SessionStart", source: "resume" });
  await installed.hook({ ...base, hook_event_name: "SessionEnd", reason: "other" });
}

async function startClient() {
  const client = spawn("sleep", ["600"], { stdio: "ignore" });
  onTestFinished(() => void client.kill("SIGKILL"));
  await once(client, "spawn");
  return client;
}
