/** What `hookspan status` shows: a look at the state directory, without waking anything. */

import { join } from "node:path";

import { announced } from "../bridge/announcement.ts";
import { isAlive } from "../bridge/process-alive.ts";
import type { Config } from "../config/config.ts";
import { createSpool } from "../spool/spool.ts";
import { type Activity, readActivity } from "../store/activity-file.ts";
import { ifPresent, type Disk } from "../store/disk.ts";
import { listHeld } from "../store/held.ts";
import { createOutbox } from "../store/outbox.ts";
import { createQuarantine } from "../store/quarantine.ts";
import { stateDirectory, type StateDirectory } from "../store/state-directory.ts";
import { loadTotals } from "../store/totals-file.ts";
import { readTroubles, type Trouble } from "../store/trouble-file.ts";
import { ATTR } from "../trace/semconv.ts";

export type Status = {
  state: string;
  endpoint: { traces: string; metrics: string };
  bridge: { status: "running"; pid: number; startedAt: string; version: string } | { status: "not running" };
  spool: Stock;
  held: Stock;
  outbox: Stock;
  quarantine: { items: number; sizeBytes: number; byReason: Record<string, number> };
  /** Counted since the state directory was made; each by its reason or outcome. */
  events: Record<string, number>;
  exports: Record<string, number>;
  dropped: Record<string, number>;
  /** When each agent was last heard of, and in which version it runs; when the receiver last accepted. ISO 8601. */
  activity: Activity;
  /** hookspan's own; that of a bridge stands beside it. */
  version: string;
  /** What keeps a bridge from its work, as it said last. */
  troubles: Trouble[];
  /** Things a user should know and can mend. */
  notes: string[];
};

type Stock = { items: number; sizeBytes: number };

/** @throws the disk's own error, where a directory exists and cannot be read. */
export function readStatus(disk: Disk, config: Config, version: string): Status {
  const directory = stateDirectory(config.home);
  // A look must not move a thing: what is damaged is set aside by a bridge, which holds the lock.
  const quarantine = { ...createQuarantine(disk, directory.quarantine, config.bounds), setAside: () => {} };
  const totals = loadTotals({ disk, quarantine }, directory.totals);
  const series = totals.status === "found" ? [...totals.value.series.values()] : [];
  const counted = (metric: string, ...names: string[]): Record<string, number> => {
    const entries = series
      .filter((one) => one.metric === metric && typeof one.value === "number")
      .map((one): [string, number] => [names.map((name) => String(one.attributes[name])).join(" "), Number(one.value)]);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  return {
    state: directory.home,
    endpoint: config.endpoints,
    bridge: bridgeOf(disk, directory),
    spool: stockIn(disk, directory.spool, () => createSpool(disk, directory.spool, config.bounds).list().entries),
    held: stockIn(disk, directory.held, () => listHeld(disk, directory.held)),
    outbox: isThere(disk, directory.outbox)
      ? createOutbox({ disk, quarantine }, directory.outbox).usage()
      : { items: 0, sizeBytes: 0 },
    quarantine: isThere(disk, directory.quarantine) ? quarantine.summary() : { items: 0, sizeBytes: 0, byReason: {} },
    events: counted("hookspan.bridge.event.count", ATTR.eventOutcome),
    exports: counted("hookspan.bridge.export.item.count", ATTR.exportSignal, ATTR.exportOutcome),
    dropped: counted("hookspan.bridge.dropped.count", ATTR.dropReason),
    activity: readActivity(disk, directory.activity),
    version,
    troubles: readTroubles(disk, directory.trouble),
    notes: notesOf(disk, directory, config),
  };
}

/** The status as lines of text for a terminal. */
export function statusText(status: Status): string {
  const { bridge, quarantine } = status;
  const running =
    bridge.status === "running"
      ? `running, pid ${bridge.pid}, since ${bridge.startedAt}, version ${bridge.version}`
      : "not running (the next hook starts it)";
  const rows: [string, string][] = [
    ["version", status.version],
    ["state", status.state],
    ["endpoint", status.endpoint.traces],
    ["bridge", running],
    ["spool", stock(status.spool)],
    ["held", stock(status.held)],
    ["outbox", stock(status.outbox)],
    ["accepted", acceptedText(status.activity.accepted)],
    ["quarantine", quarantine.items === 0 ? "0" : `${quarantine.items}: ${table(quarantine.byReason)}`],
    ["events", table(status.events)],
    ["exports", table(status.exports)],
    ["dropped", table(status.dropped)],
    ...agentRows(status.activity.agents),
    ...status.troubles.map((trouble): [string, string] => ["trouble", troubleText(trouble)]),
    ...status.notes.map((note): [string, string] => ["note", note]),
  ];
  return `${rows.map(([name, value]) => `${name.padEnd(11)} ${value}`).join("\n")}\n`;
}

function acceptedText({ spans, metrics }: Activity["accepted"]): string {
  return `spans ${spans ?? "never"}, totals ${metrics ?? "never"}`;
}

/** The last one heard of first. */
function agentRows(agents: Activity["agents"]): [string, string][] {
  const known = Object.entries(agents).sort(([, a], [, b]) => (a.lastEvent > b.lastEvent ? -1 : 1));
  return known.map(([name, { lastEvent, version }]) => [
    "agent",
    `${name}${version === undefined ? "" : ` ${version}`}, last event ${lastEvent}`,
  ]);
}

function troubleText({ kind, since, text }: Trouble): string {
  const what = {
    bridge: "the last bridge ended with an error",
    configuration: "the configuration cannot be used as it is now",
    spans: "spans are not accepted; they are kept",
    metrics: "totals are not accepted; they are kept",
    intake: "the intake cannot listen; hooks work all the same",
  }[kind];
  return `${what}, since ${since}: ${text}`;
}

function stock({ items, sizeBytes }: Stock): string {
  return items === 0 ? "0" : `${items}, ${sizeBytes} bytes`;
}

function table(rows: Record<string, number>): string {
  const entries = Object.entries(rows);
  return entries.length === 0 ? "none" : entries.map(([name, value]) => `${name} ${value}`).join(", ");
}

function bridgeOf(disk: Disk, directory: StateDirectory): Status["bridge"] {
  const announcement = announced(disk, directory.bridge);
  if (announcement === undefined || !isAlive(announcement.pid)) return { status: "not running" };
  return { status: "running", ...announcement };
}

function stockIn(disk: Disk, path: string, list: () => { sizeBytes: number }[]): Stock {
  const files = isThere(disk, path) ? list() : [];
  return { items: files.length, sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0) };
}

function notesOf(disk: Disk, directory: StateDirectory, config: Config): string[] {
  const marks: [string, string][] = [
    [
      "no-node",
      "a hook found no node and no bridge, so its events were not written; install node or run `hookspan bridge`",
    ],
    ["dropped", "hooks met a spool of more than 50,000 events and no bridge, and dropped theirs; run `hookspan flush`"],
  ];
  const found = marks.filter(([name]) => isThere(disk, join(directory.home, name))).map(([, text]) => text);
  return config.disabled ? [...found, "HOOKSPAN_DISABLED is set: hooks and bridge do nothing"] : found;
}

function isThere(disk: Disk, path: string): boolean {
  return ifPresent(() => disk.facts(path)) !== undefined;
}
