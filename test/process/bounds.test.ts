// Each bound, exactly met and exceeded by one, from hooks to `status` and to the receiver: what goes is the oldest, counted by
// its reason; what stays arrives; totals never suffer from a dropped span.
import { readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test, vi } from "vitest";
import * as z from "zod";

import { QUIET } from "../support/hook-tree.ts";
import { install, newestIn, WAIT, type Installed } from "../support/installed.ts";
import { plain } from "../support/otlp-json.ts";

const NAMES = ["first", "second", "third"];
const ALONE = { HOOKSPAN_AUTOSTART: "0" };
const NOWHERE = ["--timeout", "0.3", "--endpoint", "http://127.0.0.1:1"];

const statusSchema = z.looseObject({
  dropped: z.record(z.string(), z.number()),
  spool: z.looseObject({ items: z.number() }),
  held: z.looseObject({ items: z.number(), sizeBytes: z.number() }),
  outbox: z.looseObject({ items: z.number(), sizeBytes: z.number() }),
  quarantine: z.looseObject({ items: z.number(), sizeBytes: z.number() }),
});

type Expected = { arrive: string[]; dropped: Record<string, number> };
const ALL: Expected = { arrive: NAMES, dropped: {} };

describe.for<[string, number, Expected]>([
  ["exactly met", 0, ALL],
  ["exceeded by a byte", 1, { arrive: ["second", "third"], dropped: { spool_full: 1 } }],
])("the spool's bytes, %s", ([, excess, expected]) => {
  test("the oldest event goes", async () => {
    const installed = await install();
    for (const name of NAMES) await started(installed, name);
    const sizes = inOrder(installed, "spool");
    bound(installed, { spoolBytes: sum(sizes) - excess });
    await ends(installed, ["flush", "--close"], 0);
    expect(await seen(installed)).toEqual(seenAs(expected, expected.arrive.length));
  });
});

describe.for<[string, number, Expected]>([
  ["exactly met", 0, ALL],
  ["exceeded by a byte", 1, { arrive: NAMES.slice(0, 2), dropped: { payload_too_large: 1 } }],
])("a payload's bytes, %s", ([, excess, expected]) => {
  test("the event goes, and no other", async () => {
    const installed = await install();
    for (const name of NAMES) await started(installed, name, name === "third" ? "x".repeat(1000) : "");
    bound(installed, { payloadBytes: payload("third", "x".repeat(1000)).length - excess });
    await ends(installed, ["flush", "--close"], 0);
    expect(await seen(installed)).toEqual(seenAs(expected, expected.arrive.length));
  });
});

describe.for<[string, number, Expected]>([
  ["exactly met", 0, ALL],
  ["exceeded by a byte", 1, { arrive: ["second", "third"], dropped: { outbox_full: 1 } }],
])("the bytes of spans that wait, %s", ([, excess, expected]) => {
  test("the oldest span goes, and the totals are whole", async () => {
    const installed = await install();
    await threeInOutbox(installed);
    const { outbox, held } = await statusOf(installed);
    expect([outbox.items, held.items]).toEqual([3, 0]);
    bound(installed, { outboxBytes: outbox.sizeBytes - excess });
    await ends(installed, ["flush", ...NOWHERE], 1);
    expect((await statusOf(installed)).dropped).toEqual(expected.dropped);
    await ends(installed, ["flush"], 0);
    expect(await seen(installed)).toEqual(seenAs(expected, NAMES.length));
  });
});

test("a held span is older than those in the outbox: it goes first, and its run and all totals are still told", async () => {
  const installed = await install();
  const tool = { tool_name: "Bash", tool_use_id: "toolu_1", tool_input: {}, prompt_id: "p1" };
  await hooked(installed, { session_id: "held", hook_event_name: "UserPromptSubmit", prompt_id: "p1", prompt: "Go." });
  await hooked(installed, { session_id: "held", hook_event_name: "PreToolUse", ...tool });
  await hooked(installed, { session_id: "held", hook_event_name: "PostToolUse", ...tool, tool_response: {} });
  await ends(installed, ["flush", ...NOWHERE], 1);
  for (const [i, name] of NAMES.slice(0, 2).entries()) {
    await started(installed, name);
    await hooked(installed, { session_id: name, hook_event_name: "SessionEnd", reason: "other" });
    // One after the other, for what one commit releases shares a file.
    await inOutbox(installed, i + 1);
  }
  const { held, outbox } = await statusOf(installed);
  expect([held.items, outbox.items]).toEqual([1, 2]);
  bound(installed, { outboxBytes: held.sizeBytes + outbox.sizeBytes - 1 });
  await ends(installed, ["flush", ...NOWHERE], 1);
  expect(await statusOf(installed)).toMatchObject({ held: { items: 0 }, outbox: { items: 2 } });
  bound(installed, {});
  await ends(installed, ["flush", "--close"], 0);
  expect(
    installed
      .spans()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(["invoke_agent claude-code", "session claude-code", "session claude-code", "session claude-code"]);
  expect(installed.counted("hookspan.session.count")).toBe(3);
  expect(installed.counted("hookspan.run.count")).toBe(1);
  expect(droppedAt(installed)).toEqual({ outbox_full: 1 });
});

describe.for<[string, number, Record<string, number>]>([
  ["exactly met", 0, {}],
  ["exceeded by a byte", 1, { quarantine: 1 }],
])("the quarantine's bytes, %s", ([, excess, dropped]) => {
  test("the oldest is emptied, its name stays and is counted", async () => {
    const installed = await install();
    for (const [i] of NAMES.entries()) {
      expect(await installed.hook("{".repeat(100 + i), ALONE)).toEqual(QUIET);
      await ends(installed, ["flush"], 0);
    }
    const { quarantine } = await statusOf(installed);
    const [oldest = 0] = inOrder(installed, "quarantine");
    expect(quarantine.items).toBe(3);
    bound(installed, { quarantineBytes: quarantine.sizeBytes - excess });
    await ends(installed, ["flush"], 0);
    const after = await statusOf(installed);
    expect(after.dropped).toEqual(dropped);
    expect(after.quarantine).toMatchObject({ items: 3, sizeBytes: quarantine.sizeBytes - (excess === 0 ? 0 : oldest) });
    expect(inOrder(installed, "quarantine").filter((size) => size === 0)).toHaveLength(excess);
    // Counted after the last export: the next one tells it.
    await ends(installed, ["flush"], 0);
    expect(droppedAt(installed)).toEqual(dropped);
  });
});

describe.for<[string, Expected, number]>([
  ["spool", { arrive: ["second", "third"], dropped: { spool_old: 1 } }, 2],
  ["outbox", { arrive: ["second", "third"], dropped: { outbox_old: 1 } }, 3],
])("an age, in the %s", ([place, expected, sessions]) => {
  test("beyond it the oldest goes, and what is not beyond it stays", async () => {
    const installed = await install();
    if (place === "spool") for (const name of NAMES) await started(installed, name);
    else await threeInOutbox(installed);
    // Half a minute on either side: the command needs some time to get there.
    const ages = [86_400 + 30, 86_400 - 30, 10];
    for (const [i, path] of pathsInOrder(installed, place).entries()) {
      const time = Date.now() / 1000 - (ages[i] ?? 0);
      utimesSync(path, time, time);
    }
    bound(installed, { ageDays: 1 });
    if (place === "outbox") await ends(installed, ["flush", ...NOWHERE], 1);
    await ends(installed, ["flush", "--close"], 0);
    expect(await seen(installed)).toEqual(seenAs(expected, sessions));
  });
});

/** What the receiver got, what waits, and what receiver and `status` say was dropped. */
async function seen(
  installed: Installed,
): Promise<Expected & { sessions: number; waiting: number; atReceiver: object }> {
  const { dropped, spool, held, outbox } = await statusOf(installed);
  const { stdout } = await installed.run(["status"]);
  for (const [reason, count] of Object.entries(dropped)) expect(stdout).toContain(`${reason} ${count}`);
  return {
    arrive: installed
      .spans()
      .map(({ attributes }) => String(plain(attributes)["session.id"]))
      .sort(),
    dropped,
    atReceiver: droppedAt(installed),
    sessions: installed.counted("hookspan.session.count"),
    waiting: spool.items + held.items + outbox.items,
  };
}

function seenAs(expected: Expected, sessions: number): Awaited<ReturnType<typeof seen>> {
  return { ...expected, atReceiver: expected.dropped, sessions, waiting: 0 };
}

/** `hookspan.bridge.dropped.count` at the receiver, by reason. */
function droppedAt({ recorder }: Installed): Record<string, number> {
  const reasons = new Map<string, number>();
  const metrics = recorder.requests
    .flatMap(({ body }) => body.resourceMetrics ?? [])
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  for (const { name, sum: counter } of metrics) {
    if (name !== "hookspan.bridge.dropped.count") continue;
    for (const point of counter?.dataPoints ?? []) {
      const reason = plain(point.attributes)["hookspan.drop.reason"];
      reasons.set(String(reason), Number(point.asInt ?? point.asDouble));
    }
  }
  expect(newestIn(recorder.requests, "hookspan.bridge.dropped.count")).toBe(sum([...reasons.values()]));
  return Object.fromEntries(reasons);
}

/** One session each, whose span nobody takes: three files, one after the other. */
async function threeInOutbox(installed: Installed): Promise<void> {
  for (const name of NAMES) {
    await started(installed, name);
    await hooked(installed, { session_id: name, hook_event_name: "SessionEnd", reason: "other" });
    await inOutbox(installed, NAMES.indexOf(name) + 1);
  }
}

/** On a busy machine the time may be up before all was taken in. */
async function inOutbox(installed: Installed, items: number): Promise<void> {
  await vi.waitFor(async () => {
    await ends(installed, ["flush", ...NOWHERE], 1);
    expect((await statusOf(installed)).outbox.items).toBe(items);
  }, WAIT);
}

async function started(installed: Installed, name: string, more = ""): Promise<void> {
  await hooked(installed, payload(name, more));
}

let clockS = 0;

/**
 * Runs the hook, and moves its event into a second of its own: hooks may well run within one tick of a file system's clock.
 * A while ago, so that what ends waits for no stragglers.
 */
async function hooked(installed: Installed, body: object | string): Promise<void> {
  const before = new Set(installed.spool());
  expect(await installed.hook(body, ALONE)).toEqual(QUIET);
  clockS += 1;
  const time = Math.floor(Date.now() / 1000) - 1000 + clockS;
  for (const made of installed.spool().filter((one) => !before.has(one)))
    utimesSync(join(installed.state, "spool", made), time, time);
}

function payload(name: string, more: string): string {
  return JSON.stringify({ session_id: name, hook_event_name: "SessionStart", source: "startup", more });
}

function bound({ env }: Installed, bounds: object): void {
  writeFileSync(String(env["HOOKSPAN_CONFIG"]), JSON.stringify({ bounds }));
}

async function ends(installed: Installed, args: string[], code: number): Promise<void> {
  expect(await installed.run(args)).toMatchObject({ code, stdout: "" });
}

async function statusOf(installed: Installed): Promise<z.infer<typeof statusSchema>> {
  return statusSchema.parse(JSON.parse((await installed.run(["status", "--json"])).stdout));
}

/** Sizes of the files in a folder of the state directory, oldest first. */
function inOrder(installed: Installed, folder: string): number[] {
  return pathsInOrder(installed, folder).map((path) => statSync(path).size);
}

function pathsInOrder({ state }: Installed, folder: string): string[] {
  return readdirSync(join(state, folder))
    .map((name) => ({ path: join(state, folder, name), mtimeMs: statSync(join(state, folder, name)).mtimeMs }))
    .sort((a, b) => a.mtimeMs - b.mtimeMs || (a.path < b.path ? -1 : 1))
    .map(({ path }) => path);
}

function sum(numbers: number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
