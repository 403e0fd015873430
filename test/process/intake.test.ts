// The intake of a real bridge: found by its file, flooded, killed, asked to leave.
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";

import { expect, onTestFinished, test, vi } from "vitest";

import { verified, type IntakeAddress } from "../../src/intake/discovery.ts";
import { realDisk } from "../../src/store/disk.ts";
import { install, kill, WAIT, type Installed } from "../support/installed.ts";
import { ask } from "../support/intake.ts";
import { plain } from "../support/otlp-json.ts";
import { intakeOf } from "../support/proved-intake.ts";
import { freePorts } from "../support/start-program.ts";

const SESSION = { session_id: "8b0e0000-0000-4000-8000-000000000001", cwd: "/nowhere" };
const TURN = { ...SESSION, prompt_id: "p1" };
const HOOK = "/v1/hooks/claude-code";
const STORY = [
  { ...SESSION, hook_event_name: "SessionStart", source: "startup" },
  { ...TURN, hook_event_name: "UserPromptSubmit", prompt: "A secret prompt" },
  { ...TURN, hook_event_name: "PreToolUse", tool_name: "Bash", tool_use_id: "toolu_1", tool_input: {} },
  { ...TURN, hook_event_name: "PostToolUse", tool_name: "Bash", tool_use_id: "toolu_1", tool_response: {} },
  { ...TURN, hook_event_name: "Stop" },
  { ...SESSION, hook_event_name: "SessionEnd", reason: "other" },
];
const TREE = ["execute_tool Bash", "invoke_agent claude-code", "session claude-code"];

test("a session told by HTTP becomes the spans that hooks would have made of it", async () => {
  const installed = await install();
  installed.start(["bridge"]);
  const address = await intakeOf(installed);
  for (const payload of STORY)
    expect(await ask(address, HOOK, { body: JSON.stringify(payload) })).toMatchObject({ status: 202, body: "" });
  await vi.waitFor(() => expect(namesOf(installed)).toEqual(TREE), WAIT);
});

test("a bridge that a hook started has an intake, announced to its user alone and gone with it", async () => {
  const installed = await install();
  await installed.hook(STORY[0] ?? {});
  const address = await intakeOf(installed);
  const pid = await installed.bridge();
  expect(statSync(join(installed.state, "bridge.json")).mode & 0o777).toBe(0o600);
  const said = (await installed.run(["status", "--json"])).stdout + readFileSync(join(installed.state, "log"), "utf8");
  expect(said).not.toContain(address.token);
  for (const payload of STORY.slice(1))
    expect((await ask(address, HOOK, { body: JSON.stringify(payload) })).status).toBe(202);
  kill(pid, "SIGTERM");
  await vi.waitFor(async () => expect(await installed.bridges()).toEqual([]), WAIT);
  expect(existsSync(join(installed.state, "bridge.json"))).toBe(false);
  expect(await verified(realDisk, installed.state)).toEqual({ status: "none" });
  expect(installed.spool()).toEqual([]);
  expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0 });
  expect(namesOf(installed)).toEqual(TREE);
});

test("at a configured port a restart is no more than a pause: the token stays", async () => {
  const installed = await install();
  const port = (await freePorts("intake"))("intake");
  writeFileSync(String(installed.env["HOOKSPAN_CONFIG"]), JSON.stringify({ intake: { port } }));
  const tokens: string[] = [];
  for (const payload of STORY.slice(0, 2)) {
    const { child, ended } = installed.start(["bridge"]);
    const address = await intakeOf(installed);
    expect(address.url).toBe(`http://127.0.0.1:${port}`);
    expect((await ask(address, HOOK, { body: JSON.stringify(payload) })).status).toBe(202);
    tokens.push(address.token);
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
  }
  expect(tokens[0]).toBe(tokens[1]);
});

test("a port that another program has: hooks work as ever, and status tells of it until the bridge leaves", async () => {
  const installed = await install();
  const port = Number(new URL(installed.recorder.url).port);
  writeFileSync(String(installed.env["HOOKSPAN_CONFIG"]), JSON.stringify({ intake: { port } }));
  const { child, ended } = installed.start(["bridge"]);
  await vi.waitFor(async () => expect(await troubles(installed)).toMatchObject([{ kind: "intake" }]), WAIT);
  for (const payload of STORY) await installed.hook(payload);
  await vi.waitFor(() => expect(namesOf(installed)).toEqual(TREE), WAIT);
  child.kill("SIGTERM");
  expect((await ended).code).toBe(0);
  expect(await troubles(installed)).toEqual([]);
});

test("switched off, nothing listens", async () => {
  const installed = await install();
  writeFileSync(String(installed.env["HOOKSPAN_CONFIG"]), JSON.stringify({ intake: { enabled: false } }));
  await installed.hook(STORY[0] ?? {});
  await installed.bridge();
  await vi.waitFor(() => expect(installed.counted("hookspan.session.count")).toBe(1), WAIT);
  expect(await verified(realDisk, installed.state)).toEqual({ status: "none" });
});

test("killed with -9 in a flood, three times: every 202 is exported once", async () => {
  const installed = await install();
  const calls = Array.from({ length: 1200 }, (_, n) => ({
    ...TURN,
    hook_event_name: "PreToolUse",
    tool_name: "Bash",
    tool_use_id: `toolu_${n}`,
    tool_input: { command: "x".repeat(1800) },
  }));
  const unanswered = calls.map((call) => JSON.stringify(call));
  let accepted = 0;
  for (const killAt of [150, 400, 800, Infinity]) {
    const { child, ended } = installed.start(["bridge"]);
    const address = await intakeOf(installed, child.pid);
    if (accepted === 0)
      for (const payload of STORY.slice(0, 2)) await ask(address, HOOK, { body: JSON.stringify(payload) });
    // A client that got no answer sends the same again to the next bridge.
    const again = await flood(address, unanswered.splice(0), () => {
      accepted += 1;
      if (accepted >= killAt) child.kill("SIGKILL");
    });
    unanswered.push(...again);
    if (killAt === Infinity) child.kill("SIGTERM");
    await ended;
  }
  expect([unanswered, accepted]).toEqual([[], calls.length]);
  expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0, stderr: "" });
  const ids = installed
    .spans()
    .filter(({ name }) => name === "execute_tool Bash")
    .map(({ attributes }) => String(plain(attributes)["gen_ai.tool.call.id"]));
  expect(ids.toSorted()).toEqual(calls.map(({ tool_use_id: id }) => id).toSorted());
  expect(installed.counted("hookspan.session.count")).toBe(1);
}, 120_000);

/** Posts over 16 connections that stay open; gives what was not answered with 202. */
async function flood(address: IntakeAddress, bodies: readonly string[], onAccepted: () => void): Promise<string[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  onTestFinished(() => agent.destroy());
  const post = (body: string): Promise<number> =>
    new Promise((resolve) => {
      const headers = { authorization: `Bearer ${address.token}`, "content-type": "application/json" };
      const sent = request(`${address.url}${HOOK}`, { method: "POST", agent, headers }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode ?? 0));
        response.on("error", () => resolve(0));
      });
      sent.on("error", () => resolve(0)).end(body);
    });
  const ends = await Promise.all(
    bodies.map(async (body) => {
      const status = await post(body);
      if (status === 202) onAccepted();
      return { body, status };
    }),
  );
  return ends.filter(({ status }) => status !== 202).map(({ body }) => body);
}

async function troubles(installed: Installed): Promise<unknown> {
  const status: { troubles: unknown } = JSON.parse((await installed.run(["status", "--json"])).stdout);
  return status.troubles;
}

function namesOf(installed: Installed): string[] {
  return installed
    .spans()
    .map(({ name }) => name)
    .toSorted();
}
