// What `status` says of the life of an installation, from the first look to a Collector that goes away.
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";

import { install, WAIT, type Installed } from "../support/installed.ts";
import { runShortSession } from "../support/short-session.ts";

const statusSchema = z.looseObject({
  version: z.string(),
  activity: z.strictObject({
    agents: z.record(z.string(), z.strictObject({ lastEvent: z.string(), version: z.string().optional() })),
    accepted: z.strictObject({ spans: z.string().optional(), metrics: z.string().optional() }),
  }),
});

describe("status", { timeout: 60_000 }, () => {
  test("of a directory that nobody has used", async () => {
    const installed = await install();
    expect(await statusOf(installed)).toMatchObject({ activity: { agents: {}, accepted: {} } });
    const text = (await installed.run(["status"])).stdout;
    expect(text).toMatch(/^accepted {4}spans never, totals never$/m);
    expect(text).not.toMatch(/^agent/m);
  });

  test("tells the last event of each agent and the last acceptance of each signal", async () => {
    const installed = await install();
    const from = new Date().toISOString();
    await runShortSession(installed, { id: "s" });
    expect(await installed.run(["flush", "--close"])).toMatchObject({ code: 0 });
    const to = new Date().toISOString();
    const { activity } = await statusOf(installed);
    expect(Object.keys(activity.agents)).toEqual(["claude-code"]);
    for (const at of [activity.agents["claude-code"]?.lastEvent, activity.accepted.spans, activity.accepted.metrics]) {
      expect(at).toBeDefined();
      expect(from <= String(at) && String(at) <= to).toBe(true);
    }
    expect((await installed.run(["status"])).stdout).toMatch(/^agent {7}claude-code, last event \d{4}-/m);
  });

  test("still tells of events while the Collector is away, and of no acceptance", async () => {
    const installed = await install();
    installed.recorder.answerWith({ status: 503 });
    await runShortSession(installed, { id: "s" });
    await vi.waitFor(async () => {
      const { activity } = await statusOf(installed);
      expect(activity).toMatchObject({ agents: { "claude-code": {} }, accepted: {} });
    }, WAIT);
    installed.recorder.answerWith({ status: 200 });
  });
});

async function statusOf(installed: Installed): Promise<z.output<typeof statusSchema>> {
  return statusSchema.parse(JSON.parse((await installed.run(["status", "--json"])).stdout));
}
