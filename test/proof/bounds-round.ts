/**
 * A round with bounds so small that events and spans are dropped: what is dropped is counted, to the item. The bound of the
 * spool holds while bridges are killed, for its count is in the commit that drops.
 */

import { readdirSync, statSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import * as z from "zod";

import { createFeeder, createSite, type Site } from "./feeder.ts";
import { countKills, measureStart, runUndisturbed } from "./kill-round.ts";
import { environmentOf, liveOnce, PROGRAM, randomAim, runOnce, writeConfig, type Death } from "./life.ts";
import { createRandom } from "./random.ts";
import { createReceiver } from "./receiver.ts";
import { createWorkload } from "./workload.ts";

export type BoundsRound = { events: number; kills: number; dropped: number; lost: number; faults: string[] };

const FILES_ONLY = { realHooksEvery: 0, hookKillPercent: 0 };

/** More events than the spool may hold. */
export async function runSpoolRound(options: {
  seed: number;
  root: string;
  events: number;
  kills: number;
}): Promise<BoundsRound> {
  const random = createRandom(options.seed);
  const site = createSite(join(options.root, "small-spool"));
  const workload = createWorkload({ ...options, sessions: 5 });
  const feeder = createFeeder(site, workload, random, FILES_ONLY);
  const receiver = await createReceiver(random);
  const deaths = new Map<string, Death>();
  try {
    writeConfig(site, {});
    const startMs = await measureStart(site, receiver.url);
    await feeder.feed(options.events * 2);
    const spool = join(site.state, "spool");
    const bytes = readdirSync(spool).reduce((sum, name) => sum + statSync(join(spool, name)).size, 0);
    writeConfig(site, { bounds: { spoolBytes: Math.round(bytes / 2) } });
    for (let life = 0; countKills(deaths).kills < options.kills; life += 1) {
      const aim = randomAim(random, startMs);
      deaths.set(String(life), await liveOnce({ site, receiver, life: String(life), command: "bridge", aim }));
    }
    await drain(site, receiver.url);
    const { events, dropped } = await statusOf(site, receiver.url);
    const { events: put } = workload.truth;
    const [folded, full] = [events["folded"] ?? 0, dropped["spool_full"] ?? 0];
    return {
      events: put,
      kills: countKills(deaths).kills,
      dropped: full,
      lost: put - folded - full,
      faults: [
        ...(full > 0 ? [] : ["the bound of the spool dropped nothing"]),
        ...(folded + full === put ? [] : [`of ${put} events ${folded} were folded and ${full} dropped`]),
      ],
    };
  } finally {
    await receiver.close();
  }
}

/** More spans than the outbox may hold, while nobody takes them. */
export async function runOutboxRound(options: { seed: number; root: string; events: number }): Promise<BoundsRound> {
  const random = createRandom(options.seed);
  const site = createSite(join(options.root, "small-outbox"));
  const workload = createWorkload({ ...options, sessions: 5 });
  const feeder = createFeeder(site, workload, random, FILES_ONLY);
  const receiver = await createReceiver(random);
  try {
    writeConfig(site, {});
    await feeder.feed(options.events * 2);
    const { url } = receiver;
    // Nobody listens at port 1.
    await runOnce(site, "http://127.0.0.1:1", ["flush", "--close", "--timeout", "2"]);
    const bound = Math.round(outboxBytes(site) / 2);
    writeConfig(site, { bounds: { outboxBytes: bound } });
    await enforce(site, bound);
    await drain(site, url);
    const { dropped } = await statusOf(site, url);
    const { booked } = await runUndisturbed(options.root, feeder);
    const expected = booked.flatMap(({ spans }) => spans).length;
    const keys = receiver.booked.flatMap(({ spans }) => spans.map(({ key }) => key));
    const full = dropped["outbox_full"] ?? 0;
    return {
      events: workload.truth.events,
      kills: 0,
      dropped: full,
      lost: expected - new Set(keys).size - full,
      faults: [
        ...(full > 0 ? [] : ["the bound of the outbox dropped nothing"]),
        ...(new Set(keys).size === keys.length ? [] : ["spans arrived twice"]),
        ...(keys.length + full === expected
          ? []
          : [`of ${expected} spans ${keys.length} came and ${full} were dropped`]),
      ],
    };
  } finally {
    await receiver.close();
  }
}

/** A bridge looks after its bounds when it begins. */
async function enforce(site: Site, bound: number): Promise<void> {
  const env = environmentOf(site, "http://127.0.0.1:1", "bounds");
  const child = spawn(process.execPath, [PROGRAM, "bridge"], { env, stdio: "ignore" });
  const closed = once(child, "close");
  while (outboxBytes(site) > bound && child.exitCode === null) await sleep(5);
  child.kill("SIGTERM");
  await closed;
}

async function drain(site: Site, url: string): Promise<void> {
  const { code, said } = await runOnce(site, url, ["flush", "--close", "--timeout", "60"]);
  if (code !== 0) throw new Error(`the last flush ended with ${code}: ${said}`);
}

async function statusOf(site: Site, url: string): Promise<z.infer<typeof statusSchema>> {
  return statusSchema.parse(JSON.parse((await runOnce(site, url, ["status", "--json"])).said));
}

const counts = z.record(z.string(), z.number());
const statusSchema = z.object({ events: counts, dropped: counts });

function outboxBytes(site: Site): number {
  const directory = join(site.state, "outbox");
  return readdirSync(directory)
    .filter((name) => name.endsWith(".json"))
    .reduce((sum, name) => sum + (statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0), 0);
}
