/** One life of a bridge: a real process, from its start to a SIGKILL at an instant that was chosen for it. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";

import * as z from "zod";

import type { Site } from "./feeder.ts";
import type { Random } from "./random.ts";
import type { Receiver } from "./receiver.ts";

/** What is under test: the build. */
export const PROGRAM = join(import.meta.dirname, "../../dist/hookspan.cjs");

/**
 * What the SIGKILL waits for; each is aimed at a window in which something is half done. `nth`: at which of the events that
 * it waits for; if there are not so many, `byMs` after the bridge got to work. `time` and `leaving` count from the start.
 */
export type Aim = { byMs: number; afterMs: number; nth: number } & (
  | { at: "time" }
  /** A name that appears in, or goes from, a directory of the state. */
  | { at: "name"; directory: string; name: RegExp }
  | { at: "request"; signal: "traces" | "metrics" }
  /** Asked to leave, and killed while it does. */
  | { at: "leaving" }
);

/** What the killed process left behind: a commit that is not applied to its end, and spans that no answer has come for. */
export type Death = { killed: boolean; aim: Aim["at"]; inCommit: boolean; inFlight: boolean; unacked: Set<string> };

/** What a life needs of its receiver. */
export type Receiving = Pick<Receiver, "url" | "booked" | "onRequest">;

export type LifeOptions = { site: Site; receiver: Receiving; life: string; command: "bridge" | "flush"; aim: Aim };

/** `startMs`: how long a bridge takes to get to work. */
export function randomAim(random: Random, startMs: number): Aim {
  const aim = (what: { at: "time" } | { at: "leaving" }, fromMs: number): Aim => ({
    ...what,
    byMs: random.int(fromMs, 3 * startMs),
    afterMs: random.next() * startMs * (what.at === "leaving" ? 0.5 : 0),
    nth: 1,
  });
  const late = { byMs: startMs, afterMs: random.chance(0.5) ? 0 : random.next() * 4 };
  const name = (directory: string, pattern: RegExp, most: number): Aim => ({
    ...late,
    at: "name",
    directory,
    name: pattern,
    nth: random.int(1, most),
  });
  const request = (signal: "traces" | "metrics", most: number): Aim => ({
    ...late,
    at: "request",
    signal,
    nth: random.int(1, most),
  });
  return random.pick<() => Aim>([
    () => aim({ at: "time" }, 0),
    () => aim({ at: "time" }, 0),
    () => aim({ at: "leaving" }, startMs),
    // Written and renamed, then deleted.
    () => name(".", /^commit\.json$/, 4),
    () => name(".", /^commit\.json$/, 4),
    () => name(".", /^commit\.json\.tmp$/, 4),
    () => name(".", /^totals\.json/, 4),
    () => name(".", /^lock/, 3),
    () => name("sessions", /./, 10),
    () => name("held", /./, 20),
    () => name("outbox", /./, 40),
    () => name("spool", /./, 20),
    () => request("traces", 1),
    () => request("traces", 3),
    () => ({ ...request("traces", 1), afterMs: random.next() * 20 }),
    () => request("metrics", 2),
  ])();
}

/** The environment of every command on this site. A short time-out, for some answers never come. */
export function environmentOf(site: Site, endpoint: string, life: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: join(site.root, "home"),
    HOOKSPAN_HOME: site.state,
    HOOKSPAN_CONFIG: join(site.root, "config.json"),
    HOOKSPAN_ENDPOINT: endpoint,
    HOOKSPAN_HEADERS: `x-life=${life}`,
    HOOKSPAN_LOG_LEVEL: "error",
  };
}

export function writeConfig(site: Site, settings: object): void {
  writeFileSync(join(site.root, "config.json"), JSON.stringify(settings));
}

/** Resolves when the process has ended. @throws Error if it ended by itself, other than well. */
export async function liveOnce({ site, receiver, life, command, aim }: LifeOptions): Promise<Death> {
  const child = spawn(process.execPath, [PROGRAM, command], {
    env: environmentOf(site, receiver.url, life),
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  const closed = once(child, "close");
  const disarm = arm(child, aim, { site, receiver, life, command });
  await closed;
  disarm();
  const killed = child.signalCode === "SIGKILL";
  // Before it listens to signals, SIGTERM ends it too.
  const endedWell = child.exitCode === 0 || (aim.at === "leaving" && child.signalCode === "SIGTERM");
  if (!killed && !endedWell) throw new Error(`${command} ended with ${child.exitCode ?? child.signalCode}: ${said}`);
  return { killed, aim: aim.at, ...leftBehind(site, receiver, life) };
}

/** Runs a command on the site to its end, undisturbed. */
export async function runOnce(
  site: Site,
  endpoint: string,
  args: string[],
): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: environmentOf(site, endpoint, "undisturbed"),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (said += text.toString()));
  await once(child, "close");
  return { code: child.exitCode, said };
}

/** Keys of the spans that lie in the outbox: the bridge has not booked an answer for them. */
export function unackedSpans(site: Site): Set<string> {
  const outbox = join(site.state, "outbox");
  if (!existsSync(outbox)) return new Set();
  const files = readdirSync(outbox).filter((name) => name.endsWith(".json"));
  return new Set(
    files.flatMap((name) => {
      const { spans } = batchSchema.parse(JSON.parse(readFileSync(join(outbox, name), "utf8")));
      return spans.map(({ traceId, spanId }) => `${traceId} ${spanId}`);
    }),
  );
}

const batchSchema = z.object({ spans: z.array(z.object({ traceId: z.string(), spanId: z.string() })) });

function arm(child: ChildProcess, aim: Aim, where: Omit<LifeOptions, "aim">): () => void {
  const { site, receiver, life, command } = where;
  let isArmed = true;
  const kill = (): void => {
    if (!isArmed) return;
    isArmed = false;
    // Not a timer, which has whole milliseconds: windows are shorter than that.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, aim.afterMs);
    child.kill("SIGKILL");
  };
  const late = (): void => {
    if (aim.at !== "leaving") return kill();
    child.kill("SIGTERM");
    leaving = setTimeout(kill, aim.afterMs);
  };
  let waitedFor = 0;
  /** True if it was time. */
  const count = (): boolean => {
    waitedFor += 1;
    if (waitedFor === aim.nth) kill();
    return waitedFor === aim.nth;
  };
  let leaving: NodeJS.Timeout | undefined;
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => void (timer ??= setTimeout(late, aim.byMs));
  const isTimed = aim.at === "time" || aim.at === "leaving";
  // A flush makes no lease: its time counts from the start too.
  if (isTimed || command === "flush") begin();
  const watchers = [
    watch(site.state, (_event, name) => {
      if (name === "lease") begin();
    }),
    ...(aim.at === "name"
      ? [
          watch(
            join(site.state, aim.directory),
            (_event, name) => void (name !== null && aim.name.test(name) && count()),
          ),
        ]
      : []),
  ];
  receiver.onRequest(
    (from, signal) => aim.at === "request" && from === life && aim.signal === signal && isArmed && count(),
  );
  return () => {
    isArmed = false;
    clearTimeout(timer);
    clearTimeout(leaving);
    for (const watcher of watchers) watcher.close();
    receiver.onRequest(undefined);
  };
}

function leftBehind(site: Site, receiver: Receiving, life: string): Pick<Death, "inCommit" | "inFlight" | "unacked"> {
  const unacked = unackedSpans(site);
  const last = receiver.booked.findLast((one) => one.life === life && one.spans.length > 0);
  return {
    inCommit: existsSync(join(site.state, "commit.json")),
    inFlight: last !== undefined && last.spans.some(({ key }) => unacked.has(key)),
    unacked,
  };
}
