/**
 * Puts a bridge together over a state directory: the one place where the rooms are wired. Whoever opens one must hold the
 * directory's lock.
 */

import { join } from "node:path";

import type { Config } from "../config/config.ts";
import { createExclude } from "../event/exclude.ts";
import type { Log } from "../log.ts";
import { createPricer } from "../metric/price.ts";
import type { PriceTable } from "../metric/price-table.ts";
import { SHIPPED_PRICES } from "../metric/shipped-prices.ts";
import { emptyTotals, type Totals } from "../metric/totals.ts";
import type { Exporter } from "../otlp/exporter.ts";
import { createSpool } from "../spool/spool.ts";
import { createActivityFile } from "../store/activity-file.ts";
import { createCommit, type CommitResult } from "../store/commit.ts";
import type { Changes } from "../store/commit-record.ts";
import { ifPresent, type Disk } from "../store/disk.ts";
import { dueEarly, heldNames, listHeld } from "../store/held.ts";
import { emptyIndex, loadIndex } from "../store/index-file.ts";
import { createOutbox, type Outbox } from "../store/outbox.ts";
import { createQuarantine, type Quarantine } from "../store/quarantine.ts";
import { createSessionStore } from "../store/session-store.ts";
import { enforceSpanBounds } from "../store/span-bounds.ts";
import type { StateDirectory } from "../store/state-directory.ts";
import { createStatuslineFiles } from "../store/statusline-files.ts";
import { loadTotals, saveSent } from "../store/totals-file.ts";
import { createTroubleFile } from "../store/trouble-file.ts";
import type { FileRead } from "../store/versioned-file.ts";
import { captured } from "../trace/content.ts";
import { ATTR } from "../trace/semconv.ts";
import { SESSION_VERSION, sessionSchema } from "../trace/session.ts";
import { createBridge, type Bridge } from "./bridge.ts";
import { createDelivery, type Delivery } from "./delivery.ts";
import { createEndings } from "./endings.ts";
import { createEnvelopes } from "./envelopes.ts";
import { createFolding } from "./folding.ts";
import { createFollow } from "./follow.ts";
import { shownOf } from "./shown-cost.ts";
import type { Identities } from "./identities.ts";
import { dropped, eventCounted, gaugePoints, type About } from "./health.ts";
import { NewerStateError } from "./newer-state-error.ts";
import { createHeadReading } from "./transcript-head.ts";
import type { MetricPoints } from "../metric/point.ts";

export type OpenBridge = {
  bridge: Bridge;
  delivery: Delivery;
  outbox: Outbox;
  /** Series of agents have changed since they were last sent. */
  hasNews(): boolean;
  /** The disk would not have the last commit: it is tried again, and nothing may be sent before. */
  isCommitPending(): boolean;
  /** No envelope waits, nothing is held, the outbox is empty. */
  isEmpty(): boolean;
  /** Keeps what waits within the bounds, and counts what it drops. */
  enforceBounds(nowNs: bigint): void;
  /** Counts what was learned of users; a new number is a reason to look at what waits for it. */
  identityNews(): number;
  /** The gauges of this moment. */
  gauges(nowNs: bigint): MetricPoints[];
};

type Deps = {
  disk: Disk;
  directory: StateDirectory;
  config: Pick<Config, "bounds" | "capture" | "exclude" | "agents" | "mcpNames">;
  userPrices: PriceTable | undefined;
  exporter: Exporter;
  isAlive: (pid: number, birth?: string) => boolean;
  /** Without it a recycled pid is taken for its predecessor. */
  birthOf?: (pid: number) => string | undefined;
  repositoryOf: (cwd: string) => string | undefined;
  /** Without it no span waits to be told whose it is. */
  identities?: Pick<Identities, "waitLeftMs" | "news">;
  about: About;
  log: Log;
};

/** @throws NewerStateError; or the disk's own error, if the directory cannot be read or written. */
export function openBridge(deps: Deps): OpenBridge {
  const { disk, directory, config, log } = deps;
  const quarantine: Quarantine = createQuarantine(disk, directory.quarantine, config.bounds);
  const commit = createCommit({ disk, quarantine }, directory);
  const applied = commit.applyPending();
  if (applied.status === "newer") throw newer("commit.json", applied.v);
  if (applied.status === "pending")
    throw new Error(`cannot finish the last commit in ${directory.home}; nothing is lost`, { cause: applied.error });
  if (applied.status === "corrupt")
    log.error("commit.json was damaged and is in quarantine", { reason: applied.reason });

  const totals: Totals = usable("totals.json", loadTotals({ disk, quarantine }, directory.totals), emptyTotals);
  const index = usable("index.json", loadIndex({ disk, quarantine }, directory.index), emptyIndex);
  const store = createSessionStore({ disk, quarantine }, directory.sessions, SESSION_VERSION, (json) =>
    sessionSchema.parse(json),
  );
  const { price } = createPricer([...(deps.userPrices === undefined ? [] : [deps.userPrices]), ...SHIPPED_PRICES]);
  const mcpNames = new Map(Object.entries(config.mcpNames));
  const folding = createFolding({
    store,
    totals,
    index,
    policy: {
      price,
      capture: (kind, text) => captured(config.capture, kind, text),
      mcpName: (server) => mcpNames.get(server),
    },
    repositoryOf: deps.repositoryOf,
    birthOf: deps.birthOf ?? (() => undefined),
    onUnreadable: (reason) => log.error("the state of a session cannot be used", { reason }),
  });
  const spool = createSpool(disk, directory.spool, config.bounds);
  const outbox = createOutbox({ disk, quarantine }, directory.outbox);
  const follow = createFollow({
    fold: (event) => folding.fold(event),
    session: (agent, id) => folding.session(agent, id),
    onSkipped: (reason) => {
      folding.count([eventCounted(reason)]);
      log.warn("part of a transcript was passed over", { reason });
    },
  });
  const activity = createActivityFile(disk, directory.activity);
  const statusline = createStatuslineFiles(disk, directory.statusline);
  const bridge = createBridge({
    envelopes: createEnvelopes({
      spool,
      folding: { ...folding, fold: createHeadReading(folding) },
      isExcluded: createExclude(config),
      onHeard: (agent, atNs) => activity.heard(agent, atNs),
      log,
    }),
    folding,
    follow,
    endings: createEndings({
      folding,
      follow,
      isAlive: deps.isAlive,
      shownCost: (session) => shownOf(statusline, session),
      log,
    }),
    commit: { ...commit, commit: commitAndTell },
    heldDueEarly: (nowNs) => dueEarly(listHeld(disk, directory.held), nowNs),
    heldTraces: () => heldNames(disk, directory.held).map(({ traceId }) => traceId),
    log,
  });
  const troubles = createTroubleFile(disk, directory.trouble, Date.now);
  const delivery = createDelivery({
    exporter: deps.exporter,
    outbox,
    totals,
    isPending: () => bridge.isBlocked(),
    untouchedBelow: () => commit.untouchedBelow(),
    waitLeftMs: ({ batch, writtenNs }) => {
      const nowMs = Date.now();
      const sessionIds = new Set(batch.spans.map(({ attributes }) => String(attributes[ATTR.sessionId])));
      return deps.identities?.waitLeftMs(sessionIds, nowMs - Number(writtenNs / 1_000_000n), nowMs) ?? 0;
    },
    commit: (nowNs, own) => bridge.commit(nowNs, own),
    saveSent: (plan) => saveSent({ disk, quarantine }, directory.totals, plan),
    count: (increments) => folding.count(increments),
    noteTrouble(signal, text) {
      const name = signal === "span" ? "spans" : "metrics";
      troubles.note(name, text);
      if (text === undefined) activity.accepted(name, Date.now());
      activity.save();
    },
    touch: (keys) => folding.touch(keys),
    jitter: Math.random,
    log,
  });

  return {
    bridge,
    delivery,
    outbox,
    hasNews: () => folding.hasNews(),
    isCommitPending: () => bridge.isBlocked(),
    isEmpty: () =>
      spool.list().entries.length === 0 && heldNames(disk, directory.held).length === 0 && outbox.usage().items === 0,
    enforceBounds(nowNs) {
      if (commit.isPending()) return;
      const directories = { held: directory.held, outbox: directory.outbox };
      const drops = enforceSpanBounds(disk, directories, config.bounds, nowNs);
      for (const { reason, spans } of drops) {
        folding.count([dropped(reason, spans)]);
        log.error("a bound dropped spans that were never accepted", { reason, spans });
      }
      const emptied = quarantine.enforce(nowNs);
      if (emptied > 0) folding.count([dropped("quarantine", emptied)]);
      statusline.sweep(nowNs);
      // Hooks leave this mark when the spool is full and no bridge lives.
      const isFlooded = ifPresent(() => disk.facts(join(directory.home, "dropped"))) !== undefined;
      if (isFlooded) {
        folding.count([dropped("spool_flooded")]);
        ifPresent(() => disk.unlink(join(directory.home, "dropped")));
      }
      // What is gone is gone: `status` shall say so, though nothing else happens.
      if (drops.length > 0 || emptied > 0 || isFlooded) bridge.commit(nowNs, "own");
    },
    identityNews: () => deps.identities?.news() ?? 0,
    gauges: (nowNs) =>
      gaugePoints({ spool: stockOf(spool.list().entries), outbox: outbox.usage() }, deps.about, folding.live(), nowNs),
  };

  function commitAndTell(changes: Changes): CommitResult {
    const result = commit.commit(changes);
    for (const { agent, agentVersion } of folding.live()) {
      if (agentVersion !== undefined) activity.runs(agent, agentVersion);
    }
    activity.save();
    return result;
  }

  function usable<T>(name: string, read: FileRead<T>, empty: () => T): T {
    if (read.status === "newer") throw newer(name, read.v);
    if (read.status === "corrupt")
      log.error(`${name} was damaged and is in quarantine; it begins anew`, { reason: read.reason });
    return read.status === "found" ? read.value : empty();
  }

  function newer(name: string, v: number): NewerStateError {
    return new NewerStateError(
      `${join(directory.home, name)} has version ${v}, written by a newer hookspan; upgrade hookspan, nothing was touched`,
    );
  }
}

function stockOf(entries: readonly { sizeBytes: number; mtimeNs: bigint }[]): {
  items: number;
  sizeBytes: number;
  oldestNs: bigint | undefined;
} {
  const sizeBytes = entries.reduce((sum, one) => sum + one.sizeBytes, 0);
  return { items: entries.length, sizeBytes, oldestNs: entries[0]?.mtimeNs };
}
