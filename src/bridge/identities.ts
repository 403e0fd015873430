/**
 * Who the user is, for the resource of spans: what the user configured, else what the agent's own telemetry says of the session,
 * else what git knows. All of it is off by default.
 */

import type { Config } from "../config/config.ts";
import type { Sighting } from "../intake/sighting.ts";
import type { Log } from "../log.ts";
import type { Disk } from "../store/disk.ts";
import { loadIdentities, saveIdentities, type StoredIdentity } from "../store/identity-file.ts";
import { createQuarantine } from "../store/quarantine.ts";
import type { StateDirectory } from "../store/state-directory.ts";
import type { GitIdentity } from "./git-identity.ts";

export type Identities = {
  /** What telemetry has said; on disk when it returns, if it was news. Never throws. */
  learn: (sightings: readonly Sighting[], nowMs: number) => void;
  /** Attributes of the resource of a session's spans; none where nothing is known, or to be told. */
  attributesOf(sessionId: string, nowMs: number): Record<string, string>;
  /** How long spans of these sessions, written `ageMs` ago, should still wait for the identity of their user: milliseconds. */
  waitLeftMs(sessionIds: Iterable<string>, ageMs: number, nowMs: number): number;
  /** Counts what was learned: a new number is a reason to look at what waits. */
  news(): number;
};

type Deps = {
  disk: Disk;
  directory: StateDirectory;
  config: Pick<Config, "identity" | "bounds">;
  host: string;
  git: () => GitIdentity;
  log: Log;
};

const LIFE_MS = 86_400_000;
/** How old the time on disk may get before it is written anew. */
const REFRESH_MS = 3_600_000;
const SESSIONS = 1000;
/** The address may come with a later record than the id. */
const EMAIL_GRACE_MS = 30_000;

/** Reads nothing before it is asked, which is to be after the directory's lock was taken. */
export function createIdentities(deps: Deps): Identities {
  const { disk, directory, log } = deps;
  const { learn, user, organization, git, host, waitMs } = deps.config.identity;
  let loaded: { sessions: Map<string, StoredIdentity>; isWritable: boolean } | undefined;
  let ofGit: GitIdentity | undefined;
  let count = 0;
  let savedMs = 0;

  return {
    learn(sightings, nowMs) {
      if (!learn) return;
      const isNews = sightings.map((sighting) => note(sighting, nowMs)).some(Boolean);
      if (isNews) count += 1;
      // What is heard again every few seconds lives on in memory; on disk its time may be an hour behind.
      if (isNews || (sightings.length > 0 && Math.abs(nowMs - savedMs) >= REFRESH_MS)) save(nowMs);
    },
    attributesOf(sessionId, nowMs) {
      const learned = known(sessionId, nowMs);
      ofGit ??= git ? deps.git() : {};
      const attributes = {
        "user.id": user.id ?? learned?.userId,
        "user.email": user.email ?? learned?.email ?? ofGit.email,
        "user.name": user.name ?? ofGit.name,
        "hookspan.organization.id": organization ?? learned?.organizationId,
        "host.name": host ? deps.host : undefined,
      };
      return Object.fromEntries(
        Object.entries(attributes).flatMap(([key, value]): [string, string][] =>
          value === undefined ? [] : [[key, value]],
        ),
      );
    },
    waitLeftMs(sessionIds, ageMs, nowMs) {
      // A file of the future: the clock was set back, and nobody knows how old it is.
      if (!learn || ageMs < 0 || (user.email ?? user.id) !== undefined) return 0;
      const leftMs = Math.max(0, waitMs - ageMs);
      return Math.min(leftMs, Math.max(0, ...[...sessionIds].map((sessionId) => unknownForMs(sessionId, nowMs))));
    },
    news: () => count,
  };

  /** For ever, or for as long as a better word may follow the first. */
  function unknownForMs(sessionId: string, nowMs: number): number {
    const learned = known(sessionId, nowMs);
    if (learned === undefined) return Number.POSITIVE_INFINITY;
    return learned.email === undefined ? Math.max(0, learned.firstMs + EMAIL_GRACE_MS - nowMs) : 0;
  }

  function known(sessionId: string, nowMs: number): StoredIdentity | undefined {
    if (!learn) return undefined;
    const found = sessions().get(sessionId);
    return found === undefined || nowMs - found.heardMs >= LIFE_MS ? undefined : found;
  }

  /** True if it is news. What is not said leaves what is known as it is. */
  function note({ sessionId, ...said }: Sighting, nowMs: number): boolean {
    const before = known(sessionId, nowMs);
    const next = { firstMs: nowMs, ...before, ...said, heardMs: nowMs };
    sessions().set(sessionId, next);
    return (
      before === undefined ||
      before.email !== next.email ||
      before.userId !== next.userId ||
      before.organizationId !== next.organizationId
    );
  }

  function sessions(): Map<string, StoredIdentity> {
    loaded ??= load();
    return loaded.sessions;
  }

  function load(): NonNullable<typeof loaded> {
    try {
      const quarantine = createQuarantine(disk, directory.quarantine, deps.config.bounds);
      return loadIdentities({ disk, quarantine }, directory.identity);
    } catch (error) {
      log.error("identity.json cannot be read; identities are learned anew", { error: String(error) });
      return { sessions: new Map(), isWritable: false };
    }
  }

  function save(nowMs: number): void {
    savedMs = nowMs;
    const all = sessions();
    for (const [sessionId, { heardMs }] of all) if (nowMs - heardMs >= LIFE_MS) all.delete(sessionId);
    const beyond = [...all].sort(([, a], [, b]) => b.heardMs - a.heardMs).slice(SESSIONS);
    for (const [sessionId] of beyond) all.delete(sessionId);
    if (loaded?.isWritable !== true) return;
    try {
      saveIdentities(disk, directory.identity, all);
    } catch (error) {
      log.error("identity.json cannot be written; what it holds is known until the bridge leaves", {
        error: String(error),
      });
    }
  }
}
