/** Plays a workload into a state directory, item by item, and again into another one with the same times. */

import { appendFileSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Place } from "./claude-shapes.ts";
import { putEnvelope, runHook } from "./hook-process.ts";
import type { Random } from "./random.ts";
import type { Item, Workload } from "./workload.ts";

/** A state directory, and the home of the agent that feeds it. */
export type Site = Place & { root: string; state: string };

type Done = { item: Item; atMs: number; beganMs: number };

export type Feeder = {
  /** Does so many hook events of sessions taken at random, and what else lies before them. False once nothing is left. */
  feed(hooks: number): Promise<boolean>;
  hookKills(): number;
  /** The same again, undisturbed, with the same times. */
  repeatInto(site: Site): void;
};

/** Hooks of every n-th session are real processes (0: of none); of those, so many in a hundred are killed, and the event told again. */
export type FeedOptions = { realHooksEvery: number; hookKillPercent: number };

/** Each thing has a millisecond of its own. A file's time is of a clock that ticks only every few, and no event is later. */
const BEFORE_MS = 20;

export function createSite(root: string): Site {
  const site = { root, state: join(root, "state"), projects: join(root, "home/.claude/projects") };
  for (const name of ["spool", "sessions", "held", "outbox", "quarantine"])
    mkdirSync(join(site.state, name), { recursive: true, mode: 0o700 });
  mkdirSync(site.projects, { recursive: true });
  return site;
}

export function createFeeder(site: Site, workload: Workload, random: Random, options: FeedOptions): Feeder {
  const open = workload.sessions.map((items, index) => ({
    items: [...items],
    isReal: options.realHooksEvery > 0 && index % options.realHooksEvery === 0,
    beganMs: 0,
  }));
  const done: Done[] = [];
  let lastMs = 0;
  let killed = 0;

  return {
    async feed(hooks) {
      for (let left = hooks; left > 0;) {
        const sessions = open.filter(({ items }) => items.length > 0);
        const session = sessions[random.int(0, sessions.length - 1)];
        const item = session?.items.shift();
        if (session === undefined || item === undefined) return false;
        while (lastMs >= Date.now() - BEFORE_MS) await sleep(1);
        lastMs = Date.now() - BEFORE_MS;
        session.beganMs ||= lastMs;
        const one = { item, atMs: lastMs, beganMs: session.beganMs };
        done.push(one);
        if (item.kind === "hook") left -= 1;
        if (item.kind === "hook" && session.isReal) await callHook(item.payload(site), one.atMs);
        else put(site, one);
      }
      return open.some(({ items }) => items.length > 0);
    },
    hookKills: () => killed,
    repeatInto(other) {
      for (const one of done) put(other, one);
    },
  };

  async function callHook(payload: string, atMs: number): Promise<void> {
    const call = { state: site.state, payload, atMs };
    if (random.chance(options.hookKillPercent / 100)) {
      // A shell takes a few milliseconds. What was whole by then is told twice.
      await runHook(call, { afterMs: random.int(0, 6), group: random.chance(0.5), halfway: random.chance(0.6) });
      killed += 1;
    }
    await runHook(call);
  }
}

/** What killed hooks left half-written grows old. Gives how many there are: they must come out in quarantine. */
export function ageIncomplete({ state }: Site): number {
  const spool = join(state, "spool");
  const incomplete = readdirSync(spool).filter((name) => {
    const text = readFileSync(join(spool, name), "latin1");
    return !text.endsWith(`\nend=${name.replace(/\.evt$/, "")}\n`);
  });
  const longAgo = Date.now() / 1000 - 3600;
  for (const name of incomplete) utimesSync(join(spool, name), longAgo, longAgo);
  return incomplete.length;
}

function put(site: Site, { item, atMs, beganMs }: Done): void {
  if (item.kind === "hook") {
    putEnvelope({ state: site.state, payload: item.payload(site), atMs });
    return;
  }
  const file = item.file(site);
  mkdirSync(dirname(file), { recursive: true });
  if (item.kind === "meta") writeFileSync(file, item.text);
  else appendFileSync(file, `${item.text({ atMs, beganMs })}\n`);
}
