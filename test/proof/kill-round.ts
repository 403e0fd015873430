/**
 * One round of the proof: a workload is fed while bridges live and are killed, one after the other; then an undisturbed
 * `flush --close` drains what is left. The same workload goes undisturbed through a second state directory. Both, and the
 * naive truth, must agree.
 */

import { join } from "node:path";

import type { RunningCollector } from "../support/collector.ts";
import { ageIncomplete, createFeeder, createSite, type Feeder, type FeedOptions, type Site } from "./feeder.ts";
import { liveOnce, randomAim, runOnce, writeConfig, type Death, type Receiving } from "./life.ts";
import { collectorFaults } from "./collector-faults.ts";
import { quarantineFaults, quarantined } from "./quarantine-faults.ts";
import { createRandom, type Random } from "./random.ts";
import { createReceiver, type Receiver } from "./receiver.ts";
import {
  compareTotals,
  compareTotalsWithTruth,
  compareWithTruth,
  judgeSpans,
  lastPoints,
  monotonyFaults,
  type Verdict,
} from "./verdict.ts";
import { createWorkload } from "./workload.ts";

export type KillOptions = FeedOptions & {
  seed: number;
  /** An empty directory. */
  root: string;
  events: number;
  sessions: number;
  kills: number;
  onProgress: (text: string) => void;
};

/** `troublePercent`: of a hundred requests, so many meet with an outage of some manner. The Collector is stopped at the end. */
export type KillRoundOptions = KillOptions & { troublePercent: number; collector?: RunningCollector };

export type KillRound = Verdict & {
  events: number;
  kills: number;
  /** Of the kills: how many left a commit half applied, how many an export without an answer. */
  killsInCommit: number;
  killsInFlight: number;
  hookKills: number;
  outages: number;
  /** Half-written envelopes of killed hooks, which belong there. */
  quarantined: number;
};

export async function runKillRound(options: KillRoundOptions): Promise<KillRound> {
  const random = createRandom(options.seed);
  const workload = createWorkload(options);
  const site = createSite(join(options.root, "killed"));
  writeConfig(site, {});
  const feeder = createFeeder(site, workload, createRandom(options.seed + 1), options);
  const receiver = await createReceiver(createRandom(options.seed + 2), { forwardTo: options.collector?.endpoint });
  try {
    receiver.trouble(options.troublePercent);
    const deaths = await killWhileFeeding({ site, feeder, receiver, random }, options);
    receiver.trouble(0);
    const incomplete = ageIncomplete(site);
    const drained = await runOnce(site, receiver.url, ["flush", "--close", "--timeout", "60"]);
    await options.collector?.stop();
    const { booked } = await runUndisturbed(options.root, feeder);

    const expected = booked.flatMap(({ spans }) => spans);
    const verdict = judgeSpans(receiver.booked, deaths, expected);
    const totals = lastPoints(receiver.booked);
    return {
      ...verdict,
      ...countKills(deaths),
      events: workload.truth.events,
      hookKills: feeder.hookKills(),
      outages: receiver.outages(),
      quarantined: quarantined(site).length,
      faults: [
        ...verdict.faults,
        ...(drained.code === 0 ? [] : [`the last flush ended with ${drained.code}: ${drained.said}`]),
        ...quarantineFaults(site, incomplete),
        ...compareWithTruth(expected, workload.truth).map((text) => `undisturbed: ${text}`),
        ...compareTotalsWithTruth(lastPoints(booked), workload.truth).map((text) => `undisturbed: ${text}`),
        ...compareTotals(totals, lastPoints(booked)),
        ...compareTotalsWithTruth(totals, workload.truth),
        ...monotonyFaults(receiver.booked),
        ...(options.collector === undefined ? [] : collectorFaults(options.collector, receiver.booked)),
      ],
    };
  } finally {
    await receiver.close();
  }
}

/** Feeds everything, before and while bridges live, until all is fed and as many as wanted have been killed. By life. */
export async function killWhileFeeding(
  { site, feeder, receiver, random }: { site: Site; feeder: Feeder; receiver: Receiving; random: Random },
  options: Pick<KillOptions, "events" | "kills" | "onProgress">,
): Promise<Map<string, Death>> {
  const deaths = new Map<string, Death>();
  const killed = (): number => countKills(deaths).kills;
  const most = Math.max(1, Math.round(options.events / options.kills));
  const startMs = await measureStart(site, receiver.url);
  let isLeft = true;
  for (let life = 0; killed() < options.kills || isLeft; life += 1) {
    const command = random.chance(0.1) ? "flush" : "bridge";
    await feeder.feed(random.int(0, most));
    const lived = liveOnce({ site, receiver, life: String(life), command, aim: randomAim(random, startMs) });
    const [death, more] = await Promise.all([lived, feeder.feed(random.int(0, most))]);
    deaths.set(String(life), death);
    isLeft = more;
    if (life % 50 === 49) options.onProgress(`${killed()} of ${options.kills} kills`);
  }
  return deaths;
}

/** How long a bridge takes to get to work on this machine as it is now, roughly: the instants must be meaningful there too. */
export async function measureStart(site: Site, endpoint: string): Promise<number> {
  const startMs = performance.now();
  await runOnce(site, endpoint, ["flush", "--timeout", "1"]);
  return Math.min(600, Math.max(100, performance.now() - startMs));
}

export function countKills(
  deaths: ReadonlyMap<string, Death>,
): Pick<KillRound, "kills" | "killsInCommit" | "killsInFlight"> {
  const killed = [...deaths.values()].filter((one) => one.killed);
  return {
    kills: killed.length,
    killsInCommit: killed.filter(({ inCommit }) => inCommit).length,
    killsInFlight: killed.filter(({ inFlight }) => inFlight).length,
  };
}

/** What an undisturbed run of all that was fed brings. @throws Error if it does not come to its end. */
export async function runUndisturbed(root: string, feeder: Feeder): Promise<Pick<Receiver, "booked">> {
  const site = createSite(join(root, "undisturbed"));
  writeConfig(site, {});
  const receiver = await createReceiver(createRandom(0));
  try {
    feeder.repeatInto(site);
    const { code, said } = await runOnce(site, receiver.url, ["flush", "--close", "--timeout", "60"]);
    if (code !== 0) throw new Error(`the undisturbed flush ended with ${code}: ${said}`);
    return { booked: receiver.booked };
  } finally {
    await receiver.close();
  }
}
