// Hermes' forwarder against real bridges: found, restarted, killed, away.
import { existsSync, rmSync } from "node:fs";

import { expect, test, vi } from "vitest";

import { startHermesGateway, type HermesGateway } from "../support/hermes-gateway.ts";
import { install, WAIT } from "../support/installed.ts";
import { intakeOf } from "../support/proved-intake.ts";

test("an event of the gateway goes through HTTP and becomes a session", async () => {
  const installed = await install();
  installed.start(["bridge"]);
  await intakeOf(installed);
  const gateway = await startHermesGateway(installed.env);
  await gateway.tell("session:start", { session_id: "s1", platform: "signal" });
  await settled(gateway, { accepted: 1 });
  await vi.waitFor(() => expect(installed.counted("hookspan.session.count")).toBe(1), WAIT);
  expect(await gateway.end()).toBe("");
});

test("events of all namespaces arrive", async () => {
  const installed = await install();
  installed.start(["bridge"]);
  await intakeOf(installed);
  const gateway = await startHermesGateway(installed.env);
  for (const event of ["gateway:startup", "session:start", "agent:step", "command:new", "tui:tool.start"])
    await gateway.tell(event, { session_id: `of ${event}` });
  await gateway.tell("other:event", { session_id: "of another namespace" });
  await settled(gateway, { accepted: 5 });
  await vi.waitFor(() => expect(installed.counted("hookspan.session.count")).toBe(5), WAIT);
});

test("an event that was forwarded before is not forwarded again", async () => {
  const installed = await install();
  installed.start(["bridge"]);
  await intakeOf(installed);
  const gateway = await startHermesGateway(installed.env);
  await gateway.tell("session:start", { session_id: "s1", _forwarded: true });
  await gateway.tell("session:start", { session_id: "s2", _forwarded: false });
  await settled(gateway, { accepted: 1 });
  await vi.waitFor(() => expect(installed.counted("hookspan.session.count")).toBe(1), WAIT);
});

test("after a restart of the bridge the next event is there at once, with the new token", async () => {
  const installed = await install();
  const gateway = await startHermesGateway(installed.env);
  const tokens: string[] = [];
  for (const number of [1, 2, 3]) {
    const { child, ended } = installed.start(["bridge"]);
    tokens.push((await intakeOf(installed, child.pid)).token);
    await gateway.tell("session:start", { session_id: `s${number}` });
    await settled(gateway, { accepted: number });
    child.kill("SIGTERM");
    await ended;
  }
  expect(new Set(tokens).size).toBe(3);
});

test("without a bridge nothing is said, and the next bridge finds the events in the spool", async () => {
  const installed = await install();
  await installed.run(["flush"]);
  const gateway = await startHermesGateway(installed.env);
  for (const number of [1, 2, 3]) await gateway.tell("session:start", { session_id: `s${number}` });
  await settled(gateway, { spooled: 3 });
  expect(await gateway.end()).toBe("");
  expect(installed.spool()).toHaveLength(3);
  expect(await installed.run(["flush"])).toMatchObject({ code: 0 });
  expect([installed.counted("hookspan.session.count"), installed.spool()]).toEqual([3, []]);
});

test("a gateway that was there before hookspan finds the bridge that comes later", async () => {
  const installed = await install();
  rmSync(installed.state, { recursive: true, force: true });
  const gateway = await startHermesGateway(installed.env);
  await gateway.tell("session:start", { session_id: "s1" });
  expect(existsSync(installed.state)).toBe(false);
  const { child } = installed.start(["bridge"]);
  await intakeOf(installed, child.pid);
  await gateway.tell("session:start", { session_id: "s2" });
  await vi.waitFor(() => expect(installed.counted("hookspan.session.count")).toBe(2), WAIT);
  expect(await gateway.end()).toBe("");
});

test("what waits when the gateway ends is in the spool", async () => {
  const installed = await install();
  await installed.run(["flush"]);
  const gateway = await startHermesGateway(installed.env);
  await Promise.all(
    Array.from({ length: 200 }, async (_, n) => gateway.tell("session:start", { session_id: `s${n}` })),
  );
  await gateway.end();
  expect(await installed.run(["flush"])).toMatchObject({ code: 0 });
  expect(installed.counted("hookspan.session.count")).toBe(200);
});

test("bridges that are killed with -9 in a flow of events lose none", async () => {
  const installed = await install();
  const gateway = await startHermesGateway(installed.env);
  let number = 0;
  for (const _ of [1, 2, 3]) {
    const { child, ended } = installed.start(["bridge"]);
    await intakeOf(installed, child.pid);
    for (const last = number + 60; number < last; number += 1) {
      await gateway.tell("session:start", { session_id: `s${number}` });
      if (number === last - 20) child.kill("SIGKILL");
    }
    await ended;
  }
  await vi.waitFor(async () => expect((await gateway.counts()).waiting).toBe(0), WAIT);
  await gateway.end();
  expect(await installed.run(["flush"])).toMatchObject({ code: 0 });
  expect(installed.counted("hookspan.session.count")).toBe(number);
});

async function settled(gateway: HermesGateway, counts: { accepted?: number; spooled?: number }): Promise<void> {
  await vi.waitFor(async () => {
    expect(await gateway.counts()).toEqual({ accepted: 0, spooled: 0, dropped: 0, refused: 0, waiting: 0, ...counts });
  }, WAIT);
}
